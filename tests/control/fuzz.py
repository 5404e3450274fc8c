"""Throws broken requests at the framer, the dispatcher and a real socket, and stops at the first that is not taken as it should be.

    python -m tests.control.fuzz --inputs 1000000

Each input is bytes that one client might send, in one piece and in several. It must be found to be the same messages either way; each
message must be answered with a valid JSON-RPC answer and within a second, never with "failed inside"; memory, tasks, files and
connections must stay what they were. The seed and the number of the input make it happen again: ``--seed 7 --first 4711 --inputs 1``.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from calls import errors
from control.controlled import dispatcher_of
from control.framing import BadFrame, Frame, Framer, Framing, framed
from control.jsonrpc import Caller, Dispatcher
from control.rpc_errors import Code
from control.socket_server import ControlServer
from errors import ParleyError
from tests.control.stage import ANN, CHAT, EXAMPLES, Calls, Phone, Standing, services, stage

LONGEST_S: Final = 1.0
"""Of the processor's time, which other programs do not lengthen."""
GONE_WITHIN_S: Final = 30.0
MOST_GROWTH_BYTES: Final = 32 << 20
SETTLED_SHARE: Final = 0.2
"""Memory is looked at from here on: before, caches fill."""
INPUTS_A_CONNECTION: Final = 250
TOKENS: Final = (
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b'"',
        b"\\",
        b"\n",
        b"\r\n",
        b" ",
        b"\0",
        b"null",
        b"true",
        b"-",
        b"1e999",
        b"NaN",
        b"0",
        b"\xff",
    ),
    *(b'"jsonrpc"', b'"2.0"', b'"method"', b'"params"', b'"id"', b'"chat_id"', b'"text"', b'"\\ud800"', b"\xed\xa0\x80", b'"\\u0000"'),
    *(b'"status"', b'"join"', b'"leave"', b'"speak"', b'"rpc.discover"', b'"events.subscribe"', b'"call.start"', b"9" * 400, b"[" * 70),
)
RIGHT: Final[dict[str, dict[str, Any]]] = {
    "status": {},
    "join": {"chat_id": CHAT},
    "leave": {"chat_id": CHAT},
    "speak": {"chat_id": CHAT, "text": "Hola a tothom!", "language": "ca", "priority": "high"},
    "calls.list": {},
    "transcript.get": {"chat_id": CHAT, "limit": 5},
    "events.subscribe": {"types": ["reply", "call.joined"], "chat_ids": [CHAT]},
    "rpc.discover": {},
    "call.start": {"user_id": ANN},
    "call.accept": {"user_id": ANN},
    "call.reject": {},
    "call.hangup": {"user_id": None},
}
"""Every method, with parameters that it takes."""
METHODS: Final = (*RIGHT, "rpc.", "", "stätus", "__init__")
NAMES: Final = ("chat_id", "text", "language", "priority", "title", "limit", "types", "chat_ids", "user_id", "__class__", "")
TEXTS: Final = (
    "",
    " ",
    "Hola a tothom!",
    "ca",
    "high",
    "normal",
    "@ann_smith",
    "reply",
    "call.joined",
    "\ud800",
    "\0",
    "a\nb",
    "😀" * 300,
    "x" * 800,
)


class Fuzzed(Exception):
    """An input was not taken as it should be."""


