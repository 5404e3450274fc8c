"""Model files from the model hub, over HTTP; a broken transfer goes on where it stopped, in this run or the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

import aiohttp

from models.catalogue import Model, ModelFile
from models.source import Meter, SourceFailed, adopt, part_of

ANSWER_TIMEOUT_S: Final = 8.0
STALL_TIMEOUT_S: Final = 30.0
CHUNK_BYTES: Final = 1 << 20
ATTEMPTS: Final = 4


class _Interrupted(Exception):
    """The transfer broke off; what came before it is kept."""


@dataclass
class Hub:
    """The hub at ``url``. One that could not be reached once is not asked again."""

    url: str
    answer_timeout_s: float = ANSWER_TIMEOUT_S
    _unreachable: str = field(default="", init=False)

    async def bring(self, model: Model, wanted: Sequence[ModelFile], folder: Path, meter: Meter) -> None:
        """Fetch the files one by one; see `Source.bring`."""
        timeout = aiohttp.ClientTimeout(total=None, sock_read=STALL_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True, headers={"Accept-Encoding": "identity"}) as session:
            for file in wanted:
                try:
                    await self._gather(session, f"{self.url.rstrip('/')}/{model.hub.path_of(file)}", part_of(folder, file), file, meter)
                finally:
                    meter.end()
                await asyncio.to_thread(adopt, folder, file, self.url)

    async def _gather(self, session: aiohttp.ClientSession, url: str, part: Path, file: ModelFile, meter: Meter) -> None:
        for _ in range(ATTEMPTS):
            try:
                return await self._continue(session, url, part, file, meter)
            except _Interrupted as interrupted:
                reason = str(interrupted)
        raise SourceFailed(f"the transfer of {file.name} from {self.url} broke off {ATTEMPTS} times ({reason})")

    async def _continue(self, session: aiohttp.ClientSession, url: str, part: Path, file: ModelFile, meter: Meter) -> None:
        done = _size_of(part)
        if done == file.size:
            return
        async with self._answer(session, url, done if done < file.size else 0) as response:
            resumed = response.status == 206
            meter.begin(f"{file.name} from the hub", file.size)
            with part.open("ab" if resumed else "wb") as output:
                await _store(response, output, done if resumed else 0, file, meter)

    @asynccontextmanager
    async def _answer(self, session: aiohttp.ClientSession, url: str, start: int) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._unreachable:
            raise SourceFailed(self._unreachable)
        try:
            async with asyncio.timeout(self.answer_timeout_s):
                response = await session.get(url, headers={"Range": f"bytes={start}-"} if start else {})
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self._unreachable = f"the model hub {self.url} cannot be reached ({_reason(error)})"
            raise SourceFailed(self._unreachable) from None
        async with response:
            if response.status not in (200, 206):
                raise SourceFailed(f"the model hub answers {response.status} for {url}")
            yield response


def _size_of(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


async def _store(response: aiohttp.ClientResponse, output: BinaryIO, done: int, file: ModelFile, meter: Meter) -> None:
    try:
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            done += len(chunk)
            if done > file.size:
                raise SourceFailed(f"{file.name} on the model hub is larger than the catalogue says")
            await asyncio.to_thread(output.write, chunk)
            meter.reach(done)
    except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
        raise _Interrupted(_reason(error)) from None
    if done < file.size:
        raise _Interrupted("it ended early")


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or str(error.os_error) or "no connection"
    return str(error) or type(error).__name__
