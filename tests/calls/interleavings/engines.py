"""Scripted engines that answer when the schedule says so, and not before."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from audio.stt import Transcript
from audio.tts import Voice
from brain import Message
from brain.engine import Piece
from brain.tools import Arguments, Circumstances, Tool, ToolCall
from errors import EngineError
from tests.calls.interleavings.record import Asked, Record, ToolRun
from tests.calls.interleavings.sound import Clause, bot_word

MOST_CLAUSES: Final = 3
ALLOWED: Final = "look"
FORBIDDEN: Final = "push"
MISHEARD: Final = "nobody ever says this"
SCHEMA: Final = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
WORDS_IN_CLAUSE: Final = 3


class Result(Enum):
    """What an engine can be made to do next."""

    MORE = auto()
    """The words of the turn; a clause of the reply; all sound of the clause."""
    SOME = auto()
    """A backchannel; a word of the reply; half of the sound of the clause."""
    NOTHING = auto()
    """No words; the end of the reply; the end of the sound."""
    FAILURE = auto()
    TOOL = auto()
    """The reply ends in the wish to use a tool."""
    TOOLS = auto()
    """The same with two: one that is allowed, one that must never run."""


LAST: Final = (Result.NOTHING, Result.FAILURE, Result.TOOL, Result.TOOLS)


@dataclass(eq=False)
class Request:
    """One call of an engine, open until it is done."""

    results: deque[Result] = field(default_factory=deque)
    given: list[Result] = field(default_factory=list)
    waiter: asyncio.Future[None] | None = None

    def give(self, result: Result) -> None:
        """The engine has got this far."""
        self.given.append(result)
        self.results.append(result)
        if self.waiter and not self.waiter.done():
            self.waiter.set_result(None)

    async def next(self) -> Result:
        """Wait for what comes next.

        :raises errors.EngineError: the engine fails.
        """
        while not self.results:
            self.waiter = asyncio.get_running_loop().create_future()
            await self.waiter
        result = self.results.popleft()
        if result is Result.FAILURE:
            raise EngineError("The engine failed.")
        return result

    @property
    def over(self) -> bool:
        """Nothing more can be given."""
        return bool(self.given) and self.given[-1] in LAST


@dataclass
class Requests:
    """The open calls of one engine, oldest first."""

    open: list[Request] = field(default_factory=list)

    def begin(self) -> Request:
        request = Request()
        self.open.append(request)
        return request

    def end(self, request: Request) -> None:
        self.open.remove(request)

    @property
    def waiting(self) -> list[Request]:
        """Those that can be given something."""
        return [request for request in self.open if not request.over]


@dataclass
class Hears:
    """Speech to text: the words that ``words_in`` finds in the sound."""

    words_in: Callable[[bytes], str]
    hum_for: Callable[[bytes], str]
    note_unclear: Callable[[bytes], None]
    requests: Requests = field(default_factory=Requests)
    name: str = "scripted hearing"
    glimpses: int = 0

    async def load(self) -> None: ...

    async def transcribe(self, pcm: bytes, _language: str | None = None) -> Transcript:
        request = self.requests.begin()
        try:
            match await request.next():
                case Result.MORE:
                    return Transcript(self.words_in(pcm))
                case Result.SOME:
                    return Transcript(self.hum_for(pcm))
                case _:
                    self.note_unclear(pcm)
                    return Transcript("")
        except EngineError:
            self.note_unclear(pcm)
            raise
        finally:
            self.requests.end(request)

    async def glimpse(self, pcm: bytes, _language: str | None = None) -> Transcript | None:
        """At once; each third one shows words that nobody said."""
        self.glimpses += 1
        await asyncio.sleep(0)
        return Transcript(f"{MISHEARD if self.glimpses % 3 == 0 else self.words_in(pcm)}.", confidence=0.5)

    async def close(self) -> None: ...


TOOLS_WANTED: Final = {Result.TOOL: (ALLOWED,), Result.TOOLS: (ALLOWED, FORBIDDEN)}


@dataclass
class Thinks:
    """A brain that never says the same word twice."""

    record: Record
    asked: Callable[[Sequence[Message]], Asked]
    requests: Requests = field(default_factory=Requests)
    _words: int = 0
    _calls: int = 0
    name: str = "scripted brain"

    async def load(self) -> None: ...

    async def prefill(self, messages: Sequence[Message]) -> None: ...

    async def reply(self, messages: Sequence[Message], _tools: Sequence[Tool] = ()) -> AsyncGenerator[Piece, None]:
        asked = self.asked(messages)
        request = self.requests.begin()
        clauses = 0
        try:
            while (result := await request.next()) not in LAST:
                yield self.words_for(asked, 1) + " " if result is Result.SOME else self.words_for(asked, WORDS_IN_CLAUSE) + ". "
                clauses += result is Result.MORE
                if clauses == MOST_CLAUSES:
                    return
            for name in TOOLS_WANTED.get(result, ()):
                yield self._call(name, asked)
        finally:
            self.requests.end(request)

    def _call(self, name: str, asked: Asked) -> ToolCall:
        self._calls += 1
        self.record.call_of[self._calls] = asked
        return ToolCall(name, f'{{"number": {self._calls}}}')

    def words_for(self, asked: Asked, count: int) -> str:
        """New words, known to be part of this answer."""
        words = [bot_word(self._words + place) for place in range(count)]
        self._words += count
        self.record.answers_to.update(dict.fromkeys(words, asked))
        return " ".join(words)

    async def close(self) -> None: ...


def number_of(call: ToolCall) -> int:
    """Which of the conversation's calls it is."""
    return int((call.values or {})["number"])


@dataclass
class Looks:
    """The tools: one that may be used, one that may not because it changes something."""

    record: Record
    requests: Requests = field(default_factory=Requests)

    @property
    def tools(self) -> tuple[Tool, ...]:
        return Tool(ALLOWED, "", SCHEMA, self._look), Tool(FORBIDDEN, "", SCHEMA, self._push, side_effects=True)

    async def _look(self, arguments: Arguments, _circumstances: Circumstances) -> str:
        run = ToolRun(arguments["number"], self.record.place())
        self.record.tool_runs.append(run)
        request = self.requests.begin()
        try:
            if await request.next() is not Result.MORE:
                raise RuntimeError
            run.text = f"found {run.number}"
        except EngineError as failure:
            run.failed = True
            raise RuntimeError from failure
        finally:
            run.ended_at = self.record.place()
            self.requests.end(request)
        return run.text

    async def _push(self, _arguments: Arguments, _circumstances: Circumstances) -> str:
        self.record.faults.append("A tool with side effects has run.")
        return ""


@dataclass
class Speaks:
    """A voice with a sound of its own for each word."""

    record: Record
    requests: Requests = field(default_factory=Requests)
    name: str = "scripted voice"

    async def load(self) -> None: ...

    async def synthesize(self, text: str, _voice: Voice) -> AsyncGenerator[bytes, None]:
        clause, sound = self.record.ear.teach(text)
        request = self.requests.begin()
        try:
            while sound and (result := await self._next(request, clause)) is not Result.NOTHING:
                piece = sound if result is Result.MORE else sound[: len(sound) // 4 * 2]
                sound = sound[len(piece) :]
                yield piece
            clause.whole_at = self.record.place() if not sound else None
        finally:
            self.requests.end(request)

    async def _next(self, request: Request, clause: Clause) -> Result:
        try:
            return await request.next()
        except EngineError:
            self.record.failed_clauses.add(clause)
            raise

    async def close(self) -> None: ...
