"""The OpenRPC document: every method and notification, with the schemas of what goes in and out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from pydantic import BaseModel, RootModel

from control.events import NOTIFICATIONS
from control.jsonrpc import Caller, Method, Params, Result
from control.rpc_errors import MEANINGS, Code
from version import VERSION

OPENRPC: Final = "1.3.2"
_SCHEMAS: Final = "#/components/schemas/{model}"


class NoParams(Params):
    """Takes none."""


class Document(RootModel[dict[str, Any]], Result):
    """An OpenRPC document."""


def discover(methods: Iterable[Method]) -> Method:
    """``rpc.discover``, which describes these methods."""
    document = Document(_document(list(methods)))

    async def answer(_params: NoParams, _caller: Caller) -> Document:
        return document

    return Method(name="rpc.discover", params=NoParams, result=Document, answer=answer, summary="This document.")


def _document(methods: list[Method]) -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    return {
        "openrpc": OPENRPC,
        "info": {"title": "Parley", "version": VERSION},
        "methods": [_described(method, schemas) for method in methods],
        "components": {"schemas": schemas},
        "x-notifications": [{"name": name, "summary": summary} for name, summary in NOTIFICATIONS.items()],
    }


def _described(method: Method, schemas: dict[str, Any]) -> dict[str, Any]:
    params = _schema(method.params, schemas)
    required = params.get("required", [])
    return {
        "name": method.name,
        "summary": method.summary,
        "paramStructure": "either",
        "params": [
            {"name": name, "required": name in required, "schema": schema, **_explained(schema)}
            for name, schema in params.get("properties", {}).items()
        ],
        "result": {"name": method.result.__name__, "schema": _schema(method.result, schemas)},
        "errors": [{"code": int(code), "message": MEANINGS[code]} for code in (*method.errors, Code.INVALID_PARAMS)],
    }


def _explained(schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": schema["description"]} if "description" in schema else {}


def _schema(model: type[BaseModel], schemas: dict[str, Any]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template=_SCHEMAS)
    schemas.update(schema.pop("$defs", {}))
    return schema
