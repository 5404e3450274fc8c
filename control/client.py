"""The other end of the control socket, for programs that may wait: one request after the other, and what happens in between."""

from __future__ import annotations

import itertools
import json
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from control.framing import BadFrame, Framer, Framing, framed
from control.messages import VERSION, encoded
from errors import ParleyError

EXIT_REFUSED: Final = 1
START_IT: Final = "Start Parley with scripts/run (python bot.py run); another socket is named with --socket or CONTROL_SOCKET."


class NotReached(ParleyError):
    """Nobody answers at the socket."""


class Refused(ParleyError):
    """The request was answered with an error; ``error`` is that member of the answer."""

    exit_code = EXIT_REFUSED

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(str(error.get("message", "no reason was given")))
        self.error = error


class ControlClient:
    """Connected inside ``with``. ``timeout_s`` is the longest wait for an answer; ``None``: as long as it takes."""

    def __init__(self, path: Path, timeout_s: float | None = None) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout_s)
        self._framer = Framer()
        self._messages: deque[dict[str, Any]] = deque()
        self._notifications: deque[dict[str, Any]] = deque()
        self._ids = itertools.count(1)

    def __enter__(self) -> Self:
        try:
            self._socket.connect(str(self._path))
        except OSError as error:
            self._socket.close()
            raise NotReached(f"Nobody answers at {self._path} ({error.strerror or error}).", START_IT) from None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._socket.close()

    def request(self, method: str, params: dict[str, Any] | list[Any] | None = None) -> Any:
        """The result of a method.

        :raises Refused: it was answered with an error.
        :raises NotReached: it was not answered.
        """
        request_id = next(self._ids)
        request = encoded({"jsonrpc": VERSION, "method": method, "params": params if params is not None else {}, "id": request_id})
        assert request is not None
        with suppress(OSError):  # why the other end has hung up is in what it sent before
            self._socket.sendall(framed(request, Framing.LINES))
        while True:
            message = self._next_message()
            if "method" in message:
                self._notifications.append(message)
            elif message.get("id") in (request_id, None):
                return _result(message)

    def notifications(self) -> Iterator[dict[str, Any]]:
        """What happens, as it happens.

        :raises NotReached: Parley has ended.
        """
        while True:
            message = self._notifications.popleft() if self._notifications else self._next_message()
            if "method" in message:
                yield message

    def _next_message(self) -> dict[str, Any]:
        while not self._messages:
            try:
                data = self._socket.recv(65_536)
            except TimeoutError:
                raise NotReached(f"There was no answer at {self._path} in time.", "Try again; its log may say why.") from None
            except OSError as error:
                raise NotReached(f"The connection to {self._path} broke ({error.strerror or error}).", START_IT) from None
            if not data:
                raise NotReached(f"Parley at {self._path} has hung up.", START_IT)
            self._messages.extend(_message(frame) for frame in self._framer.feed(data))
        return self._messages.popleft()


def _message(frame: bytes | BadFrame) -> dict[str, Any]:
    try:
        message = json.loads(frame) if isinstance(frame, bytes) else None
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise NotReached(
            "What answers at the control socket does not speak JSON-RPC.", "Is it another program's? Name the right one with --socket."
        )
    return message


def _result(message: dict[str, Any]) -> Any:
    if "error" in message:
        error = message["error"]
        raise Refused(error if isinstance(error, dict) else {"message": str(error)})
    return message.get("result")
