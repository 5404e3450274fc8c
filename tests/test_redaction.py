"""No secret gets into the log, whatever shape it has and wherever it stands; harmless text stays as it is."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from logs import configure_logging, recent_lines
from redaction import HIDDEN, KnownSecrets, RedactingFormatter, hide, redacted

STRING_SESSION = "1BAAOMTQ5LjE1NC4xNjcuNTEAUJQ" + "aB3-_x9" * 40
HASH = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"session {STRING_SESSION}==", STRING_SESSION),
        (f"api_hash={HASH}", HASH),
        (f"API_HASH: '{HASH.upper()}'", HASH.upper()),
        ("{'api_hash': 'shorter-one'}", "shorter-one"),
        ("key sk-proj-AbCdEf0123456789xyz was refused", "AbCdEf0123456789xyz"),
        ("Authorization: Bearer abcdef.ghi-jkl_mno", "abcdef.ghi-jkl_mno"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
        ("bot 123456789:AAE-abcdefghijklmnopqrstuvwxyz01234 is it", "AAE-abcdefghijklmnopqrstuvwxyz01234"),
        (f"AuthKey(key={bytes(range(65, 190)).replace(b'`', b'x')!r})", "ABCDEFGHIJKLMNOP"),
        (f"auth key {bytes(range(256)).hex()}", bytes(range(256)).hex()),
        ("tg://login?token=AQIDBAUGBwgJCgsMDQ4PEA", "AQIDBAUGBwgJCgsMDQ4PEA"),
        ("http://user:s3cret@proxy.example:8080/", "s3cret"),
        ("password='correct-horse'", "correct-horse"),
        ("the password is hunter22 now", "hunter22"),
        ("login code: 24680", "24680"),
        ("phone_code=24680, phone_code_hash=a1b2c3d4e5f6", "24680"),
        ("phone_code=24680, phone_code_hash=a1b2c3d4e5f6", "a1b2c3d4e5f6"),
        ("calling +34600111222 now", "+346001112"),
        ("calling +34 600 11 12 22 now", "600 11 12"),
        ("phone_number='34600111222'", "346001112"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in redacted(text)
    assert HIDDEN in redacted(text)


def test_of_a_phone_number_two_digits_stay() -> None:
    assert redacted("calls from +34600111222 ended") == f"calls from {HIDDEN}22 ended"


@pytest.mark.parametrize(
    "text",
    [
        "Joined the voice chat of Book club (-1001234567890) after 1.25 s.",
        "ended with exit code 78",
        "Telegram answered 420 FLOOD_WAIT_3600 (caused by JoinGroupCallRequest)",
        "user 1234567890 says: the weather is 20 + 3 degrees, and it costs 1 000 000",
        "2026-11-21 16:20:19 127.0.0.1:4430 /home/ann/.local/share/parley/parley.session",
        "The password was wrong three times.",
        "API_ID and API_HASH required.",
        "whisper-base: 148.1 MB, 12 tokens in 0.25 s",
    ],
)
def test_harmless_text_stays(text: str) -> None:
    assert redacted(text) == text


def test_what_is_known_to_be_secret_is_hidden_everywhere() -> None:
    known = KnownSecrets()
    for value in ("correct horse", "correct", None, "", "abc", "24680"):
        known.add(value)
    assert known.hidden_in("correct horse, correct, incorrect, 24680 and 246801, abc") == (
        f"{HIDDEN}, {HIDDEN}, incorrect, {HIDDEN} and 246801, abc"
    )


def test_remembering_is_bounded() -> None:
    known = KnownSecrets()
    for number in range(1000):
        known.add(f"secret-{number:04}")
    assert known.hidden_in("secret-0000 secret-0999") == f"secret-0000 {HIDDEN}"


def test_a_long_line_is_cleaned_quickly() -> None:
    """A pattern that tries all ways to read a text would never come back from these."""
    for text in ("b'" + "\\x41" * 20_000, "1" + "a" * 100_000 + "!", "+1" + " 2" * 50_000, "password " * 10_000):
        redacted(text)


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What Parley writes on standard error, with its own logging; pytest's is put back."""
    written = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr("sys.stderr", written)
    configure_logging("DEBUG")
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_the_log_holds_no_secret_in_message_arguments_fields_or_traceback(stream: io.StringIO) -> None:
    root = logging.getLogger()
    root.handlers[:] = root.handlers[:2]  # pytest's own come after Parley's, and keep lines as they are
    hide("open sesame")
    log = logging.getLogger("tests.redaction")
    log.warning("the session is %s", STRING_SESSION)
    log.warning("the word is open sesame", extra={"chat_id": 7})
    structlog.get_logger("tests.redaction").warning("structured", token=f"Bearer {HASH}", phone="+34600111222")
    try:
        raise ValueError(f"no {HASH} and no open sesame")
    except ValueError:
        log.exception("it failed")
    text = stream.getvalue() + "\n".join(recent_lines(10))
    assert "it failed" in text
    assert "ValueError" in text
    assert "chat_id" in text
    assert not [secret for secret in (STRING_SESSION, HASH, "open sesame", "+346001112") if secret in text]


def test_any_formatter_can_be_made_safe() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "hash %s", (HASH,), None)
    assert RedactingFormatter(logging.Formatter("%(levelname)s %(message)s")).format(record) == f"INFO hash {HIDDEN}"