class Inputs:
    """Makes what a client might send, from examples and from nothing."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def next(self) -> bytes:
        """The bytes of one client."""
        chance = self._chance
        make: Callable[[], bytes] = chance.choice(
            (self._mutated, self._mutated, self._invented, self._invented, self._invented, self._tokens, self._noise, self._lengths)
        )
        sent = make()
        return b"".join(chance.choice((sent, make(), b"\n")) for _ in range(chance.randint(1, 3))) if chance.random() < 0.2 else sent

    def _mutated(self) -> bytes:
        chance, sent = self._chance, bytearray(self._framed(self._request()))
        for _ in range(chance.choice((1, 1, 2, 5))):
            at = chance.randrange(len(sent) + 1)
            match chance.randrange(5):
                case 0:
                    del sent[at : at + chance.randint(1, 12)]
                case 1:
                    sent[at:at] = chance.choice(TOKENS)
                case 2:
                    sent[at : at + 1] = bytes([chance.randrange(256)])
                case 3:
                    sent[at:at] = sent[chance.randrange(len(sent) + 1) :][:40]
                case _:
                    sent[at : at + chance.randint(1, 12)] = chance.choice(TOKENS)
        return bytes(sent)

    def _request(self) -> bytes:
        return self._chance.choice(EXAMPLES) if self._chance.random() < 0.5 else self._invented_text()

    def _framed(self, text: bytes) -> bytes:
        return framed(text, self._chance.choice(tuple(Framing)))

    def _invented(self) -> bytes:
        return self._framed(self._invented_text())

    def _invented_text(self) -> bytes:
        chance = self._chance
        asked: Any = self._call()
        if chance.random() < 0.15:
            asked = [self._call() if chance.random() < 0.9 else self._value(2) for _ in range(chance.choice((0, 1, 2, 5, 60)))]
        return json.dumps(asked, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")

    def _call(self) -> dict[str, Any]:
        chance = self._chance
        method = chance.choice(METHODS)
        params = dict(RIGHT.get(method, {})) if chance.random() < 0.6 else self._params()
        if isinstance(params, dict) and params and chance.random() < 0.3:
            params[chance.choice((*params, *NAMES))] = self._plausible()
        call: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params, "id": chance.randrange(100)}
        if chance.random() < 0.15:
            call[chance.choice(("jsonrpc", "method", "params", "id"))] = self._value(2)
        if chance.random() < 0.1:
            call.pop(chance.choice(tuple(call)))
        return call

    def _params(self) -> Any:
        chance = self._chance
        if chance.random() < 0.2:
            return [self._plausible() for _ in range(chance.randrange(5))]
        return {chance.choice(NAMES): self._plausible() for _ in range(chance.randrange(4))}

    def _plausible(self) -> Any:
        return self._chance.choice((CHAT, ANN, *TEXTS)) if self._chance.random() < 0.7 else self._value(2)

    def _value(self, depth: int) -> Any:
        chance = self._chance
        match chance.randrange(8 if depth else 6):
            case 0:
                return chance.choice((None, True, False))
            case 1:
                return chance.choice((0, -1, CHAT, 2**63, -(2**63), 10**30))
            case 2:
                return chance.choice((0.5, -1e308, float("inf"), float("nan")))
            case 6:
                return [self._value(depth - 1) for _ in range(chance.randrange(4))]
            case 7:
                return {chance.choice(NAMES): self._value(depth - 1) for _ in range(chance.randrange(4))}
        return chance.choice(TEXTS)

    def _tokens(self) -> bytes:
        return b"".join(self._chance.choice(TOKENS) for _ in range(self._chance.randint(1, 40)))

    def _noise(self) -> bytes:
        return self._chance.randbytes(self._chance.randint(1, 200))

    def _lengths(self) -> bytes:
        chance = self._chance
        length = chance.choice((0, 1, 5, 200, 1 << 20, (1 << 20) + 1, (1 << 24) - 1))
        return length.to_bytes(4, "big") + chance.randbytes(chance.randint(0, 60))


class MoodyCalls(Calls):
    """Calls that come about, fail in every way a program is told of, or take a while."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance

    async def join(self, chat_id: int, title: str, requested_by: int) -> None:
        if self._chance.random() < 0.3:
            raise self._chance.choice((errors.flood(5), errors.of(errors.REFUSED), ParleyError("No.")))
        if self._chance.random() < 0.1:
            await asyncio.sleep(0)
        await super().join(chat_id, title, requested_by)

    async def speak(self, chat_id: int, text: str, language: str | None = None, *, first: bool = False) -> bool:
        text.encode()
        return True


@dataclass
class Tally:
    """What was seen. ``slowest_s`` is the longest that one input took."""

    inputs: int = 0
    messages: int = 0
    bad_frames: int = 0
    answers: int = 0
    connections: int = 0
    slowest_s: float = 0.0
    codes: dict[int, int] = field(default_factory=dict)


class Nobody:
    """Is told nothing."""

    def subscribe(self, types: frozenset[str] | None, chat_ids: frozenset[int] | None) -> None: ...


def _pieces(sent: bytes, chance: random.Random) -> list[bytes]:
    cuts = sorted(chance.randrange(len(sent) + 1) for _ in range(chance.choice((1, 2, 6))))
    return [sent[start:end] for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]


def found_in(pieces: list[bytes]) -> list[Frame]:
    """The messages in what was sent."""
    framer = Framer()
    return [frame for piece in pieces for frame in framer.feed(piece)] + list(framer.end())


async def try_input(sent: bytes, dispatcher: Dispatcher, chance: random.Random, tally: Tally) -> None:
    """One client's bytes, in one piece and in several.

    :raises Fuzzed: they were not taken as they should be.
    """
    began_s = time.process_time()
    frames = found_in([sent])
    if frames != found_in(_pieces(sent, chance)):
        raise Fuzzed("where it is cut changes what is found")
    caller = Caller(Nobody())
    for frame in frames:
        answer = await dispatcher.answer(frame, caller)
        tally.bad_frames += isinstance(frame, BadFrame)
        if answer is not None:
            _check(answer, tally)
    tally.inputs += 1
    tally.messages += len(frames)
    took_s = time.process_time() - began_s
    tally.slowest_s = max(tally.slowest_s, took_s)
    if took_s > LONGEST_S:
        raise Fuzzed(f"it took {took_s:.1f} s")


