"""What a step expects of the bot: that it writes, joins, is heard, asks Telegram no more than it may, is there again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from errors import ParleyError
from loopback.rehearsal.cast import Actor, BotControl, ChatLog, ChatMessage, World
from loopback.rehearsal.patterns import pattern_of
from loopback.rehearsal.polling import until
from loopback.rehearsal.step import Step

NOTHING_MORE_S: Final = 2.0
"""How long nothing more may come where a text is expected a number of times."""


class ExpectationFailed(Exception):
    """The bot did not do what the script expects; what comes after would make no sense."""


@dataclass(frozen=True, slots=True)
class Met:
    """An expectation that came true, ``took_s`` after the bot could know of it."""

    step: int
    what: str
    took_s: float


@dataclass(slots=True)
class Mark:
    """Since when what the bot does is the answer: things done one right after the other count as one.

    ``messages`` is the length of the chat log, ``done_s`` when the last of them was done.
    """

    messages: int = 0
    done_s: float = 0.0
    _running: bool = False

    def begin(self, messages: int) -> None:
        """Something is done."""
        if not self._running:
            self.messages = messages
        self._running = True

    def close(self) -> None:
        """What is done next stands by itself."""
        self._running = False


@dataclass(frozen=True, slots=True)
class ExpectedNote:
    """A voice note whose words are judged after the call; ``pattern`` as of ``expect``."""

    step: int
    message: ChatMessage
    pattern: str


@dataclass(slots=True)
class Expecting:
    """Checks the expectations of steps. ``counting_since`` tells since when (server's time) requests are counted."""

    actors: Mapping[str, Actor]
    chat: ChatLog
    world: World
    bot: BotControl
    clock: Callable[[], float]
    counting_since: Callable[[], float]
    mark: Mark = field(default_factory=Mark)
    met: list[Met] = field(default_factory=list)
    notes: list[ExpectedNote] = field(default_factory=list)

    async def check(self, number: int, step: Step, place: str) -> None:
        """Wait for everything that step ``number`` expects in the chat ``place``.

        :raises ExpectationFailed: it did not come true in time, or did not stay true.
        :raises errors.ParleyError: the bot has failed.
        """
        checks: dict[str, Callable[[int, Step, str], Awaitable[str]]] = {
            "expect": self._expect,
            "expect_not": self._expect_not,
            "expect_voice_note": self._expect_voice_note,
            "expect_in_call": self._expect_in_call,
            "expect_heard": self._expect_heard,
            "expect_requests": self._expect_requests,
            "expect_bot_ready": self._expect_bot_ready,
        }
        for name in step.expectations:
            what = await checks[name](number, step, place)
            self.met.append(Met(number, what, self.clock() - self.mark.done_s))

    # ---- in the chat

    async def _expect(self, _: int, step: Step, place: str) -> str:
        assert step.expect is not None
        expected, pattern, wanted = step.expect, pattern_of(step.expect), step.times or 1

        def matching() -> int:
            return len({message.message_id for message in self._written(place) if pattern.search(message.text)})

        if not await until(lambda: matching() >= wanted, step.within, self.clock):
            often = f" {wanted} times" if wanted > 1 else ""
            raise ExpectationFailed(
                f"expected {expected!r} in the chat{often} within {step.within:g} s, but the bot wrote {self._found(place)}"
            )
        at_s = self.clock()
        if step.times is not None:
            await self._stays(
                lambda: matching() <= wanted,
                step.for_s or NOTHING_MORE_S,
                lambda: f"expected {expected!r} in the chat {wanted} times, but it came {matching()} times: {self._found(place)}",
            )
        return f"“{expected}” was written after {at_s - self.mark.done_s:.1f} s"

    async def _expect_not(self, _: int, step: Step, place: str) -> str:
        assert step.expect_not is not None
        unwanted, pattern = step.expect_not, pattern_of(step.expect_not)
        await self._stays(
            lambda: not any(pattern.search(message.text) for message in self._written(place)),
            step.for_s or 0.0,
            lambda: f"expected that {unwanted!r} is not written, but the bot wrote {self._found(place)}",
        )
        return f"“{unwanted}” was not written"

    async def _expect_voice_note(self, number: int, step: Step, place: str) -> str:
        def notes() -> list[ChatMessage]:
            return [message for message in self._written(place) if message.voice_note]

        if not await until(lambda: bool(notes()), step.within, self.clock):
            raise ExpectationFailed(f"expected a voice note within {step.within:g} s, but the bot wrote {self._found(place)}")
        note = notes()[0]
        if isinstance(step.expect_voice_note, str):
            self.notes.append(ExpectedNote(number, note, step.expect_voice_note))
        return f"a voice note came after {note.at_s - self.mark.done_s:.1f} s"

    def _written(self, place: str) -> list[ChatMessage]:
        return self.chat.from_bot_after(self.mark.messages, place)

    def _found(self, place: str) -> str:
        return " / ".join(repr(message.text) for message in self._written(place)) or "nothing"

    # ---- in the call

    async def _expect_in_call(self, _: int, step: Step, place: str) -> str:
        wanted = bool(step.expect_in_call)
        where = f"{'in' if wanted else 'out of'} the voice chat of {place}"
        if not await until(lambda: self.world.bot_in_call(place) is wanted, step.within, self.clock):
            raise ExpectationFailed(f"expected the bot {where} within {step.within:g} s; it is {'not ' if wanted else ''}in it")
        reached_s = self.clock()
        if step.for_s is not None:
            for_s = step.for_s
            await self._stays(
                lambda: self.world.bot_in_call(place) is wanted,
                for_s,
                lambda: f"expected the bot {where} for {for_s:g} s, but it was so for {self.clock() - reached_s:.1f} s only",
            )
            return f"the bot stayed {where} for {for_s:g} s"
        return f"the bot was {where} after {reached_s - self.mark.done_s:.1f} s"

    async def _expect_heard(self, _: int, step: Step, place: str) -> str:
        assert step.who is not None
        ear, since_s = self.actors[step.who].ear, self.mark.done_s
        if step.expect_heard:
            if not await until(lambda: ear.first_audible_after(since_s) is not None, step.within, self.clock):
                raise ExpectationFailed(f"expected that {step.who} hears the bot within {step.within:g} s, but nothing was heard")
            return f"{step.who} heard the bot after {self.clock() - since_s:.1f} s"
        begin_s, for_s = self.clock(), step.for_s or 0.0
        await self._stays(
            lambda: ear.first_audible_after(begin_s) is None,
            for_s,
            lambda: f"expected that {step.who} hears nothing of the bot for {for_s:g} s, but it was heard",
        )
        return f"{step.who} heard nothing of the bot for {for_s:g} s"

    # ---- behind the scenes

    async def _expect_requests(self, _: int, step: Step, place: str) -> str:
        assert step.expect_requests is not None
        method, most, least = step.expect_requests.method, step.expect_requests.at_most, step.expect_requests.at_least
        count = self.world.requests(method, self.counting_since())
        if (most is not None and count > most) or (least is not None and count < least):
            limit = " and ".join(f"{name} {n}" for name, n in (("at least", least), ("at most", most)) if n is not None)
            raise ExpectationFailed(f"expected {limit} requests {method}, but there were {count}")
        return f"{count} requests {method}"

    async def _expect_bot_ready(self, _: int, step: Step, place: str) -> str:
        try:
            await self.bot.ready_again(step.within)
        except ParleyError as error:
            raise ExpectationFailed(f"expected the bot to be ready again within {step.within:g} s. {error}") from None
        return f"the bot was ready again after {self.clock() - self.mark.done_s:.1f} s"

    async def _stays(self, holds: Callable[[], bool], for_s: float, broken: Callable[[], str]) -> None:
        """Wait ``for_s`` during which ``holds``.

        :raises ExpectationFailed: it did not; ``broken`` says so.
        """
        if await until(lambda: not holds(), for_s, self.clock):
            raise ExpectationFailed(broken())
