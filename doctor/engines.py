"""The models on disk, and whether Parley can hear, speak and think with them. No microphone and no loudspeaker is needed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Final, Protocol

from audio.pcm import HEARING_RATE_HZ, PLAYOUT_RATE_HZ, duration_s
from audio.resample import resample
from audio.stt.choose import choose_speech_to_text
from audio.stt.engine import SpeechToText
from audio.stt.word_errors import word_error_rate
from audio.tts.choose import choose_text_to_speech
from audio.tts.engine import TextToSpeech, Voice
from brain.choose import choose_brain
from brain.engine import Brain, Message, Role
from config import Settings
from doctor.finding import Finding, failure, of_error, ok, warning
from errors import ParleyError
from models.needs import TURN_MODEL, needed_models
from models.store import Presence, presence, wrong_files

SENTENCES: Final = {
    "en": "Good morning, can you hear me? The weather is nice today.",
    "es": "Buenos días, ¿me oyes bien? Hoy hace muy buen tiempo.",
    "ca": "Bon dia, em sents bé? Avui fa molt bon temps.",
    "ru": "Доброе утро, вы меня слышите? Сегодня хорошая погода.",
}
MOST_WRONG: Final = 0.34
SLOWEST_HEARING: Final = 0.7
"""Times the length of what was said; above it answers come late."""
LONGEST_S: Final = 90.0


def models(settings: Settings, *, thorough: bool = True) -> Finding:
    """Whether all that the settings need is on disk; ``thorough`` checks every byte."""
    for name, own in (("PIPER_VOICE", settings.piper_voice), ("BRAIN_MODEL_PATH", settings.brain_model_path)):
        if own is not None and not own.is_file():
            return failure(f"{name} is {own}, and there is no such file.", f"Correct {name} in .env, or leave it out.")
    needed = needed_models(settings)
    absent = [model.name for model in needed if presence(model, settings.models_dir) is not Presence.HERE]
    if [name for name in absent if name != TURN_MODEL]:
        return failure(f"Models are missing in {settings.models_dir}: {', '.join(absent)}.", "Fetch them with: python bot.py engines fetch")
    damaged = [model.name for model in needed if thorough and model.name not in absent and wrong_files(model, settings.models_dir)]
    if damaged:
        names = " ".join(damaged)
        return failure(f"Models are damaged (wrong sha256): {', '.join(damaged)}.", f"Fetch anew with: python bot.py engines fetch {names}")
    if absent:
        return warning("The turn model is missing: turns end by words and silence alone.", "Fetch it with: python bot.py engines fetch")
    listed = ", ".join(model.name for model in needed) or "none is needed"
    return ok(f"Models: {listed}; {'every sha256 is right' if thorough else 'the sizes are right'}.")


class _Engine(Protocol):
    async def load(self) -> None: ...
    async def close(self) -> None: ...


@asynccontextmanager
async def _at_work(*engines: _Engine) -> AsyncIterator[None]:
    try:
        async with asyncio.TaskGroup() as group:
            for engine in engines:
                group.create_task(engine.load())
        yield
    finally:
        for engine in engines:
            await engine.close()


async def speaking_and_hearing(settings: Settings, tts: TextToSpeech | None = None, stt: SpeechToText | None = None) -> Finding:
    """Speak a sentence and hear it back; both are timed."""

    async def tried() -> Finding:
        voice, ears = tts or choose_text_to_speech(settings), stt or choose_speech_to_text(settings)
        async with _at_work(voice, ears):
            return await _heard_back(settings, voice, ears)

    return await _in_plain_words(tried(), f"Speaking and hearing one sentence took longer than {LONGEST_S:g} s.")


async def _in_plain_words(tried: Awaitable[Finding], too_slow: str) -> Finding:
    try:
        async with asyncio.timeout(LONGEST_S):
            return await tried
    except TimeoutError:
        return failure(too_slow, _FASTER)
    except ParleyError as error:
        return of_error(error)
    except BaseExceptionGroup as errors:
        return of_error(_first(errors))


_FASTER: Final = "Stop other programs, or take lighter engines: WHISPER_MODEL_SIZE=tiny.en, or a service (STT_URL)."


async def _heard_back(settings: Settings, tts: TextToSpeech, stt: SpeechToText) -> Finding:
    language = _language_of_voice(settings)
    sentence = SENTENCES[language]
    began_s = time.monotonic()
    pieces, first_s = [], 0.0
    async for piece in tts.synthesize(sentence, Voice(language=language)):
        first_s = first_s or time.monotonic() - began_s
        pieces.append(piece)
    sound = resample(b"".join(pieces), PLAYOUT_RATE_HZ, HEARING_RATE_HZ)
    length_s = duration_s(sound, HEARING_RATE_HZ)
    if not length_s:
        return failure(f"{tts.name} made no sound.", "Choose another voice with TTS_ENGINE, or fetch the models anew.")
    began_s = time.monotonic()
    heard = (await stt.transcribe(sound, language)).text.strip()
    hearing_s = time.monotonic() - began_s
    times = f"first sound after {first_s:.1f} s, {length_s:.1f} s of speech heard in {hearing_s:.1f} s"
    if word_error_rate(sentence, heard) > MOST_WRONG:
        return failure(f"{tts.name} said {sentence!r}, and {stt.name} heard {heard!r}.", "Check STT_LANGUAGE and the engines in .env.")
    if hearing_s > SLOWEST_HEARING * length_s:
        return warning(f"Speaking and hearing work, but slowly: {times}.", _FASTER)
    return ok(f"{tts.name} spoke and {stt.name} understood: {times}.")


def _language_of_voice(settings: Settings) -> str:
    """The embedded voice speaks English whatever language is heard."""
    own = settings.piper_voice is not None or settings.tts_engine in ("edge", "espeak")
    return settings.language if own and settings.language in SENTENCES else "en"


async def thinking(settings: Settings, brain: Brain | None = None) -> Finding:
    """Ask for one short reply."""

    async def tried() -> Finding:
        chosen = brain or choose_brain(settings)
        async with _at_work(chosen):
            began_s = time.monotonic()
            async for _ in chosen.reply([Message(Role.SYSTEM, "Answer in one word."), Message(Role.USER, "Say hello.")]):
                return ok(f"{chosen.name} answers; its first word came after {time.monotonic() - began_s:.1f} s.")
            return failure(f"{chosen.name} gave an empty answer.", "Choose another brain or model in .env (BRAIN).")

    return await _in_plain_words(tried(), f"The brain gave no answer within {LONGEST_S:g} s.")


def _first(errors: BaseExceptionGroup[BaseException]) -> ParleyError:
    inner: BaseException = errors
    while isinstance(inner, BaseExceptionGroup):
        inner = inner.exceptions[0]
    if isinstance(inner, ParleyError):
        return inner
    raise errors
