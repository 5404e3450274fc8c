"""``bot.py import-config``: the JSON configuration of the ``telegram-userbot`` channel (``clawdbot.json``) as a ``.env`` file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from config import load_settings
from errors import EXIT_SETTINGS, ParleyError

CHANNEL: Final = ("channels", "telegram-userbot")
LARGEST_BYTES: Final = 1 << 20
LEAST_RATE_PERCENT: Final = -50
MOST_RATE_PERCENT: Final = 100
SECRETS: Final = frozenset({"API_HASH"})
OWN_WHISPER: Final = "Parley brings a Whisper of its own (WHISPER_MODEL_SIZE)"
OWN_PIPER: Final = "Parley brings Piper itself"


class ImportConfigError(ParleyError):
    """The file cannot be imported, or ``.env`` cannot be written."""

    exit_code = EXIT_SETTINGS


@dataclass
class Imported:
    """What has become of the file: settings, remarks on keys that are read, and keys that mean nothing here."""

    settings: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def import_file(source: Path, env_file: Path, *, replace: bool = False) -> list[str]:
    """Write ``env_file`` (mode 0600) from ``source``; returns what a person should know, line by line.

    A file that is replaced is put aside.

    :raises errors.ParleyError: ``source`` cannot be used, one of its values is wrong, or ``env_file`` exists and is not to be replaced.
    """
    imported = settings_of(_read(source))
    if env_file.exists() and not replace:
        raise ImportConfigError(f"{env_file} exists already; nothing was changed.", "With --force it is put aside and written anew.")
    incoming = env_file.with_name(f"{env_file.name}.importing")
    try:
        _write_private(incoming, _env_text(source, imported.settings))
        load_settings(incoming)
        aside = _put_aside(env_file)
        incoming.replace(env_file)
    except OSError as error:
        raise ImportConfigError(f"{env_file} cannot be written ({error.strerror}).", "Check that this folder may be written.") from error
    finally:
        incoming.unlink(missing_ok=True)
    return list(_report(env_file, aside, imported))


def settings_of(channel: Mapping[str, Any]) -> Imported:
    """The settings that the keys of the channel mean."""
    imported = Imported()
    for path, value in _leaves(channel):
        read = KEYS.get(path)
        if read is None:
            imported.unknown.append(path)
        else:
            read(imported, value)
    return imported


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and path in GROUPS:
            yield from _leaves(value, f"{path}.")
        else:
            yield path, value


# --- the keys -------------------------------------------------------------------------------------------------
_Reader = Callable[[Imported, Any], None]


def _as(name: str) -> _Reader:
    def read(imported: Imported, value: Any) -> None:
        imported.settings[name] = str(value).lower() if isinstance(value, bool) else str(value)

    return read


def _not_needed(key: str, why: str) -> _Reader:
    def read(imported: Imported, _value: Any) -> None:
        imported.remarks.append(f"{key} is not needed: {why}.")

    return read


def _voice(imported: Imported, value: Any) -> None:
    """Piper's files are named after their language, such as ``ca_ES-upc_pau-x_low.onnx``."""
    imported.settings["PIPER_VOICE"] = str(value)
    language, separator, _ = Path(str(value)).name.partition("_")
    if separator and len(language) == 2 and language.isalpha() and language != "en":
        imported.settings["STT_LANGUAGE"] = language.lower()
        imported.remarks.append(f"The voice speaks {language}, so STT_LANGUAGE is {language}: that is what is heard, too.")


def _length_scale(imported: Imported, value: Any) -> None:
    try:
        percent = round(100 / float(value)) - 100
    except (TypeError, ValueError, ZeroDivisionError):
        raise ImportConfigError(f"tts.lengthScale is {value!r}: it should be a number such as 0.7.", "Correct it in the file.") from None
    percent = min(max(percent, LEAST_RATE_PERCENT), MOST_RATE_PERCENT)
    imported.settings["EDGE_TTS_RATE"] = f"{percent:+d}%"
    imported.remarks.append(f"tts.lengthScale {value} is a speaking rate of {percent:+d} % (EDGE_TTS_RATE, of every voice).")


def _auto_answer(imported: Imported, value: Any) -> None:
    _as("AUTO_ANSWER")(imported, value)
    if value:
        imported.remarks.append("calls.autoAnswer answers nobody until AUTO_ANSWER_FROM says whom: user ids, or contacts.")


KEYS: Final[Mapping[str, _Reader]] = {
    "apiId": _as("API_ID"),
    "apiHash": _as("API_HASH"),
    "stt.whisperPath": _not_needed("stt.whisperPath", OWN_WHISPER),
    "stt.modelPath": _not_needed("stt.modelPath", OWN_WHISPER),
    "stt.threads": _as("WHISPER_THREADS"),
    "tts.piperPath": _not_needed("tts.piperPath", OWN_PIPER),
    "tts.voicesDir": _not_needed("tts.voicesDir", "tts.voicePath names the voice"),
    "tts.voicePath": _voice,
    "tts.lengthScale": _length_scale,
    "calls.autoAnswer": _auto_answer,
    "calls.autoAnswerDelay": _as("AUTO_ANSWER_DELAY_MS"),
}
GROUPS: Final = frozenset(path.partition(".")[0] for path in KEYS if "." in path)


# --- the files ------------------------------------------------------------------------------------------------
def _read(source: Path) -> Mapping[str, Any]:
    """The part of the file that speaks of the channel."""
    try:
        text = source.expanduser().read_bytes()[:LARGEST_BYTES].decode("utf-8-sig")
        tree: Any = json.loads(text)
    except OSError as error:
        raise ImportConfigError(
            f"{source} cannot be read ({error.strerror}).", "Name the file, such as ~/.clawdbot/clawdbot.json."
        ) from None
    except ValueError as error:
        raise ImportConfigError(f"{source} is not JSON ({error}).", "Correct it there.") from None
    for key in CHANNEL:
        tree = tree.get(key) if isinstance(tree, dict) else None
    if not isinstance(tree, dict):
        raise ImportConfigError(f"{source} has no {'.'.join(CHANNEL)}.", "Name the file that configures that channel.")
    return tree


def _env_text(source: Path, settings: Mapping[str, str]) -> str:
    lines = [f"{name}={_quoted(value)}" for name, value in settings.items()]
    return "\n".join([f"# Imported from {source.name}; .env.example explains every setting.", *lines, ""])


def _quoted(value: str) -> str:
    plain = all(character.isalnum() or character in "-_./~:+%@," for character in value)
    return value if plain else "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _put_aside(env_file: Path) -> Path | None:
    if not env_file.exists():
        return None
    aside = env_file.with_name(f"{env_file.name}.before-import")
    env_file.replace(aside)
    return aside


def _report(env_file: Path, aside: Path | None, imported: Imported) -> Iterator[str]:
    shown = [name if name in SECRETS else f"{name}={value}" for name, value in imported.settings.items()]
    yield f"✅ {env_file} is written (mode 0600): {', '.join(shown) or 'nothing to set'}."
    if aside:
        yield f"   What was there before is in {aside}."
    yield from (f"   {remark}" for remark in imported.remarks)
    if imported.unknown:
        yield f"⚠️ Not known here, and left out: {', '.join(imported.unknown)}."
    yield "   Next: python bot.py login (a session must not be copied: Telegram ends one that is used by two programs)."
