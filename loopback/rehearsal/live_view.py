"""The rehearsal as it happens, in the terminal: a line for everything typed, said, heard and answered, and a foot line with the phase.

Without a terminal, or on a dumb one, the lines come alone and without colours.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from calls.events import (
    Announced,
    CallEvent,
    CallJoined,
    CallLeft,
    ClauseSpoken,
    EngineFailed,
    FalseInterruption,
    Interrupted,
    ParticipantsChanged,
    PhaseChanged,
    TurnHeard,
    TurnIgnored,
)
from loopback.rehearsal.cast import ChatMessage

PHASE_STYLES: Final = {"listening": "green", "thinking": "yellow", "speaking": "cyan", "connecting": "blue", "reconnecting": "red"}
NAME_WIDTH: Final = 8


class LiveView:
    """Watches people (as an :class:`~loopback.rehearsal.cast.Audience`) and the bot (as a listener of its events)."""

    def __init__(self, console: Console, bot_name: str, clock: Callable[[], float]) -> None:
        self._console = console
        self._bot_name = bot_name
        self._clock = clock
        self._began_s = clock()
        self._phase = ""
        self._in_call: tuple[str, ...] = ()
        dumb = not console.is_terminal or console.is_dumb_terminal
        self._foot = None if dumb else Live(get_renderable=self._foot_line, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        if self._foot is not None:
            self._foot.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._foot is not None:
            self._foot.stop()

    def typed(self, who: str, text: str) -> None:
        """A person wrote into the chat."""
        self._line(who, "types", text, "bold")

    def spoke(self, who: str, words: str, interrupting: bool) -> None:
        """A person begins to say something."""
        self._line(who, "cuts in" if interrupting else "says", f"“{words}”", "bold magenta" if interrupting else "bold")

    def waited(self, who: str, voice_to_voice_ms: float) -> None:
        """How long a person waited for the answer."""
        self._line(who, "waited", f"{voice_to_voice_ms / 1000:.2f} s from the last word to the first sound of the answer", "dim")

    def message(self, message: ChatMessage) -> None:
        """The bot wrote into the chat."""
        if message.from_bot:
            self._line(self._bot_name, "writes", " ".join(message.text.split()), "blue")

    def note(self, text: str) -> None:
        """Something else worth knowing."""
        self._line("", "·", text, "dim")

    def failed(self, text: str) -> None:
        """Something did not go as the script expects."""
        self._line("", "✗", text, "bold red")

    def event(self, event: CallEvent) -> None:
        """Something happened in the bot's call."""
        match event:
            case PhaseChanged(phase=phase):
                self._phase = phase
            case ParticipantsChanged(names=names):
                self._in_call = names
            case CallJoined():
                self.note(f"{self._bot_name} is in the call")
            case CallLeft(reason=reason):
                self._phase, self._in_call = "", ()
                self.note(f"{self._bot_name} has left the call{f': {reason}' if reason else ''}")
            case TurnHeard(text=text, speaker=speaker):
                self._line(self._bot_name, "hears", f"“{text}” ({speaker})" if text else f"nothing it understands ({speaker})", "green")
            case TurnIgnored(speaker=speaker, reason=reason):
                self._line(self._bot_name, "is quiet", f"{reason} ({speaker})", "dim")
            case FalseInterruption(by=by, words=words):
                self._line(
                    self._bot_name, "goes on", f"“{words}” ({by}) was no interruption" if words else "it was no interruption", "cyan"
                )
            case Announced(text=text):
                self._line(self._bot_name, "says", text.strip(), "cyan")
            case ClauseSpoken(text=text):
                self._line(self._bot_name, "answers", text.strip(), "cyan")
            case Interrupted(by=by):
                self._line(self._bot_name, "stops", f"interrupted by {by}", "bold magenta")
            case EngineFailed(part=part, what=what):
                self.failed(f"{part} failed: {what}")

    def _line(self, who: str, verb: str, text: str, style: str) -> None:
        moment = f"{self._clock() - self._began_s:6.1f}"
        self._console.print(Text.assemble((f"{moment}  ", "dim"), (f"{who:<{NAME_WIDTH}} {verb:<8} ", style), text), soft_wrap=True)

    def _foot_line(self) -> Text:
        present = ", ".join(self._in_call) or "nobody"
        phase = self._phase or "not in the call"
        return Text.assemble(
            (f"{self._clock() - self._began_s:6.1f}  ", "dim"),
            ("● ", PHASE_STYLES.get(phase, "dim")),
            f"{phase}",
            ("   in the call: ", "dim"),
            present,
        )
