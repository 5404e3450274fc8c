"""The browser's line, called by a WebRTC peer in the same process: sound both ways, messages, a new connection, an absent caller."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack
from av import AudioFrame

from audio.pcm import HEARING_FRAME_BYTES, peak
from audio.playout import PlayingClause, Playout
from calls.errors import CallError
from calls.lines import AttendanceKnown, LineEvent, LineHungUp, Participant, ParticipantJoined
from calls.lines import browser as browser_line
from calls.lines.browser import BrowserLine
from calls.lines.browser_peer import MOST_OFFER_BYTES, OfferRefused
from calls.lines.pacer import Pacer
from tests.calls.stage import tone
from tests.calls.waiting import until

CALLER = Participant(-1, "Guest")


@dataclass
class Page:
    """What a page is to the line."""

    peer: RTCPeerConnection = field(default_factory=lambda: RTCPeerConnection(RTCConfiguration(iceServers=[])))
    told: list[str] = field(default_factory=list)
    loud: asyncio.Event = field(default_factory=asyncio.Event)
    listening: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.channel: RTCDataChannel = self.peer.createDataChannel("captions")
        self.channel.on("message", self.told.append)
        self.peer.on("track", self._listen)

    def _listen(self, track: MediaStreamTrack) -> None:
        async def listen() -> None:
            while True:
                frame = await track.recv()
                assert isinstance(frame, AudioFrame)
                if abs(frame.to_ndarray().astype(int)).max() > 1000:
                    self.loud.set()

        self.listening = asyncio.create_task(listen())

    async def offer(self, *, speaks: bool = True) -> str:
        if speaks:
            self.peer.addTrack(AudioStreamTrack())
        else:
            self.peer.addTransceiver("audio", direction="recvonly")
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return str(self.peer.localDescription.sdp)

    async def connect(self, line: BrowserLine, *, speaks: bool = True) -> None:
        answer = await line.answer(await self.offer(speaks=speaks))
        await self.peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def close(self) -> None:
        if self.listening is not None:
            self.listening.cancel()
            await asyncio.gather(self.listening, return_exceptions=True)
        await self.peer.close()


@dataclass
class Called:
    line: BrowserLine
    page: Page
    playout: Playout
    frames: list[bytes] = field(default_factory=list)
    happened: list[LineEvent] = field(default_factory=list)

    def hear(self, participant: Participant, frame: bytes) -> None:
        assert participant == CALLER
        self.frames.append(frame)


@contextlib.asynccontextmanager
async def called(*, speaks: bool = True) -> AsyncIterator[Called]:
    loop = asyncio.get_running_loop()
    call = Called(BrowserLine(CALLER, [], Pacer()), Page(), Playout(loop.time))
    try:
        await call.page.connect(call.line, speaks=speaks)
        await call.line.open(call.hear, call.playout)

        async def follow() -> None:
            async for event in call.line.events():
                call.happened.append(event)

        following = asyncio.create_task(follow())
        yield call
        await call.line.close()
        await following
    finally:
        await call.line.close()
        await call.page.close()


async def test_sound_goes_both_ways_and_messages_too() -> None:
    async with called() as call:
        told: list[str] = []
        call.line.on_message = told.append
        clause = PlayingClause("Hello.", 1)
        clause.append(tone(0.5))
        clause.finish()
        call.playout.say(clause)
        await until(lambda: len(call.frames) > 20 and call.page.loud.is_set() and call.page.channel.readyState == "open")
        assert {len(frame) for frame in call.frames} == {HEARING_FRAME_BYTES}
        await until(lambda: call.line.send("to the page"))
        call.page.channel.send("to Parley")
        await until(lambda: told and call.page.told)
        assert (told, call.page.told) == (["to Parley"], ["to the page"])
        assert call.happened == [ParticipantJoined(CALLER), AttendanceKnown()]
        call.line.hang_up()
        await until(lambda: LineHungUp() in call.happened)


async def test_a_new_connection_takes_the_place_of_the_old_one() -> None:
    async with called() as call:
        await until(lambda: call.frames)
        second = Page()
        try:
            await second.connect(call.line)
            await until(lambda: second.channel.readyState == "open" and call.page.peer.connectionState == "closed")
            heard = len(call.frames)
            await until(lambda: len(call.frames) > heard + 10)
            await until(lambda: call.line.send("still here"))
            await until(lambda: second.told == ["still here"])
            assert not any(isinstance(event, LineHungUp) for event in call.happened)
        finally:
            await second.close()


async def test_an_absent_caller_misses_nothing_and_has_left_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_line, "PRESENT_S", 0.3)
    monkeypatch.setattr(browser_line, "RETURN_S", 1.0)
    async with called(speaks=False) as call:
        await until(lambda: not call.line.present)
        clause = PlayingClause("Are you there?", 1)
        clause.append(tone(0.5))
        clause.finish()
        call.playout.say(clause)
        await until(lambda: any(isinstance(event, LineHungUp) for event in call.happened))
        assert clause.played == 0
        assert call.happened[-1] == LineHungUp("The connection with the browser was lost.", "browser.lost")


async def test_who_only_listens_is_heard_of_by_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_line, "PRESENT_S", 0.3)
    async with called(speaks=False) as call:
        await until(lambda: not call.line.present and call.page.channel.readyState == "open")

        def present_after_a_ping() -> bool:
            call.page.channel.send('{"type":"ping"}')
            return call.line.present

        await until(present_after_a_ping)
        assert not call.frames or peak(call.frames[0]) == 0


async def test_no_connection_is_told_in_plain_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_line, "CONNECT_S", 0.05)
    line, page = BrowserLine(CALLER, [], Pacer()), Page()
    try:
        await line.answer(await page.offer())
        with pytest.raises(CallError, match="No sound connection with the browser came about"):
            await line.open(lambda _who, _frame: None, Playout(asyncio.get_running_loop().time))
        with pytest.raises(CallError, match="The call is over"):
            await line.answer("v=0")
    finally:
        await page.close()


@pytest.mark.parametrize(
    "offer",
    ["", "nonsense", "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n", "m=audio 1\n" * 3, "x" * (MOST_OFFER_BYTES + 1), "v=0\r\nm=audio x\r\n"],
)
async def test_offers_that_make_no_sense_are_refused(offer: str) -> None:
    line = BrowserLine(CALLER, [], Pacer())
    with pytest.raises(OfferRefused):
        await line.answer(offer)
    await line.close()


async def test_candidates_that_make_no_sense_are_passed_over() -> None:
    line, page = BrowserLine(CALLER, [], Pacer()), Page()
    await line.add_candidate({"candidate": "candidate:1"})
    await line.answer(await page.offer())
    for candidate in ({}, {"candidate": "x"}, {"candidate": 7, "sdpMid": "0"}, {"candidate": "candidate:1 1 udp 1 10.0.0.1 x typ host"}):
        await line.add_candidate(candidate)
    await line.close()
    await page.close()


async def test_who_hangs_up_before_the_connection_stands_is_not_waited_for() -> None:
    line, page = BrowserLine(CALLER, [], Pacer()), Page()
    try:
        await line.answer(await page.offer())
        opening = asyncio.create_task(line.open(lambda _who, _frame: None, Playout(asyncio.get_running_loop().time)))
        await asyncio.sleep(0)
        line.hang_up()
        with pytest.raises(CallError, match="The call is over"):
            await opening
    finally:
        await page.close()
