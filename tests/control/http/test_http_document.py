"""docs/http.md names every route there is, with what it needs, every scope, and every code of a refusal."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Final, cast

from calls.browser_calls import BrowserCalls
from control.http.scopes import Scope
from control.http.server import application
from tests.control.http.http_stage import http_stage

ROOT: Final = Path(__file__).resolve().parents[3]
PAGE: Final = (ROOT / "docs" / "http.md").read_text(encoding="utf-8")
OURS: Final = ("access", "bodies", "calls", "directory", "guard", "health", "live", "speech")
_ROUTE: Final = re.compile(r"^\| `((?:GET|POST|DELETE) /[^`]*)` \|([^|]*)\|", re.MULTILINE)
_CODE: Final = re.compile(r"Problem\(\s*[^,()]+,\s*\"([a-z_]+)\"")


async def test_every_route_is_in_the_page_and_the_other_way_round(tmp_path: Path) -> None:
    async with http_stage(tmp_path) as stage:
        services = dataclasses.replace(stage.services, browser_calls=cast(BrowserCalls, object()))
        served = {
            f"{route.method} {route.resource.canonical}"
            for route in application(services).router.routes()
            if route.resource is not None and route.method != "HEAD"
        }
    assert sorted(route for route, _needs in _ROUTE.findall(PAGE)) == sorted(served)


async def test_what_the_page_says_is_needed_is_needed(tmp_path: Path) -> None:
    """Each route of ours is asked with a token that is for everything else."""
    fields = {"call_id": "-1", "id": "1"}
    async with http_stage(tmp_path) as stage:
        told = {
            scope: await stage.token(*(other for other in Scope if other not in (scope, Scope.ADMIN)), name=scope.name) for scope in Scope
        }
        for route, needs in _ROUTE.findall(PAGE):
            method, path = route.split(" ")
            if needs.strip() not in [f"`{scope}`" for scope in Scope]:
                continue
            scope = Scope(needs.strip(" `"))
            status, refused = await stage.ask(path.format(**fields), token=told[scope], method=method)
            assert (route, status, refused["error"]["code"]) == (route, 403, "scope_missing")
            assert scope.value in refused["error"]["message"]
            assert (await stage.ask(path.format(**fields), method=method))[0] == 401


def test_every_scope_and_every_code_is_explained() -> None:
    for scope in Scope:
        assert f"| `{scope}` |" in PAGE
    codes = {code for name in OURS for code in _CODE.findall((ROOT / "control" / "http" / f"{name}.py").read_text(encoding="utf-8"))}
    assert len(codes) > 15
    assert sorted(code for code in codes if f"`{code}`" not in PAGE) == []
