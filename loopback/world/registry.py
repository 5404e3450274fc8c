"""Which function answers which request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, Final, TypeVar

from loopback.mtproto.session import Session
from loopback.mtproto.wire import Tl
from loopback.world.accounts import Account

Method = Callable[["Caller", Tl], Tl | Awaitable[Tl]]
_Function = TypeVar("_Function", bound=Callable[..., Any])
_REQUESTS: Final = "_answers_requests"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, and through which session."""

    session: Session
    signed_in: Account | None

    @property
    def account(self) -> Account:
        """The signed-in account; methods open to strangers use ``signed_in``."""
        assert self.signed_in is not None
        return self.signed_in

    @property
    def id(self) -> int:
        """The account's id."""
        return self.account.id


def answers(*requests: type) -> Callable[[_Function], _Function]:
    """Mark a method ``(self, caller, request)`` as the answer to these request classes."""

    def mark(function: _Function) -> _Function:
        setattr(function, _REQUESTS, requests)
        return function

    return mark


def method_name(request: Tl) -> str:
    """The name of a request in Telegram's documentation with a capital, such as ``phone.JoinGroupCall``."""
    family = type(request).__module__.rsplit(".", 1)[-1]
    name = type(request).__name__.removesuffix("Request")
    return name if family == "functions" else f"{family}.{name}"


class Registry:
    """All marked methods of the services added to it."""

    def __init__(self, *services: object) -> None:
        self._methods: dict[type, Method] = {}
        for service in services:
            self.add(service)

    def add(self, service: object) -> None:
        """Take up the marked methods of one service.

        :raises ValueError: a request is answered twice.
        """
        for name in dir(type(service)):
            for request in getattr(getattr(type(service), name), _REQUESTS, ()):
                if request in self._methods:
                    raise ValueError(f"{request.__name__} is answered twice")
                self._methods[request] = getattr(service, name)

    def __contains__(self, request: Tl) -> bool:
        return type(request) in self._methods

    async def answer(self, caller: Caller, request: Tl) -> Tl:
        """Run the method for ``request``."""
        value = self._methods[type(request)](caller, request)
        return await value if isawaitable(value) else value
