"""How the carrier signs what it asks for (https://www.twilio.com/docs/usage/security#validating-requests)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping


def signed(auth_token: str, url: str, form: Mapping[str, str]) -> dict[str, str]:
    """The header of a request to ``url`` that posts ``form``."""
    text = url
    for name in sorted(form):
        text += name + form[name]
    digest = hmac.new(auth_token.encode("utf-8"), text.encode("utf-8"), hashlib.sha1).digest()
    return {"X-Twilio-Signature": base64.b64encode(digest).decode("ascii")}
