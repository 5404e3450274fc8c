"""The examples of the second document run as they stand there, but for dates to come. A114, A116-A121, A123, K24, K26, N6."""

from __future__ import annotations

import asyncio
import io
import sqlite3
import threading
import wave
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audio.codecs import SoundFileError
from control.client import NotReached, Refused
from errors import ParleyError
from storage.database import FILE_NAME
from tests.control.stage import NOW, PAGES, Standing, stage
from voice_services.call_scheduler import PURPOSES, get_call_scheduler
from voice_services.stt_service import get_stt_service
from voice_services.tts_service import get_tts_service
from voice_services.twilio_service import get_twilio_service
from voice_services.webrtc_service import get_webrtc_service

TODAY = datetime.now(UTC)
YEAR = TODAY.year if datetime(TODAY.year, 1, 9, tzinfo=UTC) > TODAY else TODAY.year + 1
"""Of the next 9 January: an appointment may be a year ahead at most."""


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the services are set to: no Parley runs, what is kept is kept here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONTROL_SOCKET", str(tmp_path / "control.sock"))
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def running(nowhere: Path) -> Iterator[Standing]:
    """A Parley runs, in a thread of its own."""
    ready, stop = threading.Event(), threading.Event()
    made: list[Standing] = []

    async def run() -> None:
        async with stage(nowhere) as standing:
            made.append(standing)
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert ready.wait(60)
    yield made[0]
    stop.set()
    thread.join(60)


def kept(folder: Path) -> list[Any]:
    with closing(sqlite3.connect(folder / FILE_NAME)) as database:
        rows = database.execute("SELECT method, target, opening, days, time_of_day, time_zone, once_at, longest_s FROM appointments")
        return rows.fetchall()


# ---- speech and hearing


def test_what_is_spoken_is_heard_again(tmp_path: Path) -> None:
    """A123, N6: the services are made once; sound is 16 kHz WAV."""
    tts = get_tts_service()
    audio_bytes = tts.text_to_speech("Hello! The weather is nice today.")
    with wave.open(io.BytesIO(audio_bytes)) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (16_000, 1, 2)
        assert 1.0 < wav.getnframes() / 16_000 < 6.0
    stt = get_stt_service()
    text = stt.speech_to_text(audio_bytes)
    assert "weather" in text.lower()
    with open("test.wav", "wb") as f:  # noqa: PTH123 - as the document has it
        f.write(audio_bytes)
    assert stt.speech_to_text_file("test.wav") == text
    assert tts is get_tts_service()
    assert stt is get_stt_service()


def test_errors_are_exceptions_with_a_sentence() -> None:
    with pytest.raises(ParleyError, match="nothing to say"):
        get_tts_service().text_to_speech("  ")
    with pytest.raises(SoundFileError):
        get_stt_service().speech_to_text(b"this is no sound")


# ---- calls


@pytest.mark.parametrize(
    "ask",
    [
        lambda: get_webrtc_service().create_session("test_user"),
        lambda: get_twilio_service().make_call(to_number="+1234567890", user_id="user123"),
        lambda: get_call_scheduler().list_calls(),
    ],
)
def test_without_a_running_parley_that_is_said(ask: Callable[[], Any]) -> None:
    with pytest.raises(NotReached, match="Start Parley"):
        ask()


def test_a_session_in_the_browser(running: Standing) -> None:
    """A114."""
    webrtc = get_webrtc_service()
    session_id = webrtc.create_session("test_user")
    assert session_id.startswith(f"{PAGES}/call#")
    assert session_id != webrtc.create_session(12345)


def test_telephone_calls_need_to_be_set_up(running: Standing) -> None:
    """A116, A117."""
    twilio = get_twilio_service()
    assert not twilio.enabled
    with pytest.raises(Refused, match="not available"):
        twilio.make_call(to_number="+1234567890", user_id="user123")


# ---- appointments


def test_appointments_with_a_running_parley(running: Standing) -> None:
    """A118, A119."""
    scheduler = get_call_scheduler()
    once = scheduler.schedule_call(
        user_id="user123",
        call_method="webrtc",
        scheduled_time=datetime.fromtimestamp(NOW, UTC) + timedelta(days=1),
        call_purpose="check_in",
    )
    recurring = scheduler.schedule_recurring_call(
        user_id="user123",
        call_method="webrtc",
        days_of_week=["mon", "wed", "fri"],
        time_of_day="09:00",
        call_purpose="habit_reminder",
        time_zone="Europe/Madrid",
    )
    found = {call["id"]: call for call in scheduler.list_calls()}
    assert set(found) == {once, recurring}
    assert (found[once]["opening"], found[once]["next_at"]) == (PURPOSES["check_in"][0], NOW + 86_400)
    assert (found[recurring]["when"], found[recurring]["time_zone"]) == ("mon,wed,fri 09:00", "Europe/Madrid")
    scheduler.cancel_call(once)
    assert [call["id"] for call in scheduler.list_calls()] == [recurring]
    with pytest.raises(Refused, match="no appointment"):
        scheduler.cancel_call(once)


def test_appointments_made_before_parley_is_started_are_kept(nowhere: Path) -> None:
    """K24: a time without a zone is one of the settings."""
    scheduler = get_call_scheduler()
    scheduler.schedule_call(user_id="user123", call_method="webrtc", scheduled_time=datetime(YEAR, 1, 9, 9, 0), time_zone="Europe/Madrid")
    scheduler.schedule_recurring_call(
        user_id=77, call_method="telegram", days_of_week=["mon", "wed", "fri"], time_of_day="09:00", call_purpose="habit_reminder"
    )
    opening = PURPOSES["habit_reminder"][0]
    assert kept(nowhere) == [
        ("browser", "", "", "", "", "Europe/Madrid", datetime(YEAR, 1, 9, 8, 0, tzinfo=UTC).timestamp(), 300.0),
        ("private", "77", opening, "mon,wed,fri", "09:00", "UTC", None, 300.0),
    ]


def test_the_numbers_of_users_come_from_the_data_base_client(nowhere: Path) -> None:
    """A121."""
    db_client = {"user123": {"phone_number": "+34612345678"}, "user124": "+34612345679"}
    scheduler = get_call_scheduler(db_client)
    assert scheduler is get_call_scheduler()
    at = datetime(YEAR, 1, 9, 9, 0)
    for user_id in ("user123", "user124", "+34612345670"):
        scheduler.schedule_call(user_id=user_id, call_method="twilio", scheduled_time=at)
    scheduler.schedule_call(user_id="user125", call_method="twilio", scheduled_time=at, phone_number="+34612345671")
    assert [row[1] for row in kept(nowhere)] == ["+34612345678", "+34612345679", "+34612345670", "+34612345671"]
    with pytest.raises(ParleyError):
        scheduler.schedule_call(user_id="user126", call_method="twilio", scheduled_time=at)


def test_what_cannot_be_is_refused() -> None:
    scheduler = get_call_scheduler()
    with pytest.raises(ParleyError, match="has passed"):
        scheduler.schedule_call(user_id="user123", call_method="webrtc", scheduled_time=datetime(2024, 12, 9, 9, 0))
    with pytest.raises(ParleyError, match="no call method pigeon"):
        scheduler.schedule_call(user_id="user123", call_method="pigeon", scheduled_time=datetime(YEAR, 1, 9, 9, 0))
    with pytest.raises(ParleyError, match="see when"):
        scheduler.schedule_recurring_call(user_id="user123", call_method="webrtc", days_of_week=["someday"], time_of_day="09:00")
