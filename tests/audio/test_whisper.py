from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from audio.pcm import as_floats, from_floats
from audio.stt import Transcript
from audio.stt.decoding import FULL_WINDOW_S, Decoded, GivenUp, WhisperDecoder, always, short_window_s
from audio.stt.plausibility import nobody_spoke, suspicious, too_quiet
from audio.stt.splitting import split_where_quiet
from audio.stt.whisper import WhisperEngine, guarded_decode
from audio.stt.word_errors import word_error_rate
from errors import EngineError, ModelMissing
from models import path_of
from tests.speech import clip_named

RATE = 16_000


def noise(seconds: float, level: float = 0.05) -> bytes:
    return from_floats(np.random.default_rng(3).normal(0, level, int(seconds * RATE)).astype(np.float32))


def decoded(text: str, logprob: float = -0.1, no_speech: float = 0.02, *, capped: bool = False) -> Decoded:
    return Decoded(text, "en", logprob, no_speech, len(text.split()), capped, 2.0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(models_dir: Path) -> AsyncIterator[WhisperEngine]:
    engine = WhisperEngine(path_of("whisper-tiny.en", models_dir), name="whisper tiny.en", threads=2)
    await engine.load()
    yield engine
    await engine.close()


class ScriptedDecoder(WhisperDecoder):
    """Gives prepared results, and notes the windows it was asked for."""

    def __init__(self, *results: Decoded) -> None:
        self._results = list(results)
        self.windows: list[float] = []

    def decode(
        self,
        audio: object,
        window_s: float,
        language: str | None,
        most_tokens: int | None = None,
        wanted: Callable[[], bool] = always,
    ) -> Decoded:
        self.windows.append(window_s)
        return self._results.pop(0)


# ---- the decode


@pytest.mark.parametrize("stem", ["jfk", "lv_0890", "goforward", "ast_transfer"])
def test_recordings_are_understood_in_a_short_window(whisper_base: WhisperDecoder, stem: str) -> None:
    speech, text = clip_named(stem)

    heard = guarded_decode(whisper_base, as_floats(speech), "en")

    assert word_error_rate(text, heard.text) <= 0.15
    assert heard.language == "en"
    assert 0.5 < heard.confidence <= 1.0


def test_the_language_is_detected_on_request(whisper_base: WhisperDecoder) -> None:
    speech, _ = clip_named("lv_0890")

    assert guarded_decode(whisper_base, as_floats(speech), None).language == "en"


def test_a_language_that_whisper_does_not_know_is_named(whisper_base: WhisperDecoder) -> None:
    with pytest.raises(EngineError, match=r"Whisper does not know the language 'xx'. Set LANGUAGE to another code, or to auto."):
        whisper_base.decode(np.zeros(RATE, np.float32), 12.0, "xx")


def test_the_window_covers_the_speech_and_a_second_more() -> None:
    assert short_window_s(1.0) == 12.0
    assert short_window_s(15.0) == 16.0
    assert short_window_s(40.0) == FULL_WINDOW_S


@pytest.mark.parametrize(
    "doubtful",
    [decoded("yes " * 30), decoded("something", -1.1), decoded("on and on", capped=True)],
    ids=["repeats itself", "unlikely", "never ends"],
)
def test_a_suspicious_decode_is_made_once_more_in_the_full_window(doubtful: Decoded) -> None:
    decoder = ScriptedDecoder(doubtful, decoded("what was really said"))

    heard = guarded_decode(decoder, np.ones(RATE * 2, np.float32), "en")

    assert heard.text == "what was really said"
    assert decoder.windows == [12.0, FULL_WINDOW_S]


def test_a_good_decode_is_made_once() -> None:
    for good in (decoded("please hold the line"), decoded("seven of clubs", -0.9)):
        decoder = ScriptedDecoder(good)

        assert guarded_decode(decoder, np.ones(RATE, np.float32), "en").text == good.text
        assert decoder.windows == [12.0]


def test_of_two_suspicious_decodes_the_likelier_one_stays() -> None:
    decoder = ScriptedDecoder(decoded("ten of clubs", -1.05), decoded("tin of cubs", -1.25))

    assert guarded_decode(decoder, np.ones(RATE, np.float32), "en").text == "ten of clubs"


@pytest.mark.parametrize("stem", ["ast_conf-extended", "ast_transfer", "goforward"])
async def test_speech_that_is_not_quite_over_is_glimpsed(engine: WhisperEngine, stem: str) -> None:
    speech, text = clip_named(stem)
    seen = await engine.glimpse(speech[: -int(0.1 * RATE) * 2], "en")
    assert seen is not None
    assert word_error_rate(text, seen.text) <= 0.2


async def test_nothing_is_glimpsed_in_noise_in_silence_or_in_long_speech(engine: WhisperEngine) -> None:
    assert await engine.glimpse(noise(2.0), "en") is None
    assert await engine.glimpse(bytes(RATE * 2), "en") is None
    assert await engine.glimpse(clip_named("lv_0880")[0] * 5, "en") is None


async def test_nothing_is_glimpsed_while_something_is_transcribed(engine: WhisperEngine) -> None:
    speech, _text = clip_named("ast_transfer")
    transcribing = asyncio.create_task(engine.transcribe(speech, "en"))
    await asyncio.sleep(0)
    assert await engine.glimpse(speech, "en") is None
    await transcribing


@pytest.mark.parametrize("gives_way", [True, False])
async def test_a_glimpse_gives_way_to_words_that_count_only_where_a_brain_shares_the_processor(models_dir: Path, gives_way: bool) -> None:
    engine = WhisperEngine(path_of("whisper-tiny.en", models_dir), name="whisper tiny.en", glimpses_give_way=gives_way)
    await engine.load()
    speech, text = clip_named("ast_transfer")
    glimpse = asyncio.create_task(engine.glimpse(speech, "en"))
    heard = asyncio.create_task(engine.transcribe(speech, "en"))
    assert (await glimpse is None) is gives_way
    assert word_error_rate(text, (await heard).text) <= 0.2
    await engine.close()


class PatientDecoder(ScriptedDecoder):
    """Waits in the middle of its work to be told to go on, and then notes whether that is still wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.half_way, self.go_on, self.over = threading.Event(), threading.Event(), threading.Event()
        self.was_wanted: bool | None = None

    def decode(
        self,
        audio: object,
        window_s: float,
        language: str | None,
        most_tokens: int | None = None,
        wanted: Callable[[], bool] = always,
    ) -> Decoded:
        self.half_way.set()
        self.go_on.wait(10)
        self.was_wanted = wanted()
        self.over.set()
        raise GivenUp


async def test_words_that_nobody_waits_for_any_more_are_given_up_half_way(models_dir: Path) -> None:
    engine = WhisperEngine(path_of("whisper-tiny.en", models_dir), name="whisper tiny.en")
    await engine.load()
    engine._decoder = decoder = PatientDecoder()
    transcribing = asyncio.create_task(engine.transcribe(clip_named("ast_transfer")[0], "en"))
    assert await asyncio.to_thread(decoder.half_way.wait, 10)
    transcribing.cancel()
    await asyncio.wait([transcribing])
    decoder.go_on.set()
    assert await asyncio.to_thread(decoder.over.wait, 10)
    assert decoder.was_wanted is False
    await engine.close()


def test_half_a_decode_is_enough_when_nobody_wants_the_rest(whisper_base: WhisperDecoder) -> None:
    with pytest.raises(GivenUp):
        whisper_base.decode(np.zeros(RATE, np.float32), 12.0, "en", wanted=lambda: False)


def test_noise_is_not_decoded_twice() -> None:
    decoder = ScriptedDecoder(decoded("I'm going to add some salt.", -1.5, 0.85))

    guarded_decode(decoder, np.ones(RATE, np.float32), "en")

    assert decoder.windows == [12.0]


# ---- what is believed


@pytest.mark.parametrize(
    ("heard", "nobody"),
    [
        (decoded(""), True),
        (decoded(" ... "), True),
        (decoded("Thank you.", -0.3, 0.5), True),
        (decoded("you", -0.7, 0.9), True),
        (decoded("Thank you.", -0.3, 0.04), False),
        (decoded("I'm going to add some salt.", -1.5, 0.8), True),
        (decoded("I am about to attempt a connection.", -0.1, 0.6), False),
        (decoded("All representatives are busy.", -0.05, 0.85), False),
        (decoded("Goodbye", -0.6, 0.05), False),
    ],
)
def test_words_that_nobody_said_are_dropped(heard: Decoded, nobody: bool) -> None:
    assert nobody_spoke(heard) is nobody


def test_doubt_lowers_the_confidence() -> None:
    assert decoded("yes", -0.1, 0.0).confidence > decoded("yes", -0.1, 0.5).confidence > decoded("yes", -1.0, 0.5).confidence
    assert not suspicious(decoded("yes", -0.1))


def test_near_silence_is_told_from_a_quiet_voice() -> None:
    assert too_quiet(np.zeros(0, np.float32))
    assert too_quiet(np.full(RATE, 0.001, np.float32))
    assert not too_quiet(np.full(RATE, 0.01, np.float32))


# ---- the engine


@pytest.mark.asyncio(loop_scope="module")
async def test_the_engine_gives_words_language_and_confidence(engine: WhisperEngine) -> None:
    speech, text = clip_named("ast_transfer")

    heard = await engine.transcribe(speech, "de")

    assert word_error_rate(text, heard.text) <= 0.2
    assert heard.language == "en"
    assert 0.5 < heard.confidence <= 1.0
    assert engine.name == "whisper tiny.en"


@pytest.mark.parametrize(
    "sound", [b"", bytes(RATE * 2), bytes(3000), noise(2.0), noise(1.0, 0.003)], ids=["nothing", "silence", "90 ms", "noise", "hiss"]
)
@pytest.mark.asyncio(loop_scope="module")
async def test_where_nobody_speaks_there_are_no_words(engine: WhisperEngine, sound: bytes) -> None:
    heard = await engine.transcribe(sound, None)

    assert (heard.text, heard.confidence) == ("", 0.0)


@pytest.mark.asyncio(loop_scope="module")
async def test_speech_longer_than_the_window_is_decoded_in_pieces(engine: WhisperEngine) -> None:
    clips = [clip_named(stem) for stem in ("lv_0870", "jfk", "ast_tt-allbusy", "ast_vm-mismatch")]

    heard = await engine.transcribe(bytes(RATE).join(speech for speech, _ in clips), "en")

    assert word_error_rate(" ".join(text for _, text in clips), heard.text) <= 0.15


@pytest.mark.asyncio(loop_scope="module")
async def test_too_long_a_sound_is_refused(engine: WhisperEngine) -> None:
    with pytest.raises(EngineError, match=r"That is more than 10 minutes of sound. Send a shorter piece."):
        await engine.transcribe(bytes(RATE * 2 * 601), "en")


@pytest.mark.asyncio(loop_scope="module")
async def test_who_waits_too_many_behind_is_told_so_and_who_gives_up_is_dropped(models_dir: Path) -> None:
    engine = WhisperEngine(path_of("whisper-tiny.en", models_dir), name="whisper tiny.en", most_waiting=3)
    await engine.load()
    gate = threading.Event()
    assert engine._worker is not None
    blocked = engine._worker.submit(gate.wait, 30)
    speech, _ = clip_named("card_003")

    waiting = [asyncio.create_task(engine.transcribe(speech, "en")) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(EngineError, match=r"whisper tiny.en is overloaded: 3 utterances are waiting. Try again in a few seconds."):
        await engine.transcribe(speech, "en")
    waiting[0].cancel()
    await asyncio.gather(waiting[0], return_exceptions=True)
    late = asyncio.create_task(engine.transcribe(speech, "en"))
    gate.set()

    results = await asyncio.gather(*waiting, late, return_exceptions=True)
    await engine.close()

    assert isinstance(results[0], asyncio.CancelledError)
    assert all(isinstance(result, Transcript) and "club" in result.text.lower() for result in results[1:])
    assert blocked.result()


async def test_an_engine_that_is_not_loaded_or_closed_says_so(models_dir: Path) -> None:
    engine = WhisperEngine(path_of("whisper-tiny.en", models_dir), name="whisper tiny.en")
    with pytest.raises(EngineError, match=r"whisper tiny.en is not loaded."):
        await engine.transcribe(bytes(RATE), "en")

    await engine.load()
    gate = threading.Event()
    assert engine._worker is not None
    engine._worker.submit(gate.wait, 30)
    waiting = asyncio.create_task(engine.transcribe(noise(1.0), "en"))
    await asyncio.sleep(0)
    mine = {thread.ident for thread in engine._worker._threads}
    closing = asyncio.create_task(engine.close())
    await asyncio.sleep(0.05)
    gate.set()
    await closing

    with pytest.raises(EngineError, match=r"whisper tiny.en was closed before it came to this."):
        await waiting
    assert not [thread for thread in threading.enumerate() if thread.ident in mine]


async def test_a_folder_without_the_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ModelMissing, match=r"lacks model\.bin, config\.json, tokenizer\.json, vocabulary\.txt\. Fetch it: bot\.py engines fetch\."
    ):
        await WhisperEngine(tmp_path, name="whisper base").load()


async def test_a_damaged_model_is_named(tmp_path: Path, models_dir: Path) -> None:
    for file in path_of("whisper-tiny.en", models_dir).iterdir():
        shutil.copy(file, tmp_path)
    (tmp_path / "model.bin").write_bytes(b"not a model")

    with pytest.raises(EngineError, match=r"can't be loaded: .* Fetch it again: bot\.py engines fetch\."):
        await WhisperEngine(tmp_path, name="whisper base").load()


# ---- long sound


def test_pieces_are_cut_where_it_is_quiet() -> None:
    rng = np.random.default_rng(1)
    audio = rng.normal(0, 0.1, RATE * 50).astype(np.float32)
    audio[RATE * 27 : RATE * 28] = 0

    pieces = split_where_quiet(audio, 30.0)

    assert [len(piece) <= RATE * 30 for piece in pieces] == [True, True]
    assert 27 * RATE < len(pieces[0]) < 28 * RATE
    assert np.array_equal(np.concatenate(pieces), audio)
