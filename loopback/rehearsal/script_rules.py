"""What in a script contradicts something else in it: steps against people, chats, files and earlier steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from config import Settings
from loopback.rehearsal.bot_environment import OWN
from loopback.rehearsal.patterns import mistake_in_times
from loopback.rehearsal.script import Script
from loopback.rehearsal.step import TEXTS, Step
from loopback.world.named_faults import NAMED_FAULTS, NEEDS_CHAT

Mistake = tuple[tuple[int | str, ...], str]
"""Where in the script, and what is wrong."""
ADMINS: Final = frozenset(
    {"start_voice_chat", "end_voice_chat", "schedule_voice_chat", "start_scheduled", "kick_bot", "add_bot", "mute_bot"},
)
"""Actions that Telegram lets admins do alone."""
VOICE_CHAT: Final = frozenset({"start_voice_chat", "end_voice_chat", "schedule_voice_chat", "start_scheduled", "mute_bot"})
"""Actions that need the right to manage voice chats."""


def contradictions(script: Script) -> Iterator[Mistake]:
    """All of them, in the order of the script."""
    yield from _about_settings(script)
    yield from _about_people(script)
    for index, step in enumerate(script.steps):
        for what in (*_who_and_where(script, step), *_files(script, step), *_texts(step), *_faults(step)):
            yield ("steps", index), what
    yield from _interruptions(script)
    yield from _bot_lives(script)


def _about_settings(script: Script) -> Iterator[Mistake]:
    for name in script.settings:
        if name not in Settings.model_fields:
            yield ("settings", name), f"there is no setting `{name}`; settings are written as in .env.example, in small letters"
        elif name in OWN:
            yield ("settings", name), f"the setting `{name}` is the rehearsal's own"
    if script.owner is not None and script.owner not in script.people:
        yield ("owner",), f"nobody called {script.owner!r} is among the people ({', '.join(script.people)})"


def _about_people(script: Script) -> Iterator[Mistake]:
    for name, person in script.people.items():
        for chat in person.rights if isinstance(person.rights, dict) else ():
            if chat not in script.places:
                yield ("people", name, "rights", chat), _no_chat(script, chat)


def _no_chat(script: Script, chat: str) -> str:
    return f"there is no chat {chat!r}; the chats are {', '.join(script.places)}"


def _who_and_where(script: Script, step: Step) -> Iterator[str]:
    if step.who is not None and step.who not in script.people:
        yield f"nobody called {step.who!r} is among the people ({', '.join(script.people)})"
    elif step.chat is not None and step.chat not in script.places:
        yield _no_chat(script, step.chat)
    elif step.who is not None and not step.private:
        yield from _rights(script, step, step.who)


def _rights(script: Script, step: Step, who: str) -> Iterator[str]:
    chat = script.place_of(step)
    right = script.people[who].right_in(chat)
    if right == "none" and step.action not in ("leave_call", None):
        yield f"{who} is not in {chat}: give `rights` there"
    elif step.action in ADMINS and right not in ("admin", "admin_without_calls"):
        yield f"{who} is no admin of {chat}, and `{step.action}` is for admins"
    elif step.action in VOICE_CHAT and right != "admin":
        yield f"{who} may not manage voice chats in {chat}, which `{step.action}` needs"
    elif step.anonymous and right == "member":
        yield f"{who} is no admin of {chat}, and only admins can be `anonymous`"
    elif step.type is not None and right == "member" and script.places[chat].kind == "channel":
        yield f"{who} only reads the channel {chat}: admins write there"


def _files(script: Script, step: Step) -> Iterator[str]:
    for name in (step.play, step.send_file):
        if name is not None and not (script.folder / name).is_file():
            yield f"there is no file {name!r} beside the script"


def _texts(step: Step) -> Iterator[str]:
    for key in TEXTS:
        text = getattr(step, key)
        mistake = mistake_in_times(text) if isinstance(text, str) else None
        if mistake is not None:
            yield mistake


def _faults(step: Step) -> Iterator[str]:
    if step.fault is not None and step.fault not in NAMED_FAULTS:
        yield f"there is no fault {step.fault!r}; known are {', '.join(NAMED_FAULTS)}"
    elif step.fault in NEEDS_CHAT and step.chat is None:
        yield f"the fault {step.fault!r} is about one chat: name it with `chat`"


def _interruptions(script: Script) -> Iterator[Mistake]:
    someone_speaks = to_be_answered = False
    for index, step in enumerate(script.steps):
        if step.interrupt_after_ms is not None and not someone_speaks:
            yield ("steps", index), "`interrupt_after_ms` needs an answer to interrupt, but nobody has said anything before"
        elif step.interrupt_after_ms is not None and not to_be_answered:
            yield ("steps", index), "`interrupt_after_ms` needs an answer to interrupt, but what was said before must get none"
        if step.speaks and not step.bot_goes_on:
            to_be_answered = step.expect_silence is None
        someone_speaks = someone_speaks or step.speaks


def _bot_lives(script: Script) -> Iterator[Mistake]:
    runs = True
    for index, step in enumerate(script.steps):
        if step.start_bot and runs:
            yield ("steps", index), "`start_bot` needs a `stop_bot` before it: the bot runs already"
        elif not runs and (step.stop_bot or step.restart_bot or step.crash_bot):
            yield ("steps", index), f"`{step.action}` needs a bot that runs, and it was stopped before; `start_bot` starts it"
        runs = (runs or step.start_bot is not None) and step.stop_bot is None
