"""The pipes to the Piper program: start it, ask it for one piece after the other, notice when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Final

from errors import EngineError

PROGRAM: Final = Path(__file__).with_name("piper_program.py")
HEADER: Final = struct.Struct(">cII")
START_TIMEOUT_S: Final = 60.0
PIECE_TIMEOUT_S: Final = 30.0
"""A program that has not finished a clause by then hangs, and is killed."""
GOODBYE_S: Final = 2.0


class PiperPiece:
    """The sound of one request as it arrives, at the voice's own rate."""

    def __init__(self, piece_id: int, watchdog: asyncio.TimerHandle) -> None:
        self.id = piece_id
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._watchdog = watchdog
        self._arrived: asyncio.Queue[bytes | EngineError | None] = asyncio.Queue()

    def arrived(self, pcm: bytes) -> None:
        """More sound."""
        self._arrived.put_nowait(pcm)

    def end(self, error: EngineError | None = None) -> None:
        """No more sound will come; may be called again without effect."""
        if not self.ended.done():
            self._watchdog.cancel()
            self._arrived.put_nowait(error)
            self.ended.set_result(None)

    async def next_pcm(self) -> bytes | None:
        """The PCM of the next sentence, ``None`` after the last.

        :raises errors.EngineError: the program failed or died.
        """
        pcm = await self._arrived.get()
        if isinstance(pcm, EngineError):
            raise pcm
        return pcm


class PiperProcess:
    """One running Piper program. It works on one piece at a time; whoever asks sees to that."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._piece: PiperPiece | None = None
        self._next_id = 1
        self._pump: asyncio.Task[None] | None = None
        self.rate_hz = 0

    @classmethod
    async def start(cls, voice: Path, threads: int) -> PiperProcess:
        """Run the program and wait until its voice is loaded (1 to 4 s).

        :raises errors.EngineError: the voice can't be loaded.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", str(PROGRAM), str(voice), str(threads), stdin=PIPE, stdout=PIPE, stderr=DEVNULL
        )
        piper = cls(process)
        try:
            await asyncio.wait_for(piper._ready(voice), START_TIMEOUT_S)
        except TimeoutError:
            await piper.close()
            raise EngineError(f"The Piper voice {voice.name} was not ready within {START_TIMEOUT_S:.0f} s.") from None
        except BaseException:
            await piper.close()
            raise
        piper._pump = asyncio.create_task(piper._deliver(), name="piper frames")
        return piper

    async def _ready(self, voice: Path) -> None:
        try:
            kind, _, payload = await self._frame()
        except (asyncio.IncompleteReadError, ConnectionError):
            raise EngineError(
                f"The Piper program ended while it loaded {voice.name}.", "Is the voice file whole? bot.py engines fetch."
            ) from None
        if kind != b"R":
            raise EngineError(f"The Piper voice {voice.name} can't be loaded: {payload.decode(errors='replace')}")
        self.rate_hz = int(json.loads(payload)["rate_hz"])

    @property
    def alive(self) -> bool:
        """It can be asked for a piece."""
        return self._pump is not None and not self._pump.done()

    def ask(self, text: str, length_scale: float) -> PiperPiece:
        """Begin a piece; only when the one before has ended."""
        watchdog = asyncio.get_running_loop().call_later(PIECE_TIMEOUT_S, self._kill)
        piece = self._piece = PiperPiece(self._next_id, watchdog)
        self._next_id += 1
        self._write({"id": piece.id, "text": text, "length_scale": length_scale})
        return piece

    def cancel(self, piece: PiperPiece) -> None:
        """Nobody wants the rest of ``piece``: the program stops after the sentence it is at."""
        if not piece.ended.done():
            self._write({"cancel": piece.id})

    def _write(self, message: dict[str, object]) -> None:
        data = json.dumps(message).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(struct.pack(">I", len(data)) + data)

    async def _frame(self) -> tuple[bytes, int, bytes]:
        assert self._process.stdout is not None
        kind, piece_id, length = HEADER.unpack(await self._process.stdout.readexactly(HEADER.size))
        return kind, piece_id, await self._process.stdout.readexactly(length)

    async def _deliver(self) -> None:
        try:
            while True:
                kind, piece_id, payload = await self._frame()
                piece = self._piece
                if piece is None or piece.id != piece_id:
                    continue
                if kind == b"P":
                    piece.arrived(payload)
                else:
                    piece.end(EngineError(f"Piper can't say that: {payload.decode(errors='replace')}") if kind == b"X" else None)
        except (asyncio.IncompleteReadError, ConnectionError):
            code = await self._process.wait()
            self._end_piece(EngineError(f"The Piper program stopped (exit code {code}) while it spoke."))

    def _end_piece(self, error: EngineError) -> None:
        if self._piece is not None:
            self._piece.end(error)

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """End the program: its standard input ends, and if that does not do, it is killed."""
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.wait([self._pump])
        self._end_piece(EngineError("The voice was closed while it spoke."))
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), GOODBYE_S)
        except TimeoutError:
            self._kill()
            await self._process.wait()
