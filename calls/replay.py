"""``bot.py replay``: hear a recorded conversation again and show what was decided when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from audio.pcm import HEARING_RATE_HZ, as_samples
from audio.resample import resample
from audio.stt import SpeechToText, Transcript
from audio.stt.choose import choose_speech_to_text
from audio.turn_model import MODEL_NAME, TurnModel
from audio.wav import STEREO, read_wav
from calls.manners import manners_from
from calls.pause_reader import TurnJudge
from calls.replay_ear import Moment, Reading, Timeline, replay_ear
from calls.replay_picture import draw_timeline
from calls.turns.barge_in import BargeInStep
from calls.turns.endpointing import Edge
from config import Settings, load_settings
from errors import EXIT_USAGE, ModelMissing, ParleyError
from models import path_of

LONGEST_S: Final = 3600.0


class RecordingError(ParleyError):
    """The recording cannot be replayed."""

    exit_code = EXIT_USAGE


@dataclass(frozen=True, slots=True)
class Recording:
    """A conversation at 16 kHz: the people's side, and Parley's where the recording has it apart."""

    people: bytes
    bot: bytes | None

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(as_samples(self.people)) / HEARING_RATE_HZ


def replay(recording: Path, picture: Path | None = None, words: bool = False) -> None:
    """Print the decisions on ``recording`` and draw them into ``picture`` (default: a PNG beside it).

    Mono is one participant; of stereo the left side is people, the right side Parley. ``words`` transcribes each pause.

    :raises errors.ParleyError: the recording can't be read or is too long, a model fails, or the picture can't be written.
    """
    picture = picture or recording.with_suffix(".png")
    if picture.resolve() == recording.resolve():
        raise RecordingError(f"The picture would overwrite {recording}.", "Give another file with --picture.")
    settings, console = load_settings(), Console(highlight=False)
    sound = read_recording(recording)
    timeline = asyncio.run(_replayed(sound, settings, words))
    console.print(_table(timeline))
    console.print(Text(_verdict(timeline)), soft_wrap=True)
    try:
        draw_timeline(timeline, sound.people, sound.bot, recording.name, picture)
    except OSError as error:
        raise ParleyError(f"The picture can't be written to {picture} ({error.strerror}).", "Give another file with --picture.") from None
    console.print(Text(f"The picture is {picture}."), soft_wrap=True)


def read_recording(path: Path) -> Recording:
    """A WAV file of any rate.

    :raises errors.ParleyError: missing, unreadable, empty, longer than an hour, or with more than two channels.
    """
    wav = read_wav(path, longest_s=LONGEST_S)
    if wav.channels > STEREO:
        raise RecordingError(f"{path} has {wav.channels} channels.", "Give one participant, or people left and Parley right.")
    samples = as_samples(wav.pcm).reshape(-1, wav.channels)
    if not len(samples):
        raise RecordingError(f"{path} holds no sound.", "Give a recording of a conversation.")
    sides = [resample(bytes(samples[:, side].tobytes()), wav.rate_hz, HEARING_RATE_HZ) for side in range(wav.channels)]
    return Recording(sides[0], sides[1] if wav.channels == STEREO else None)


async def _replayed(sound: Recording, settings: Settings, words: bool) -> Timeline:
    manners = manners_from(settings, small_model=False, history_tokens=0)
    async with _judge(settings) as judge, _hearing(settings, words) as stt:
        return await replay_ear(sound.people, sound.bot, manners, judge, stt)


@asynccontextmanager
async def _judge(settings: Settings) -> AsyncIterator[TurnJudge | None]:
    """The turn model, if it is on disk."""
    try:
        model = TurnModel(path_of(MODEL_NAME, settings.models_dir))
    except ModelMissing:
        yield None
        return
    await model.load()
    try:
        yield model
    finally:
        await model.close()


@asynccontextmanager
async def _hearing(settings: Settings, wanted: bool) -> AsyncIterator[SpeechToText | None]:
    if not wanted:
        yield None
        return
    stt = choose_speech_to_text(settings)
    try:
        await stt.load()
        yield stt
    finally:
        await stt.close()


# ---- the table


def _table(timeline: Timeline) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=None, expand=False, pad_edge=False)
    for heading in ("time", "edge", "silence", "wait"):
        table.add_column(heading, justify="left" if heading == "edge" else "right", no_wrap=True)
    table.add_column("words", overflow="fold")
    for moment in timeline.moments:
        table.add_row(*(Text(cell) for cell in _row(moment)), style=_STYLES.get(moment.what) if isinstance(moment.what, Edge) else "dim")
    return table


_STYLES: Final = {Edge.BEGAN: "bold green", Edge.ENDED: "bold magenta"}
_STEPS: Final = {
    BargeInStep.DUCK: "would duck",
    BargeInStep.HOLD: "would fall silent",
    BargeInStep.CUT: "would stop",
    BargeInStep.UNDUCK: "would come back",
}


def _row(moment: Moment) -> tuple[str, ...]:
    time = f"{moment.at_s:.2f} s"
    if isinstance(moment.what, BargeInStep):
        return time, _STEPS[moment.what], "", "", ""
    silence = f"{moment.silence_s:.2f} s" if moment.what is not Edge.BEGAN else ""
    return time, _name(moment.what), silence, f"{moment.wait_s:.2f} s", moment.words


def _name(what: Edge | Reading | Transcript) -> str:
    match what:
        case Edge():
            return what.name.lower()
        case Reading(completeness=completeness):
            return f"  sound {completeness:.0%} finished"
        case Transcript():
            return "  words known"


def _verdict(timeline: Timeline) -> str:
    ended = timeline.of(Edge.ENDED)
    turns = f"{len(ended)} turn{'s' if len(ended) != 1 else ''} in {timeline.seconds:.1f} s"
    if not ended:
        return f"{turns}."
    waited = sum(moment.silence_s for moment in ended) / len(ended)
    return f"{turns}, {len(timeline.of(Edge.RESUMED))} pauses within; a turn ended after {waited:.2f} s of silence on average."
