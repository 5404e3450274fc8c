"""Every setting of Parley: one typed object, read from the environment and ``.env``, each name in one place.

The environment wins over ``.env``. An empty value counts as not set. All wrong values are reported at once.
"""

from __future__ import annotations

import ipaddress
import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from errors import SettingsError


class EndpointingProfile(StrEnum):
    """How long a pause ends a turn: fast 500 ms, balanced 700 ms, patient 1500 ms (K8)."""

    FAST = "fast"
    BALANCED = "balanced"
    PATIENT = "patient"


def _expanded(value: object) -> object:
    return Path(value).expanduser() if isinstance(value, str | Path) else value


def _program(path: Path) -> Path:
    if not os.access(path, os.X_OK) or not path.is_file():
        raise ValueError("FFmpeg not found there; install it, or leave this setting out")
    return path


ExpandedPath = Annotated[Path, BeforeValidator(_expanded)]


def _rate_within_limits(rate: str) -> str:
    if not -50 <= int(rate.rstrip("%")) <= 100:
        raise ValueError("it should lie between -50% and +100%")
    return rate


def _as_number(written: object) -> object:
    return int(written) if isinstance(written, str) and written.isdecimal() else written


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("it should be the name of a time zone, such as Europe/Madrid")
    return name


SESSION_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
"""What a session may be called; it is the name of a file."""
TOOL_NAMES: Final = ("current_time", "who_is_here")
"""The tools that come with the house."""


def _tool_names(listed: str) -> str:
    if any(name.strip() not in (*TOOL_NAMES, "") for name in listed.split(",")):
        raise ValueError(f"it should name any of {', '.join(TOOL_NAMES)}, separated by commas")
    return listed


def _callers(listed: str) -> str:
    if any(name.strip().lower() not in ("nobody", "contacts", "") and not name.strip().isdigit() for name in listed.split(",")):
        raise ValueError("it should be nobody, contacts, or user ids, separated by commas")
    return listed


def _origins(listed: str) -> str:
    if any(not re.fullmatch(r"https?://[^\s/@]+", origin.strip()) for origin in listed.split(",") if origin.strip()):
        raise ValueError("it should be the beginnings of addresses, such as https://example.org, separated by commas")
    return listed


