"""The embedded brain: a small model inside, run by llama.cpp in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final

import structlog

from brain.embedded_program import Options
from brain.engine import Message
from brain.model_process import Finished, ModelProcess, Request
from brain.slots import Slot, Slots
from brain.tools import Tool
from config import Settings
from errors import EngineError, ModelMissing
from models import path_of

MODEL: Final = "qwen2.5-coder-0.5b"
MODEL_FILE: Final = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
CONVERSATIONS: Final = 4
"""Conversations whose prompts are kept in the cache, and replies written at the same time; more wait their turn."""
CONTEXT_TOKENS: Final = 3072
REPLY_TOKENS: Final = 100

_log = structlog.get_logger(__name__)


class EmbeddedBrain:
    """Thinks on this machine. A crash of the model costs the replies in work; the next one starts the model again.

    A reply supersedes an unfinished one of the same conversation, whose reader gets an ``EngineError``. ``on_finished`` is told how each
    reply and each prefill ended that was not abandoned.
    """

    def __init__(self, settings: Settings, on_finished: Callable[[Finished], None] | None = None) -> None:
        self._settings = settings
        self._on_finished = on_finished or _log_finished
        self._model: _RunningModel | None = None
        self._starting = asyncio.Lock()

    @property
    def name(self) -> str:
        """``embedded`` and the model's name."""
        own = self._settings.brain_model_path
        return f"embedded {own.stem if own else MODEL}"

    @property
    def pid(self) -> int | None:
        """The process id of the model, while it runs."""
        return self._model.process.pid if self._model is not None and self._model.process.alive else None

    async def load(self) -> None:
        """Start the model's process.

        :raises errors.ModelMissing: no model on disk.
        :raises errors.EngineError: the file is no model that it can run.
        """
        await self._running()

    async def prefill(self, messages: Sequence[Message]) -> None:
        """Read ``messages`` into the cache of their conversation; returns when they are read, or at once when there is nothing to gain."""
        model = await self._running()
        async for _ in model.reading_ahead(messages):
            pass

    async def reply(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> AsyncGenerator[str, None]:
        """See :meth:`brain.engine.Brain.reply`. So small a model uses no tools."""
        model = await self._running()
        async with aclosing(model.reply(messages)) as pieces:
            async for piece in pieces:
                yield piece

    async def close(self) -> None:
        """End the model's process."""
        async with self._starting:
            if self._model is not None:
                await self._model.process.close()
                self._model = None

    async def _running(self) -> _RunningModel:
        async with self._starting:
            if self._model is None or not self._model.process.alive:
                await self._restart()
            assert self._model is not None
            return self._model

    async def _restart(self) -> None:
        if self._model is not None:
            _log.warning("embedded brain restarts", last_words=self._model.process.last_words)
            await self._model.process.close()
            self._model = None
        threads = self._settings.brain_threads
        options = Options(str(_model_path(self._settings)), threads, CONVERSATIONS, CONTEXT_TOKENS, REPLY_TOKENS)
        self._model = _RunningModel(await ModelProcess.start(options), self._on_finished)


def _model_path(settings: Settings) -> Path:
    path = settings.brain_model_path or path_of(MODEL, settings.models_dir) / MODEL_FILE
    if not path.is_file():
        raise ModelMissing(
            f"The embedded brain's model is not at {path}.", "Correct BRAIN_MODEL_PATH, or leave it empty for the built-in one."
        )
    return path


def embedded_model_is_there(settings: Settings) -> bool:
    """Whether the embedded brain has a model on disk to think with."""
    try:
        return _model_path(settings).is_file()
    except ModelMissing:
        return False


class _RunningModel:
    """A process with the state of its caches. ``_free`` has one permit for each idle slot, given out in the order of asking."""

    def __init__(self, process: ModelProcess, on_finished: Callable[[Finished], None]) -> None:
        self.process = process
        self._on_finished = on_finished
        self._slots = Slots(CONVERSATIONS)
        self._free = asyncio.Semaphore(CONVERSATIONS)
        self._at_work: dict[int, Request] = {}

    async def reply(self, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        superseded = self._slots.superseded_by(messages)
        if superseded is not None:
            self._stop(self._at_work[superseded])
        await self._free.acquire()
        slot = self._slots.idle_for(messages)
        assert slot is not None
        async with aclosing(self._work("reply", slot, messages)) as pieces:
            async for piece in pieces:
                yield piece

    async def reading_ahead(self, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        slot = self._slots.idle_for_reading_ahead(messages)
        if slot is None or self._free.locked():
            return
        await self._free.acquire()
        try:
            async with aclosing(self._work("read", slot, messages)) as pieces:
                async for piece in pieces:
                    yield piece
        except Superseded:
            return

    async def _work(self, do: str, slot: Slot, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        wire = [{"role": str(message.role), "content": message.text} for message in messages]
        request = self.process.ask(do=do, slot=slot.index, messages=wire)
        self._slots.begin(slot, messages, request.id, reads_ahead=do == "read")
        self._at_work[request.id] = request
        try:
            async for event in self.process.answer(request):
                if isinstance(event, str):
                    yield event
                else:
                    self._finished(event)
        finally:
            self._stop(request)

    def _finished(self, how: Finished) -> None:
        if how.reason == "cancelled":
            raise Superseded("A newer reply of the same conversation has taken over.")
        self._on_finished(how)

    def _stop(self, request: Request) -> None:
        if self._slots.end(request.id):
            del self._at_work[request.id]
            self._free.release()
            self.process.cancel(request)


class Superseded(EngineError):
    """Somebody began a newer reply of the same conversation."""


def _log_finished(how: Finished) -> None:
    _log.debug("embedded brain finished", reason=how.reason, cached=how.cached, read=how.read, written=how.written)
