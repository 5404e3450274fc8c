"""Twilio's REST interface, as much of it as calls need."""

from __future__ import annotations

import logging
import math
from typing import Any, Final

import aiohttp

from calls import errors
from calls.errors import CallError, Failure
from calls.telephony import failures
from calls.telephony.carrier import Order

log = logging.getLogger(__name__)

VERSION: Final = "2010-04-01"
WITHIN_S: Final = 10.0
STATUS_EVENTS: Final = ("initiated", "ringing", "answered", "completed")
AFTER_OUR_END_S: Final = 30
"""The carrier ends a call that Parley has failed to end by then."""

_BY_CODE: Final[dict[int, Failure]] = {
    20003: failures.CREDENTIALS,
    20404: failures.CREDENTIALS,
    20429: failures.CARRIER_BUSY,
    13223: failures.NO_NUMBER,
    13224: failures.NO_NUMBER,
    21211: failures.NO_NUMBER,
    21214: failures.UNREACHABLE,
    21217: failures.NO_NUMBER,
    21210: failures.OWN_NUMBER_WRONG,
    21212: failures.OWN_NUMBER_WRONG,
    13227: failures.NO_PERMISSION,
    21215: failures.NO_PERMISSION,
    21216: failures.NO_PERMISSION,
    21219: failures.NOT_VERIFIED,
    21220: failures.NO_CALL,
}
"""Of Twilio's error codes those that mean something to people."""
_BY_STATUS: Final[dict[int, Failure]] = {401: failures.CREDENTIALS, 403: failures.CREDENTIALS, 429: failures.CARRIER_BUSY}


class TwilioRest:
    """Calls from the number ``own_number`` of an account; ``url`` is where its interface is."""

    def __init__(self, url: str, account_sid: str, auth_token: str, own_number: str) -> None:
        self._calls_url = f"{url.rstrip('/')}/{VERSION}/Accounts/{account_sid}/Calls"
        self._headers = {"Authorization": aiohttp.encode_basic_auth(account_sid, auth_token)}
        self._own_number = own_number
        self._session: aiohttp.ClientSession | None = None

    async def place(self, order: Order) -> str:
        """Have a number called; see :meth:`calls.telephony.carrier.Carrier.place`."""
        form = [
            ("To", order.number),
            ("From", self._own_number),
            ("Twiml", order.twiml),
            ("Timeout", str(math.ceil(order.ring_s))),
            ("TimeLimit", str(math.ceil(order.longest_s) + AFTER_OUR_END_S)),
            ("StatusCallback", order.status_url),
            ("StatusCallbackMethod", "POST"),
            *(("StatusCallbackEvent", event) for event in STATUS_EVENTS),
        ]
        answered = await self._post(f"{self._calls_url}.json", form)
        sid = answered.get("sid")
        if not isinstance(sid, str) or not sid:
            log.error("the carrier's answer to a call names no call")
            raise errors.of(failures.CARRIER_REFUSED)
        return sid

    async def hang_up(self, sid: str) -> None:
        """End a call; one that has ended already counts as ended."""
        try:
            await self._post(f"{self._calls_url}/{sid}.json", [("Status", "completed")])
        except CallError as error:
            if error.key != failures.NO_CALL.key:
                raise

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, url: str, form: list[tuple[str, str]]) -> dict[str, Any]:
        if self._session is None:
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=aiohttp.ClientTimeout(total=WITHIN_S))
        try:
            async with self._session.post(url, data=form, allow_redirects=False) as response:
                answered = await _json_of(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("the carrier could not be reached: %s", type(error).__name__)
            raise errors.of(failures.CARRIER_DOWN) from error
        if not 200 <= response.status < 300:
            raise _refusal(response.status, answered)
        return answered


async def _json_of(response: aiohttp.ClientResponse) -> dict[str, Any]:
    try:
        told = await response.json(content_type=None)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _refusal(status: int, told: dict[str, Any]) -> CallError:
    code = told.get("code")
    failure = failures.CARRIER_DOWN if status >= 500 else _BY_CODE.get(code) if isinstance(code, int) else None
    known = failure or _BY_STATUS.get(status, failures.CARRIER_REFUSED)
    level = logging.DEBUG if known is failures.NO_CALL else logging.WARNING
    log.log(level, "the carrier refuses: status %d, code %s, %s", status, code, str(told.get("message", ""))[:200])
    return errors.of(known)
