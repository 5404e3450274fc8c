"""Which keys of a step go together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from loopback.rehearsal.step import Step

NOBODYS: Final = frozenset(
    {"drop_bot", "crowd", "outage", "flood", "fault", "lift_faults", "restart_bot", "crash_bot", "stop_bot", "start_bot"}
    | {"count_requests", "wait"}
)
"""Actions that nobody does."""
BELONGS: Final[dict[str, tuple[str, ...]]] = {
    "anonymous": ("type",),
    "reply_to_bot": ("type", "voice_note", "send_file"),
    "caption": ("voice_note", "send_file"),
    "as_voice": ("send_file",),
    "for_all": ("outage",),
    "meanwhile": ("outage", "type"),
    "seconds": ("flood", "fault"),
    "method": ("fault",),
    "private": ("type", "voice_note", "send_file", "expect", "expect_not", "expect_voice_note"),
}
"""Keys that only say more about other ones."""
FOR: Final = ("expect_not", "expect_heard", "expect_in_call", "expect")
"""What can be expected for a while."""


def step_mistakes(step: Step) -> Iterator[str]:
    """What is wrong with one step by itself, in plain words."""
    yield from _who(step)
    for key, owners in BELONGS.items():
        if getattr(step, key) is not None and all(getattr(step, owner) is None for owner in owners):
            yield f"`{key}` belongs to {' or '.join(f'`{owner}`' for owner in owners)}"
    yield from _talking(step)
    yield from _expecting(step)
    yield from _troubling(step)


def _who(step: Step) -> Iterator[str]:
    if step.who is None and step.action is not None and step.action not in NOBODYS:
        yield f"`who` is missing: who does `{step.action}`?"
    if step.who is None and step.expect_heard is not None:
        yield "`who` is missing: who hears the bot?"
    if step.who is None and step.private:
        yield "`who` is missing: whose private chat with the bot is it?"
    if step.private and step.chat is not None:
        yield "`private` and `chat` name two places; keep one"
    if step.private and step.anonymous:
        yield "`anonymous` is for groups; leave out `private`"


def _talking(step: Step) -> Iterator[str]:
    if not step.speaks and (step.interrupt_after_ms is not None or step.wait_for_reply is not None):
        yield "`interrupt_after_ms` and `wait_for_reply` belong to `say` or `play`"
    if not step.speaks and step.expect_silence is not None:
        yield "`expect_silence` belongs to `say` or `play`"
    if step.text is not None and step.play is None:
        yield "`text` belongs to `play`: what is said in the file"
    if step.bot_goes_on and step.interrupt_after_ms is None:
        yield "`bot_goes_on` belongs beside `interrupt_after_ms`"
    if step.expect_silence is not None and step.interrupt_after_ms is not None:
        yield "`expect_silence` can't be told from the end of the answer that is interrupted; `bot_goes_on` says that it must go on"
    if (step.expect_silence is not None or step.bot_goes_on) and (step.expect is not None or step.wait_for_reply):
        yield f"`{'bot_goes_on' if step.bot_goes_on else 'expect_silence'}` means no answer, so there is none to wait for or to expect"
    if step.speaks and step.expect is not None and step.wait_for_reply is False:
        yield "`expect` beside `say` or `play` is about the answer, so it must be waited for"


def _expecting(step: Step) -> Iterator[str]:
    if step.expect_not is not None and step.for_s is None:
        yield "`expect_not` needs `for`: for how many seconds must it not be written?"
    if step.expect_heard is False and step.for_s is None:
        yield "`expect_heard: false` needs `for`: for how many seconds must nothing be heard?"
    if step.for_s is not None and not any(key in step.expectations for key in FOR):
        yield f"`for` belongs to {' or '.join(f'`{key}`' for key in FOR)}"
    if step.for_s is not None and step.expect is not None and step.times is None and step.expectations == ["expect"]:
        yield "`for` beside `expect` belongs to `times`: for how long nothing more may come"
    if step.times is not None and step.fault is None and "expect" not in step.expectations:
        yield "`times` belongs to `fault` or `expect`"


def _troubling(step: Step) -> Iterator[str]:
    if step.flood is not None and step.seconds is None:
        yield "`flood` needs `seconds`: how long may the bot not ask for it?"
    if step.for_all and step.meanwhile:
        yield "`for_all` cuts the people off, too, so nothing can be done `meanwhile`"
