"""How Twilio shows that a request comes from it: a signature over the address and the form, with the account's secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit, urlunsplit

HEADER: Final = "X-Twilio-Signature"
ANY: Final = "surrogatepass"
"""Whatever is sent can be compared."""
_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def signature(token: str, url: str, form: Mapping[str, Sequence[str]]) -> str:
    """The signature of a request to ``url``; ``form`` has every value that was posted, by name."""
    signed = url + "".join(name + value for name in sorted(form) for value in sorted(set(form[name])))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(errors=ANY), hashlib.sha1).digest()).decode()


def is_signed(token: str, url: str, form: Mapping[str, Sequence[str]], shown: str) -> bool:
    """Whether ``shown`` is the signature of the request; the usual port may have been part of the address or not."""
    answers = [hmac.compare_digest(signature(token, each, form).encode(), shown.encode(errors=ANY)) for each in _spellings(url)]
    return any(answers)


def _spellings(url: str) -> Iterable[str]:
    parts = urlsplit(url)
    usual = _PORTS.get(parts.scheme)
    yield url
    if parts.port is None:
        yield urlunsplit(parts._replace(netloc=f"{parts.netloc}:{usual}"))
    elif parts.port == usual:
        yield urlunsplit(parts._replace(netloc=parts.netloc.rpartition(":")[0]))