def _address(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise ValueError("it should be an IP address, such as 127.0.0.1") from None
    return host


def _metrics_host(host: str, info: ValidationInfo) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise ValueError("it should be an IP address, such as 127.0.0.1") from None
    if not address.is_loopback and not info.data.get("metrics_public"):
        raise ValueError("others could read that; it should be 127.0.0.1 or ::1, or set METRICS_PUBLIC=true as well")
    return host


def _number_prefixes(listed: str) -> str:
    for each in listed.split(","):
        number = "".join(each.split())
        if number and not (number[0] == "+" and number[1:].isascii() and number[1:].isdigit() and 1 <= len(number[1:]) <= 15):
            raise ValueError("it should be numbers or their beginnings with the country code, such as +34, separated by commas")
    return listed


def _aliases(*names: str) -> AliasChoices:
    return AliasChoices(*names, *(name.lower() for name in names))


class Settings(BaseSettings):
    """All settings. Field descriptions are the comments of ``.env.example``, which a test keeps current."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", case_sensitive=False
    )

    # --- Telegram account -------------------------------------------------------------------------------------
    api_id: int | None = Field(
        None, gt=0, validation_alias=_aliases("API_ID", "apiId"), description="The api_id of your application, from my.telegram.org/apps."
    )
    api_hash: SecretStr | None = Field(
        None, validation_alias=_aliases("API_HASH", "apiHash"), description="The api_hash of your application, from my.telegram.org/apps."
    )
    telegram_session: SecretStr | None = Field(
        None,
        validation_alias=_aliases("TELEGRAM_SESSION", "TELETHON_SESSION", "SESSION_STRING", "STRING_SESSION"),
        description="A Telethon string session. Without it the session file below is used.",
    )
    session_path: ExpandedPath = Field(
        Path("~/.local/share/parley/parley.session").expanduser(),
        description="The session file that a login writes (kept private: mode 0600).",
    )
    session_name: str | None = Field(
        None,
        pattern=SESSION_NAME,
        examples=["voicechat"],
        description="Which of several sessions is used: NAME.session beside the session file above. bot.py session list shows them.",
    )
    owner_id: int | None = Field(
        None, gt=0, description="Your own user id, if Parley has an account of its own: you may then give it every command, too."
    )
    telegram_dc: str | None = Field(
        None,
        pattern=r"^(127\.0\.0\.1|localhost|\[::1\]):\d+:.+$",
        examples=["127.0.0.1:4430:/tmp/key.pem"],
        description="Rehearsals only: host:port:public_key.pem of a loopback Telegram. Only loopback addresses are accepted.",
    )

    # --- Where things are kept --------------------------------------------------------------------------------
    data_dir: ExpandedPath = Field(Path("~/.local/share/parley").expanduser(), description="The database and everything else Parley keeps.")
    audio_dir: ExpandedPath = Field(
        Path("~/.local/share/parley/audio").expanduser(), description="Sound files that may be played in calls lie in this folder."
    )
    transcript_days: int = Field(
        30, ge=0, le=3650, description="What is said in calls is kept for so many days; 0 keeps nothing of it. /forget me deletes at once."
    )
    audit_days: int = Field(90, ge=1, le=3650, description="Who gave which command is kept for so many days.")
    control_socket: ExpandedPath | None = Field(
        None,
        description="The unix socket at which your other programs control Parley (as python bot.py rpc does), or none. When not set it is "
        "telegram-voicechat.sock in $XDG_RUNTIME_DIR, else in /run/user/UID, else in DATA_DIR.",
    )
    models_dir: ExpandedPath = Field(
        Path("~/.cache/parley/models").expanduser(), description="Where models are kept. Any folder with the right files works offline."
    )
    models_hub_url: str = Field(
        "https://huggingface.co",
        validation_alias=_aliases("MODELS_HUB_URL", "HF_ENDPOINT"),
        pattern=r"^https?://",
        examples=["https://huggingface.co"],
        description="The model hub, or a mirror of it, that `bot.py engines fetch` asks first.",
    )
    ffmpeg_path: Annotated[ExpandedPath, AfterValidator(_program)] | None = Field(
        None, description="The ffmpeg program. Found on PATH when not set; calls and voice work without it."
    )

    # --- Hearing ----------------------------------------------------------------------------------------------
    stt_engine: Literal["auto", "whisper", "openai"] = Field(
        "auto", description="What turns speech into text: whisper (embedded), openai (any compatible endpoint), or auto."
    )
    whisper_model_size: Literal["base", "tiny.en"] = Field(
        "base", description="The embedded Whisper model: base (many languages) or tiny.en (English, faster)."
    )
    whisper_threads: int = Field(2, ge=1, le=64, description="CPU threads of one Whisper decode.")
    stt_url: str | None = Field(
        None,
        validation_alias=_aliases("STT_URL", "STT_SERVICE_URL"),
        pattern=r"^https?://",
        examples=["http://127.0.0.1:8000/v1"],
        description="Base URL of an OpenAI-compatible transcription service, such as http://127.0.0.1:8000/v1.",
    )
    stt_api_key: SecretStr | None = Field(None, description="The key of that service.")
    stt_model: str = Field("whisper-1", description="The model name asked of that service.")
    stt_timeout_s: float = Field(10.0, gt=0, le=120, description="Longest wait for the words of one utterance, in seconds.")
    language: str = Field(
        "en",
        validation_alias=_aliases("STT_LANGUAGE", "WHISPER_LANGUAGE"),  # LANGUAGE is a variable of gettext
        pattern=r"^(auto|[a-z]{2})$",
        examples=["en", "auto"],
        description="The language spoken: a two-letter code, or auto to detect it.",
    )

    # --- Speaking ---------------------------------------------------------------------------------------------
    tts_engine: Literal["auto", "piper", "edge", "espeak"] = Field(
        "auto", description="The voice engine: piper (embedded), edge (Microsoft's voices, needs the internet), espeak, or auto."
    )
    piper_voice: ExpandedPath | None = Field(None, description="A Piper .onnx voice of your own (its .onnx.json beside it).")
    edge_tts_voice: str = Field("en-GB-RyanNeural", description="The voice of the edge engine.")
    edge_tts_rate: Annotated[str, AfterValidator(_rate_within_limits)] = Field(
        "+0%", pattern=r"^[+-]\d{1,3}%$", examples=["+10%", "-20%"], description="Speaking rate of every engine, -50% to +100%."
    )
    tts_first_audio_timeout_s: float = Field(5.0, gt=0, le=60, description="Longest wait for the first sound of a clause, in seconds.")

    # --- Thinking ---------------------------------------------------------------------------------------------
    brain: Literal["auto", "embedded", "openai", "anthropic"] = Field(
        "auto",
        description="Who thinks: embedded (a small model), openai (or compatible), anthropic; auto takes whose key is set, else embedded.",
    )
    openai_api_key: SecretStr | None = Field(None, description="Key of the OpenAI-compatible service.")
    openai_base_url: str = Field(
        "https://api.openai.com/v1",
        pattern=r"^https?://",
        examples=["https://api.openai.com/v1"],
        description="Base URL of the OpenAI-compatible service.",
    )
    openai_model: str = Field("gpt-4o-mini", description="Model name asked of the OpenAI-compatible service.")
    anthropic_api_key: SecretStr | None = Field(None, description="Key of the Anthropic service.")
    anthropic_base_url: str = Field(
        "https://api.anthropic.com",
        pattern=r"^https?://",
        examples=["https://api.anthropic.com"],
        description="Base URL of the Anthropic service.",
    )
    anthropic_model: str = Field("claude-3-5-haiku-latest", description="Model name asked of the Anthropic service.")
    brain_model_path: ExpandedPath | None = Field(None, description="A GGUF chat model of your own for the embedded brain.")
    brain_threads: int = Field(2, ge=1, le=64, description="CPU threads of the embedded brain.")
    brain_first_token_timeout_s: float = Field(15.0, gt=0, le=300, description="Longest wait for the first word of a reply, in seconds.")
    brain_total_timeout_s: float = Field(45.0, gt=0, le=600, description="Longest time one reply may take to think, in seconds.")
    brain_fallback: Literal["auto", "none"] = Field(
        "auto",
        description="Who thinks when a service does not: auto (where BRAIN is auto the other service whose key is set; then the embedded "
        "model, where it is on disk), or none.",
    )
    tools: Annotated[str, AfterValidator(_tool_names)] = Field(
        "",
        max_length=500,
        examples=["current_time,who_is_here"],
        description="What a service may look up while it answers, separated by commas: current_time, who_is_here. Nothing when not set.",
    )
    bot_name: str = Field("Parley", min_length=1, max_length=64, description="The name it answers to in a call.")
    persona: str | None = Field(None, max_length=4000, description="Who it is, in your own words; added to the built-in instructions.")

    # --- Turn taking ------------------------------------------------------------------------------------------
    endpointing: EndpointingProfile = Field(
        EndpointingProfile.BALANCED, description="How long a pause ends a turn: fast (500 ms), balanced (700 ms), patient (1500 ms)."
    )
    turn_model: Literal["auto", "none"] = Field(
        "auto", description="Whether the sound of a turn is judged, too, to know if it is over (auto: where its model is on disk)."
    )
    shortest_pause_ms: int | None = Field(
        None,
        ge=100,
        le=5_000,
        description="However finished a turn sounds, no shorter pause ends it. From the profile when not set.",
    )
    longest_pause_ms: int | None = Field(
        None,
        ge=200,
        le=10_000,
        description="However unfinished a turn sounds, a pause longer than this ends it. From the profile when not set.",
    )
    mode: Literal["always", "addressed", "silent"] = Field(
        "addressed",
        description="With several people in a call it answers always, only when it is addressed, or never (silent).",
    )
    bot_aliases: str = Field("", max_length=200, description="Other names it answers to, separated by commas.", examples=["Polly,Charlie"])
    cooldown_s: float = Field(
        0.0, ge=0, le=3600, description="In mode always: least time between answers that nobody asked for, in seconds."
    )
    reply_probability: float = Field(1.0, ge=0, le=1, description="In mode always: how likely an answer is that nobody asked for.")
    vad_threshold: float = Field(0.5, gt=0, lt=1, description="Speech probability above which sound counts as speech.")
    max_utterance_ms: int = Field(
        30_000, ge=1_000, le=120_000, description="A turn longer than this is answered as it is, in milliseconds."
    )

    # --- Calls ------------------------------------------------------------------------------------------------
    join_timeout_s: float = Field(20.0, gt=1, le=120, description="Longest wait for joining a voice chat, in seconds.")
    max_call_minutes: int = Field(240, ge=1, le=1440, description="A call longer than this is left, after a word of good-bye.")
    alone_s: float = Field(60.0, ge=5, le=86_400, description="A call in which nobody else is for so many seconds is left.")
    welcome: str = Field("", max_length=300, description="What it says when it has joined a call; nothing when not set.")
    idle_prompt_s: float | None = Field(
        None,
        ge=10,
        le=3600,
        description="After so many seconds without a word it asks once whether anybody is there; never when not set.",
    )
    idle_prompt: str = Field("Are you still there?", max_length=300, description="What it asks then.")
    max_concurrent_calls: int = Field(15, ge=1, le=1000, description="More calls than this at once are refused.")
    max_guest_calls: int = Field(
        15, ge=1, le=10_000, description="More calls than this at once by browser, WebSocket and telephone together are refused."
    )
    auto_answer: bool = Field(
        True,
        validation_alias=_aliases("AUTO_ANSWER", "autoAnswer"),
        description="Private calls of those on the list below are answered, others are declined with a message. false leaves every call "
        "that rings to the account's other devices.",
    )
    auto_answer_from: Annotated[str, AfterValidator(_callers)] = Field(
        "nobody",
        max_length=2000,
        examples=["contacts", "contacts,123456789"],
        description="Whose private calls are answered: nobody, contacts, user ids, separated by commas. The owner's (OWNER_ID) always are.",
    )
    auto_answer_delay_ms: int = Field(
        1000,
        ge=0,
        le=15_000,
        validation_alias=_aliases("AUTO_ANSWER_DELAY_MS", "autoAnswerDelay"),
        description="A private call rings for so long before it is answered, or declined, in milliseconds.",
    )
    call_ring_s: float = Field(60.0, ge=5, le=90, description="Somebody who is phoned has so long to answer, in seconds.")
    max_private_call_minutes: int = Field(
        60, ge=1, le=1440, description="A private call longer than this is ended, after a word of good-bye."
    )
    command_prefixes: str = Field("/.!", min_length=1, description="Characters that may begin a command.")
    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(
        "UTC",
        examples=["Europe/Madrid"],
        description="The time zone of chats that have set none (quiet hours, and what it says the time is): a name such as Europe/Madrid.",
    )

    # --- Appointments -----------------------------------------------------------------------------------------
    max_call_duration: float = Field(
        300.0,
        ge=30,
        le=14_400,
        description="A call that was made by appointment lasts so long at most if the appointment names no other time, in seconds.",
    )
    max_retries: int = Field(3, ge=0, le=10, description="When nobody answers the call of an appointment, it is tried so many times more.")
    retry_delay: float = Field(60.0, ge=10, le=3600, description="So long after each other, in seconds.")

    # --- Web pages and HTTP API -------------------------------------------------------------------------------
    http_port: int = Field(
        8005,
        ge=0,
        le=65_535,
        validation_alias=_aliases("HTTP_PORT", "PORT"),
        description="The port of the web pages and the HTTP API; 0 serves nothing. Where another program has the port that you have not "
        "set, Parley works without.",
    )
    http_host: Annotated[str, AfterValidator(_address)] = Field(
        "127.0.0.1",
        description="The address of HTTP_PORT: of this machine only. Any other is refused until there is a token (bot.py token create).",
    )
    http_hosts: str = Field(
        "",
        max_length=2000,
        examples=["parley.local,home.example.org"],
        description="Further names by which this server is reached, separated by commas. Its addresses, localhost and the name in "
        "API_BASE_URL need not be listed; any other name is refused.",
    )
    http_origins: Annotated[str, AfterValidator(_origins)] = Field(
        "",
        max_length=2000,
        examples=["https://example.org,https://app.example.org"],
        description="Web sites whose pages may use this server, separated by commas. Its own pages always may, all others are refused.",
    )
    http_requests_per_minute: int = Field(
        600,
        ge=1,
        le=1_000_000,
        description="As many requests a minute may come with one token, or from one address; those of this machine without a token are not "
        "counted.",
    )
    api_base_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
        examples=["https://parley.example.org"],
        description="Where browsers and other services reach HTTP_PORT from outside, such as through a proxy: links to the call page begin "
        "with it. This machine alone when not set. Browsers give the microphone to https pages only, and to pages of the own machine.",
    )

    # --- Browser calls ----------------------------------------------------------------------------------------
    ice_stun: str | None = Field(
        None,
        pattern=r"^stun:[^\s?]+$",
        examples=["stun:stun.example.org:3478"],
        description="A STUN server, for browser calls across networks: it tells Parley and the browser their outside addresses. Within one "
        "network none is needed.",
    )
    ice_turn: str | None = Field(
        None,
        pattern=r"^turns?:[^\s?]+(\?transport=(udp|tcp))?$",
        examples=["turn:turn.example.org:3478"],
        description="A TURN server (such as coturn), which relays browser calls that find no other way; needs ICE_TURN_SECRET.",
    )
    ice_turn_secret: SecretStr | None = Field(
        None, description="What the TURN server shares with Parley (coturn: static-auth-secret); each call gets credentials of its own."
    )

    # --- WebSocket voice --------------------------------------------------------------------------------------
    ws_heartbeat_interval: float = Field(
        30.0, ge=1, le=3600, description="Every so many seconds a WebSocket is sent a heartbeat; who does not answer is taken to be gone."
    )
    ws_timeout: float = Field(300.0, ge=1, le=86_400, description="A WebSocket on which no sound comes for so many seconds is closed.")
    max_connections: int = Field(
        1000, ge=1, le=100_000, description="More WebSockets than this at once are refused, idle ones included (calls: MAX_GUEST_CALLS)."
    )
    sample_rate: Annotated[Literal[8000, 16_000, 24_000, 48_000], BeforeValidator(_as_number)] = Field(
        16_000, description="Samples a second of raw PCM over a WebSocket, both ways, unless the client asks for another rate."
    )
    chunk_size: int = Field(
        4096, ge=320, le=65_536, description="How much sound clients are told to send in a message, in bytes (4096: 128 ms); they need not."
    )
    audio_format: Literal["wav", "pcm"] = Field(
        "wav", description="What replies are over a WebSocket unless the client asks: wav (whole files) or pcm (raw, as it is spoken)."
    )
    buffer_duration_ms: int = Field(
        1000,
        ge=0,
        le=30_000,
        description="Words of a turn that goes on are shown to WebSocket clients at most once in so many milliseconds.",
    )
    min_audio_length_ms: int | None = Field(
        None, ge=0, le=5000, examples=["500"], description="Over a WebSocket, less speech than this is nothing; 300 ms when not set."
    )
    silence_threshold: float | None = Field(
        None,
        ge=0,
        lt=1,
        examples=["0.01"],
        description="Over a WebSocket, sound quieter than this is silence (root mean square, full scale 1); else the detector decides.",
    )
    silence_duration_ms: int | None = Field(
        None,
        ge=100,
        le=10_000,
        examples=["500"],
        description="Over a WebSocket, this much silence ends a turn; as ENDPOINTING and the words want it when not set.",
    )
    audio_timeout_seconds: float = Field(
        10.0, gt=0, le=300, description="A WebSocket client that takes nothing of what it is sent for so many seconds is disconnected."
    )

    # --- Telephone --------------------------------------------------------------------------------------------
    twilio_account_sid: str | None = Field(
        None,
        pattern=r"^AC[0-9a-fA-F]{32}$",
        examples=["ACxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"],
        description="The Account SID of your Twilio account. Telephone calls need it, the next two, and API_BASE_URL; else they are off.",
    )
    twilio_auth_token: SecretStr | None = Field(None, description="The Auth Token of that account.")
    twilio_phone_number: str | None = Field(
        None, pattern=r"^\+[1-9]\d{6,14}$", examples=["+34612345678"], description="The number of that account which Parley calls from."
    )
    twilio_api_url: str = Field(
        "https://api.twilio.com",
        pattern=r"^(https://[^\s/?#@]+|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?)/?$",
        examples=["https://api.twilio.com"],
        description="Where Twilio's interface is. Without https only a stand-in on this machine.",
    )
    phone_allowed_prefixes: Annotated[str, AfterValidator(_number_prefixes)] = Field(
        "",
        max_length=1000,
        examples=["+34", "+34,+447"],
        description="Only numbers that begin so may be called, such as +34,+447. None when not set; those that cost extra never.",
    )
    phone_allowed_callers: Annotated[str, AfterValidator(_number_prefixes)] = Field(
        "",
        max_length=2000,
        examples=["+34612345678", "+34612345678,+4479"],
        description="Whose telephone calls are taken: numbers, or their beginnings, such as +34612345678. Nobody's when not set.",
    )
    phone_calls_per_day: int = Field(20, ge=0, le=10_000, description="So many numbers may be called within 24 hours.")
    phone_calls_per_number: int = Field(5, ge=0, le=1000, description="And each of them so often.")
    phone_minutes_per_day: int = Field(
        60, ge=0, le=100_000, description="All telephone calls of 24 hours together may last so many minutes: what they may cost."
    )
    phone_calls_at_once: int = Field(2, ge=1, le=1000, description="So many telephone calls may be under way at once.")
    phone_longest_s: float = Field(
        300.0, ge=30, le=14_400, description="A telephone call longer than this is ended, after a word of good-bye, in seconds."
    )
    phone_ring_s: float = Field(30.0, ge=5, le=120, description="A number that is called rings for so long, in seconds.")

    # --- Logs and metrics -------------------------------------------------------------------------------------
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="How much is logged.")
    log_format: Literal["text", "json"] = Field("text", description="text for people, or json: one JSON object a line.")
    log_file: ExpandedPath | None = Field(None, description="A file that the log is written to as well (kept private: mode 0600).")
    log_file_mb: float = Field(
        10.0, gt=0, le=10_000, description="At this size, in MB, the log file becomes NAME.1 and a new one is begun."
    )
    log_files_kept: int = Field(5, ge=1, le=1000, description="So many full log files are kept.")
    event_log: ExpandedPath | None = Field(
        None, description="A file to which every event of every call is appended, one JSON object a line."
    )
    metrics_port: int | None = Field(
        None, ge=1, le=65_535, examples=["9464"], description="The port at which Prometheus reads /metrics; none is served when not set."
    )
    metrics_public: bool = Field(
        False, description="Let METRICS_HOST be more than this machine: the page has no password, so only for a network you trust."
    )
    metrics_host: Annotated[str, AfterValidator(_metrics_host)] = Field(
        "127.0.0.1", description="The address of METRICS_PORT: of this machine only, unless METRICS_PUBLIC is true."
    )

    @property
    def session_file(self) -> Path:
        """Where the session is, unless it is a string."""
        if self.session_name:
            return self.session_path.with_name(f"{self.session_name}.session")
        path = self.session_path
        return path if path.suffix == ".session" else path.with_name(f"{path.name}.session")

    @property
    def secrets(self) -> list[str]:
        """The values of all secret settings, which must stand in no log."""
        values = [getattr(self, name) for name in type(self).model_fields]
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]

    @property
    def has_account(self) -> bool:
        """Whether any part of a Telegram account is set; a part that is then missing is for the login to report."""
        return any((self.api_id, self.api_hash, self.telegram_session))


def load_settings(env_file: Path | None = Path(".env"), **overrides: Any) -> Settings:
    """Read the settings from the environment and ``env_file``; ``overrides``, by field name, win over both.

    :raises SettingsError: naming every wrong setting, what it was (secrets excepted) and what is allowed.
    """
    try:
        return Settings(_env_file=env_file, **{_name_read(field): value for field, value in overrides.items()})
    except ValidationError as invalid:
        raise SettingsError(_explained(invalid), "Correct them in .env or in the environment; .env.example explains each.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{env_file} is not a text file in UTF-8.", "Write it anew from .env.example.") from None


def _name_read(field_name: str) -> str:
    names = _names_of(Settings.model_fields[field_name])
    return names[0] if names else field_name


def _explained(invalid: ValidationError) -> str:
    errors = invalid.errors()
    counted = f"{len(errors)} settings are wrong:" if len(errors) > 1 else "1 setting is wrong:"
    return "\n".join([counted, *(f"  {_explained_one(error)}" for error in errors), ""])


def _explained_one(error: ErrorDetails) -> str:
    name = str(error["loc"][0])
    field = _field_called(name)
    return f"{name.upper()} is {_shown(error['input'], field)}: {_allowed(error, field)}."


def _field_called(name: str) -> FieldInfo | None:
    known = Settings.model_fields
    return known.get(name.lower()) or next((field for field in known.values() if name in _names_of(field)), None)


def _names_of(field: FieldInfo) -> list[str]:
    aliases = field.validation_alias
    return [path for path in aliases.choices if isinstance(path, str)] if isinstance(aliases, AliasChoices) else []


def _shown(value: object, field: FieldInfo | None) -> str:
    secret = field is None or "SecretStr" in str(field.annotation)
    return "(hidden)" if secret else repr(value)


def _allowed(error: ErrorDetails, field: FieldInfo | None) -> str:
    if error["type"] == "string_pattern_mismatch" and field is not None and field.examples:
        return "it should look like " + " or ".join(str(example) for example in field.examples)
    return error["msg"].removeprefix("Value error, ").replace("Input should", "it should")
