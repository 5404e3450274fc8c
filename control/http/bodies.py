"""The JSON that is sent with a request, checked against a model."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Final, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from control.http.problems import Problem

WITHIN_S: Final = 20.0
"""A body that is still not there then is not waited for."""


class Body(BaseModel):
    """What may be sent; what it does not name is refused, so that a misspelt name is noticed."""

    model_config = ConfigDict(extra="forbid")


AnyModel = TypeVar("AnyModel", bound=BaseModel)


async def body_of(request: web.Request, model: type[AnyModel]) -> AnyModel:
    """What was sent. Only as ``application/json``: pages of somebody else cannot send that unasked.

    :raises Problem: it is no JSON, or not what the model wants; the text says what is wrong.
    """
    if request.content_type != "application/json":
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            "The body is not JSON.",
            "Send it with the header Content-Type: application/json.",
        )
    try:
        async with asyncio.timeout(WITHIN_S):
            sent = json.loads(await request.text())
    except TimeoutError:
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, "too_slow", "The body did not come in time.", "Send it at once.") from None
    except (ValueError, RecursionError):
        raise Problem(HTTPStatus.BAD_REQUEST, "bad_json", "The body cannot be read as JSON.", 'Such as {"text": "Hello"}.') from None
    try:
        return model.model_validate(sent)
    except ValidationError as invalid:
        raise Problem(HTTPStatus.BAD_REQUEST, "bad_body", explained(invalid), "docs/http.md shows what it takes.") from None


def explained(invalid: ValidationError) -> str:
    """What is wrong with it, in one sentence."""
    first = invalid.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])[:64]
    return f"{where}: {first['msg']}." if where else f"{first['msg']}."