def _check(answer: bytes, tally: Tally) -> None:
    if b"\n" in answer:
        raise Fuzzed("a line break in an answer")
    answered = json.loads(answer.decode("utf-8"), parse_constant=_no_constant)
    for each in answered if isinstance(answered, list) else [answered]:
        tally.answers += 1
        if each.keys() not in ({"jsonrpc", "result", "id"}, {"jsonrpc", "error", "id"}) or each["jsonrpc"] != "2.0":
            raise Fuzzed(f"no JSON-RPC answer: {answer!r}")
        code = each["error"]["code"] if "error" in each else 0
        tally.codes[code] = tally.codes.get(code, 0) + 1
        if code == Code.INTERNAL:
            raise Fuzzed("it failed inside")


def _no_constant(name: str) -> Any:
    raise Fuzzed(f"{name} in an answer")


async def fuzz(inputs: int, seed: int, first: int = 0, tell: Callable[[str], object] = print) -> Tally:
    """Try so many inputs.

    :raises Fuzzed: one was not taken as it should be, or something is left behind.
    """
    logging.disable(logging.CRITICAL)
    tally = Tally()
    with tempfile.TemporaryDirectory() as name:
        async with services(Path(name), MoodyCalls(random.Random(seed)), Phone()) as made:
            await _fuzz_inside(dispatcher_of(made), inputs, seed, first, tally, tell)
        await _fuzz_socket(Path(name), max(10, inputs // INPUTS_A_CONNECTION), seed, tally)
    logging.disable(logging.NOTSET)
    return tally


async def _fuzz_inside(dispatcher: Dispatcher, inputs: int, seed: int, first: int, tally: Tally, tell: Callable[[str], object]) -> None:
    tasks, settled_bytes, told_s = len(asyncio.all_tasks()), 0, time.monotonic()
    for number in range(first, first + inputs):
        chance = random.Random(f"{seed}/{number}")
        sent = Inputs(chance).next()
        try:
            await try_input(sent, dispatcher, chance, tally)
        except Exception as error:
            raise Fuzzed(f"seed {seed}, input {number}: {error!r}\n{sent[:2000]!r}") from error
        if number - first == int(SETTLED_SHARE * inputs):
            settled_bytes = used_bytes()
        if time.monotonic() - told_s > 10.0:
            told_s = time.monotonic()
            tell(f"{tally.inputs} inputs, {used_bytes() >> 20} MiB")
    if used_bytes() - settled_bytes > MOST_GROWTH_BYTES:
        raise Fuzzed(f"memory grew from {settled_bytes >> 20} to {used_bytes() >> 20} MiB")
    if len(asyncio.all_tasks()) != tasks:
        raise Fuzzed("tasks are left behind")


def used_bytes() -> int:
    """Memory of this process; the most it ever had where the system tells no more."""
    gc.collect()
    pages = Path("/proc/self/statm")
    if pages.exists():
        return int(pages.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


async def _fuzz_socket(folder: Path, connections: int, seed: int, tally: Tally) -> None:
    async with stage(folder) as standing:
        files = _open_files()
        for number in range(connections):
            await _be_rude(standing, random.Random(f"{seed}/socket/{number}"))
            tally.connections += 1
        await _all_gone(standing.server, files)


async def _be_rude(standing: Standing, chance: random.Random) -> None:
    reader, writer = await asyncio.open_unix_connection(standing.path)
    try:
        for piece in _pieces(Inputs(chance).next(), chance):
            writer.write(piece)
        match chance.randrange(3):
            case 0:
                writer.transport.abort()
            case 1:
                writer.write_eof()
                async with asyncio.timeout(GONE_WITHIN_S):
                    while await reader.read(65_536):
                        pass
            case _:
                await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def _all_gone(server: ControlServer, files: int) -> None:
    async with asyncio.timeout(GONE_WITHIN_S):
        while server._clients or _open_files() > files:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").glob("*")))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.control.fuzz", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="The number of the first input.")
    options = parser.parse_args()
    began_s, began_bytes = time.monotonic(), used_bytes()
    try:
        tally = asyncio.run(fuzz(options.inputs, options.seed, options.first))
    except Fuzzed as fuzzed:
        print(f"❌ {fuzzed}", file=sys.stderr)
        raise SystemExit(1) from None
    print(
        f"✅ {tally.inputs} inputs with {tally.messages} messages ({tally.bad_frames} of them none), {tally.answers} answers,"
        f" {tally.connections} connections in {time.monotonic() - began_s:.0f} s; the slowest took {1000 * tally.slowest_s:.1f} ms;"
        f" memory {began_bytes >> 20} → {used_bytes() >> 20} MiB"
    )
    print("   " + ", ".join(f"{Code(code).name if code else 'granted'} {count}" for code, count in sorted(tally.codes.items())))


if __name__ == "__main__":
    main()
