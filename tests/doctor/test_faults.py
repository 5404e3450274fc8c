"""A machine on which one thing at a time is wrong: the doctor names the fault and its cure."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sqlite3
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from telethon import TelegramClient

from audio.stt.engine import Transcript
from audio.tts.engine import Voice
from brain.engine import Message
from brain.tools import Tool
from calls.telegram import client
from calls.telegram.client import TelegramAccount
from calls.telegram.session import new_session, write_session
from config import Settings, load_settings
from doctor import account, configuration, engines, keeping, machine, network, packages
from doctor.examination import Check, all_checks, examine
from doctor.finding import Finding, Verdict, ok
from errors import EngineError
from loopback.telegram import LoopbackTelegram
from storage.database import FILE_NAME, Database

API = {"api_id": 1, "api_hash": "0123456789abcdef" * 2}


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in configuration.setting_names() - {"MODELS_DIR"}:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


def settings_in(folder: Path, **more: Any) -> Settings:
    own = {"session_path": folder / "parley.session", "data_dir": folder / "data", "control_socket": str(folder / "control.sock")}
    return load_settings(None, **(own | more))


def assert_failure(finding: Finding, what: str, cure: str) -> None:
    assert (finding.verdict, what in finding.what, cure in finding.next_step) == (Verdict.FAILURE, True, True), finding


def assert_warning(finding: Finding, what: str, cure: str) -> None:
    assert (finding.verdict, what in finding.what, cure in finding.next_step) == (Verdict.WARNING, True, True), finding


def assert_ok(finding: Finding, what: str = "") -> None:
    assert (finding.verdict, finding.next_step, what in finding.what) == (Verdict.OK, "", True), finding


# --- settings -------------------------------------------------------------------------------------------------
def test_wrong_settings(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("API_ID=abc\nVAD_THRESHOLD=7\n", encoding="utf-8")
    settings, finding = configuration.read(tmp_path / ".env")
    assert settings is None
    assert_failure(finding, "API_ID is 'abc'", "Correct them in .env")
    assert "VAD_THRESHOLD is '7'" in finding.what
    names = [check.name for check in all_checks(tmp_path / ".env")]
    assert names == ["configuration", "packages", "system_libraries", "dead_package", "call_library", "interface", "udp"]


def test_a_misspelt_setting(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("API_ID=1\nAPI_HAS=x\n", encoding="utf-8")
    settings, finding = configuration.read(tmp_path / ".env")
    assert settings is not None
    assert_warning(finding, "what is no setting: API_HAS (meant: API_HASH?)", ".env.example lists all settings")


def test_an_env_file_that_others_may_read(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("API_ID=1\n", encoding="utf-8")
    env.chmod(0o644)
    assert_warning(configuration.read(env)[1], "Other users of this machine may read", f"chmod 600 {env}")
    env.chmod(0o600)
    assert_ok(configuration.read(env)[1], "is in order")


def test_no_env_file(tmp_path: Path) -> None:
    assert_ok(configuration.read(tmp_path / ".env")[1], "There is no")


@pytest.mark.parametrize(("given", "missing"), [({"api_id": 1}, "API_HASH"), ({"api_hash": "0" * 32}, "API_ID")])
def test_half_an_application(tmp_path: Path, given: dict[str, Any], missing: str) -> None:
    assert_failure(configuration.application(settings_in(tmp_path, **given)), f"{missing} required", "my.telegram.org/apps")


def test_an_application_that_is_none(tmp_path: Path) -> None:
    finding = configuration.application(settings_in(tmp_path, api_id=1, api_hash="abc123..."))
    assert_warning(finding, "API_HASH does not look like one", "Copy it again")
    assert_ok(configuration.application(settings_in(tmp_path, **API)))


async def test_no_account_at_all_is_for_rehearsals(settings: Settings) -> None:
    for finding in (configuration.application(settings), account.session(settings), await account.telegram(settings)):
        assert_warning(finding, "", "The README tells how to go live")


# --- the session and Telegram ---------------------------------------------------------------------------------
@pytest.fixture
async def telegram() -> AsyncIterator[LoopbackTelegram]:
    TelegramClient._config = None
    async with LoopbackTelegram() as telegram:
        telegram.add_account("Parley", username="parley")
        yield telegram


def the_account(telegram: LoopbackTelegram) -> Any:
    return next(iter(telegram.world.accounts))


def live(telegram: LoopbackTelegram, folder: Path) -> Settings:
    return settings_in(folder, **API, telegram_session=telegram.session_for(the_account(telegram)))


def test_no_session(tmp_path: Path) -> None:
    finding = account.session(settings_in(tmp_path, **API))
    assert_failure(finding, "There is no Telegram session", "python bot.py login")


def test_a_session_nobody_is_logged_in_with(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, **API)
    write_session(settings.session_file, new_session(settings))
    assert_failure(account.session(settings), "Nobody is logged in", "python bot.py login")


def test_a_session_that_others_may_read(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, **API)
    write_session(settings.session_file, new_session(settings))
    settings.session_file.chmod(0o640)
    assert_warning(account.session(settings), "Other users of this machine may read the session", f"chmod 600 {settings.session_file}")


def test_a_session_file_that_is_none(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, **API)
    settings.session_file.write_bytes(b"no database " * 100)
    settings.session_file.chmod(0o600)
    assert_failure(account.session(settings), "cannot be read", "python bot.py login")


async def test_a_good_session(telegram: LoopbackTelegram, tmp_path: Path) -> None:
    settings = live(telegram, tmp_path)
    assert_ok(account.session(settings), "nobody uses it now")
    assert_ok(await account.telegram(settings), "the account is @parley")


async def test_a_dead_session(telegram: LoopbackTelegram, tmp_path: Path) -> None:
    settings = live(telegram, tmp_path)
    telegram.revoke(the_account(telegram))
    assert_failure(await account.telegram(settings), "the session was ended", "python bot.py login")


async def test_a_session_in_use_is_left_alone(telegram: LoopbackTelegram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "DISCONNECT_TIMEOUT_S", 0.1)  # Telethon takes that long when there is no server any more
    settings = live(telegram, tmp_path)
    running = await TelegramAccount.connect(settings)
    before = len(telegram.seen("users.GetUsers"))
    assert_ok(account.session(settings), f"in use by Parley: process {os.getpid()}")
    assert_ok(await account.telegram(settings), "the session was not tried, for Parley uses it")
    assert len(telegram.seen("users.GetUsers")) == before
    await telegram.server.stop()
    assert_failure(await account.telegram(settings), "Telegram cannot be reached", "Check the internet connection")
    await running.close()


async def test_no_telegram(telegram: LoopbackTelegram, tmp_path: Path) -> None:
    settings = live(telegram, tmp_path)
    await telegram.server.stop()
    finding = await account.telegram(settings, timeout_s=1.0)
    assert_failure(finding, "Telegram could not be reached within 1 seconds", "Check the internet connection")


async def test_an_application_telegram_does_not_know(telegram: LoopbackTelegram, tmp_path: Path) -> None:
    telegram.faults.fail("users.GetUsers", 400, "API_ID_INVALID")
    assert_failure(await account.telegram(live(telegram, tmp_path)), "do not belong together", "my.telegram.org/apps")


async def test_a_wrong_clock(telegram: LoopbackTelegram, tmp_path: Path) -> None:
    telegram.server.clock_skew_s = 120
    assert_warning(await account.telegram(live(telegram, tmp_path)), "clock is 1", "timedatectl set-ntp true")


# --- models and engines ---------------------------------------------------------------------------------------
@pytest.fixture
def some_models(tmp_path: Path, models_dir: Path) -> Path:
    """The real models, linked; a test may spoil some."""
    folder = tmp_path / "models"
    for source in models_dir.iterdir():
        if source.is_dir() and not source.name.startswith("."):
            (folder / source.name).mkdir(parents=True)
            for file in source.iterdir():
                (folder / source.name / file.name).symlink_to(file)
    return folder


def test_all_models_are_there(tmp_path: Path, some_models: Path) -> None:
    assert_ok(engines.models(settings_in(tmp_path, models_dir=some_models)), "every sha256 is right")
    assert_ok(engines.models(settings_in(tmp_path, models_dir=some_models), thorough=False), "the sizes are right")


def test_a_missing_model(tmp_path: Path, some_models: Path) -> None:
    shutil.rmtree(some_models / "whisper-base")
    assert_failure(engines.models(settings_in(tmp_path, models_dir=some_models)), "whisper-base", "python bot.py engines fetch")


def test_a_missing_turn_model_is_no_hindrance(tmp_path: Path, some_models: Path) -> None:
    shutil.rmtree(some_models / "smart-turn-v3.2")
    finding = engines.models(settings_in(tmp_path, models_dir=some_models), thorough=False)
    assert_warning(finding, "The turn model is missing", "python bot.py engines fetch")


def test_a_damaged_model(tmp_path: Path, some_models: Path) -> None:
    file = next(each for each in (some_models / "piper-joe-medium").iterdir() if each.suffix == ".onnx")
    whole = bytearray(file.read_bytes())
    whole[1000] ^= 1
    file.unlink()
    file.write_bytes(whole)
    finding = engines.models(settings_in(tmp_path, models_dir=some_models))
    assert_failure(finding, "damaged (wrong sha256): piper-joe-medium", "engines fetch piper-joe-medium")


def test_a_voice_of_ones_own_that_is_not_there(tmp_path: Path) -> None:
    finding = engines.models(settings_in(tmp_path, piper_voice=tmp_path / "gone.onnx"))
    assert_failure(finding, "PIPER_VOICE is", "Correct PIPER_VOICE in .env")


class SomeVoice:
    name = "some voice"

    def __init__(self, sound: bytes = b"\x01\x00" * 24_000, error: EngineError | None = None) -> None:
        self._sound = sound
        self._error = error

    async def load(self) -> None:
        if self._error:
            raise self._error

    async def synthesize(self, text: str, voice: Voice) -> AsyncGenerator[bytes, None]:
        if self._sound:
            yield self._sound

    async def close(self) -> None:
        pass


class SomeEars:
    name = "some ears"

    def __init__(self, heard: str, takes_s: float = 0.0) -> None:
        self._heard = heard
        self._takes_s = takes_s

    async def load(self) -> None:
        pass

    async def transcribe(self, pcm: bytes, language: str | None = None) -> Transcript:
        await asyncio.sleep(self._takes_s)
        return Transcript(self._heard)

    async def close(self) -> None:
        pass


class SomeBrain:
    name = "some brain"

    def __init__(self, *pieces: str, error: EngineError | None = None) -> None:
        self._pieces = pieces
        self._error = error

    async def load(self) -> None:
        pass

    async def prefill(self, messages: Sequence[Message]) -> None:
        pass

    async def reply(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> AsyncGenerator[str, None]:
        if self._error:
            raise self._error
        for piece in self._pieces:
            yield piece

    async def close(self) -> None:
        pass


HEARD = engines.SENTENCES["en"]


async def test_the_sentence_comes_back(settings: Settings) -> None:
    assert_ok(await engines.speaking_and_hearing(settings, SomeVoice(), SomeEars(HEARD)), "some voice spoke and some ears understood")


async def test_the_real_engines_understand_each_other(settings: Settings) -> None:
    finding = await engines.speaking_and_hearing(settings)
    assert finding.verdict is not Verdict.FAILURE, finding
    assert "of speech" in finding.what


async def test_something_else_comes_back(settings: Settings) -> None:
    finding = await engines.speaking_and_hearing(settings, SomeVoice(), SomeEars("thank you"))
    assert_failure(finding, "some ears heard 'thank you'", "STT_LANGUAGE")


async def test_a_voice_without_sound(settings: Settings) -> None:
    assert_failure(await engines.speaking_and_hearing(settings, SomeVoice(b""), SomeEars(HEARD)), "made no sound", "TTS_ENGINE")


async def test_an_engine_that_cannot_be_loaded(settings: Settings) -> None:
    broken = SomeVoice(error=EngineError("Piper cannot be started.", "Install it anew."))
    assert_failure(await engines.speaking_and_hearing(settings, broken, SomeEars(HEARD)), "Piper cannot be started", "Install it anew")


async def test_a_slow_machine(settings: Settings) -> None:
    finding = await engines.speaking_and_hearing(settings, SomeVoice(), SomeEars(HEARD, takes_s=0.8))
    assert_warning(finding, "work, but slowly", "WHISPER_MODEL_SIZE=tiny.en")


async def test_a_hopelessly_slow_machine(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "LONGEST_S", 0.1)
    finding = await engines.speaking_and_hearing(settings, SomeVoice(), SomeEars(HEARD, takes_s=5))
    assert_failure(finding, "took longer than 0.1 s", "Stop other programs")


async def test_a_brain_that_answers_and_two_that_do_not(settings: Settings) -> None:
    assert_ok(await engines.thinking(settings, SomeBrain("Hello")), "some brain answers")
    assert_failure(await engines.thinking(settings, SomeBrain()), "gave an empty answer", "BRAIN")
    refused = SomeBrain(error=EngineError("The key is wrong.", "Check OPENAI_API_KEY."))
    assert_failure(await engines.thinking(settings, refused), "The key is wrong", "Check OPENAI_API_KEY")


# --- the network ----------------------------------------------------------------------------------------------
@pytest.fixture
def interfaces(tmp_path: Path) -> Path:
    for name, flags in (("lo", 0x9), ("eth0", 0x1002)):
        (tmp_path / "net" / name).mkdir(parents=True)
        (tmp_path / "net" / name / "flags").write_text(f"{flags:#x}\n")
    return tmp_path / "net"


def test_no_interface(interfaces: Path) -> None:
    assert_failure(network.interface(interfaces), "No network interface is up", "Connect this machine to a network")


def test_an_interface_that_leads_nowhere(interfaces: Path) -> None:
    (interfaces / "eth0" / "flags").write_text("0x1003\n")
    assert_warning(network.interface(interfaces, lambda: None), "no way from here to the internet", "gateway")
    assert_ok(network.interface(interfaces, lambda: "192.0.2.7"), "eth0 is up; packets leave from 192.0.2.7")


async def test_udp_that_is_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_to_itself", lambda _own, _wait_s: False)
    assert_failure(await network.udp(address=lambda: "127.0.0.1"), "UDP packets do not arrive", "firewall")


async def test_udp_that_is_forbidden() -> None:
    assert_failure(await network.udp(address=lambda: "192.0.2.99"), "UDP cannot be used", "Let UDP through the firewall")
    assert_warning(await network.udp(address=lambda: None), "UDP was not tried", "Connect this machine")


@pytest.fixture
def stun_server() -> Iterator[tuple[str, list[bool]]]:
    """A STUN server on this machine, which answers while its list is empty."""
    deaf: list[bool] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(60)

        def serve() -> None:
            while True:
                try:
                    request, asker = server.recvfrom(100)
                except OSError:
                    return
                if not request:
                    return
                if not deaf:
                    server.sendto(b"\x01\x01\x00\x00" + request[4:20], asker)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}", deaf
        server.sendto(b"", server.getsockname())
        thread.join()


async def test_udp_out_and_back(stun_server: tuple[str, list[bool]]) -> None:
    stun, deaf = stun_server
    here = lambda: "127.0.0.1"  # noqa: E731
    assert_ok(await network.udp(address=here), "tried with --stun HOST:PORT")
    assert_ok(await network.udp(stun, here), "UDP gets out and back")
    deaf.append(True)
    assert_failure(await network.udp(stun, here, wait_s=0.05), "UDP does not get out of this network", "Let UDP through the firewall")
    assert_failure(await network.udp("nonsense", here), "it should be HOST:PORT", "Name a STUN server")
    assert_failure(await network.udp("no-such-host.invalid:3478", here), "cannot be asked", "Check the name of the server")


# --- keeping --------------------------------------------------------------------------------------------------
def test_a_full_disk(settings: Settings) -> None:
    assert_failure(keeping.disk(settings, lambda _path: SimpleNamespace(free=1 << 20)), "The disk is full", "Make room on the disk")
    assert_warning(keeping.disk(settings, lambda _path: SimpleNamespace(free=400 << 20)), "nearly full", "Make room on the disk")
    assert_ok(keeping.disk(settings, lambda _path: SimpleNamespace(free=9 << 30)), "GB are free")


def test_a_folder_that_cannot_be_written(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_place: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    assert_failure(keeping.disk(settings), "Nothing can be written in", "set DATA_DIR")


async def test_a_damaged_database(settings: Settings) -> None:
    path = settings.data_dir / FILE_NAME
    assert_ok(keeping.database(settings), "no database yet")
    database = await Database.open(path)
    await database.close()
    assert_ok(keeping.database(settings), "is whole")
    whole = bytearray(path.read_bytes())
    whole[4096:12288] = b"\xff" * 8192
    path.write_bytes(whole)
    assert_failure(keeping.database(settings), "damaged", "")


def test_a_file_that_is_no_database(settings: Settings) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / FILE_NAME).write_bytes(b"not a database" * 1000)
    assert_failure(keeping.database(settings), FILE_NAME, "Try an older copy")


async def test_a_database_of_a_newer_parley(settings: Settings) -> None:
    database = await Database.open(settings.data_dir / FILE_NAME)
    await database.close()
    with sqlite3.connect(settings.data_dir / FILE_NAME) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    assert_failure(keeping.database(settings), "newer Parley", "Update Parley")


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Paths of sockets are short."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="parley-") as name:
        yield Path(name)


def test_the_control_socket(short_folder: Path, tmp_path: Path) -> None:
    place = short_folder / "control.sock"
    settings = settings_in(tmp_path, control_socket=str(place))
    assert_ok(keeping.control_socket(settings), "Parley does not run now")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()
        assert_ok(keeping.control_socket(settings), "Parley listens at")
    assert_ok(keeping.control_socket(settings), "the next start replaces it")
    assert_ok(keeping.control_socket(settings_in(tmp_path, control_socket="none")), "CONTROL_SOCKET is none")


def test_a_control_socket_whose_place_is_taken(short_folder: Path, tmp_path: Path) -> None:
    (short_folder / "control.sock").write_text("a file")
    finding = keeping.control_socket(settings_in(tmp_path, control_socket=str(short_folder / "control.sock")))
    assert_failure(finding, "in the place of the control socket", "set CONTROL_SOCKET")


def test_a_control_socket_without_a_folder(short_folder: Path, tmp_path: Path) -> None:
    finding = keeping.control_socket(settings_in(tmp_path, control_socket=str(short_folder / "gone" / "control.sock")))
    assert_failure(finding, "does not exist", "mkdir -p")


# --- the machine ----------------------------------------------------------------------------------------------
def test_another_time_zone(tmp_path: Path) -> None:
    settings = load_settings(None, data_dir=tmp_path)
    assert_warning(machine.time_zone(settings, lambda: "Asia/Kolkata"), "this machine is in Asia/Kolkata", "TIME_ZONE=Asia/Kolkata")
    assert_ok(machine.time_zone(settings, lambda: "Etc/UTC"), "The time zone is UTC")
    chosen = load_settings(None, time_zone="Europe/Madrid")
    assert_ok(machine.time_zone(chosen, lambda: "Asia/Kolkata"), "Europe/Madrid")


def test_a_time_zone_without_rules(tmp_path: Path) -> None:
    settings = load_settings(None).model_copy(update={"time_zone": "Europe/Atlantis"})
    assert_failure(machine.time_zone(settings), "The rules of the time zone Europe/Atlantis are missing", "tzdata")


def test_little_memory(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 1 kB\nMemAvailable:     409600 kB\n")
    assert_warning(machine.memory(settings, tmp_path / "meminfo"), "400 MB of memory are free", "BRAIN=openai")
    (tmp_path / "meminfo").write_text("MemAvailable:     9409600 kB\n")
    assert_ok(machine.memory(settings, tmp_path / "meminfo"), "of memory are free")
    assert_ok(machine.memory(settings, tmp_path / "gone"), "cannot be told")


# --- packages -------------------------------------------------------------------------------------------------
def test_the_packages_of_this_machine_are_right() -> None:
    assert_ok(packages.versions(), "pinned packages have their versions")
    assert_ok(packages.dead_package())
    assert_ok(packages.call_library())


def test_the_dead_package() -> None:
    finding = packages.dead_package(lambda name: "2.1.0" if name == "pytgcalls" else None)
    assert_failure(finding, "abandoned package pytgcalls 2.1.0", "pip uninstall -y pytgcalls")


def installed_but(**changed: str | None) -> Any:
    return lambda name: changed[name] if name in changed else packages.version_of(name)


def test_another_version_of_the_call_library() -> None:
    finding = packages.versions(installed_but(ntgcalls="2.0.0"))
    assert_failure(finding, "ntgcalls 2.0.0 (pinned: 3.0.5)", "pip install -r requirements.txt")


def test_another_version_of_something_else() -> None:
    assert_warning(packages.versions(installed_but(rich="1.0")), "rich 1.0 (pinned: ", "pip install -r requirements.txt")


def test_a_missing_package() -> None:
    assert_failure(packages.versions(installed_but(aiosqlite=None)), "Packages are missing: aiosqlite", "pip install -r")


def test_a_call_library_that_cannot_be_loaded() -> None:
    def load(_name: str) -> object:
        raise ImportError("GLIBC_2.27 not found")

    assert_failure(packages.call_library(load), "GLIBC_2.27 not found", "GNU/Linux on x86-64")


# --- the examination itself -----------------------------------------------------------------------------------
async def test_a_check_that_fails_is_a_finding_and_the_others_go_on() -> None:
    def broken() -> Finding:
        raise RuntimeError("oops")

    checks = [Check("one", "One", broken), Check("two", "Two", lambda: ok("Fine."))]
    begun: list[str] = []
    found = [each async for each in examine(checks, lambda check: begun.append(check.name))]
    assert_failure(found[0].finding, "The check itself failed: RuntimeError: oops", "Report it")
    assert_ok(found[1].finding, "Fine.")
    assert begun == ["one", "two"]
