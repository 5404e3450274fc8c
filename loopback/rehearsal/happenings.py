"""What happens in a step without anybody doing it: crowds, outages, faults, crashes and restarts of the bot."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from loopback.rehearsal.cast import BotControl, Chronicle, World
from loopback.rehearsal.people_acts import Act
from loopback.rehearsal.script import Script
from loopback.rehearsal.step import Step


@dataclass(slots=True)
class Happenings:
    """``counting_since_s`` is the server's time since when requests are counted."""

    script: Script
    world: World
    bot: BotControl
    chronicle: Chronicle
    counting_since_s: float = 0.0
    under_way: list[asyncio.Task[None]] = field(default_factory=list)
    """Outages that go on meanwhile."""

    def table(self) -> dict[str, Act]:
        """The actions by their key."""
        return {
            "wait": self._wait,
            "drop_bot": self._drop_bot,
            "crowd": self._crowd,
            "outage": self._outage,
            "flood": self._flood,
            "fault": self._fault,
            "lift_faults": self._lift_faults,
            "restart_bot": self._restart_bot,
            "crash_bot": self._crash_bot,
            "stop_bot": self._stop_bot,
            "start_bot": self._start_bot,
            "count_requests": self._count_requests,
        }

    async def _wait(self, _: int, step: Step) -> None:
        await asyncio.sleep(step.wait or 0.0)

    async def _drop_bot(self, _: int, step: Step) -> None:
        self.chronicle.note("The server takes the bot out of the voice chat")
        self.world.drop_bot(self.script.place_of(step))

    async def _crowd(self, _: int, step: Step) -> None:
        assert step.crowd is not None
        self.world.crowd(self.script.place_of(step), step.crowd)
        self.chronicle.note(f"{step.crowd} {'guest is' if step.crowd == 1 else 'guests are'} in the voice chat")

    # ---- the network

    async def _outage(self, _: int, step: Step) -> None:
        assert step.outage is not None
        for_all = bool(step.for_all)
        self.chronicle.note(f"{'Telegram is away' if for_all else 'The network of the bot fails'} for {step.outage:g} s")
        await self.world.begin_outage(for_all)
        rest = asyncio.create_task(self._until_over(step.outage, for_all))
        if step.meanwhile:
            self.under_way.append(rest)
            await asyncio.sleep(0)
        else:
            await rest

    async def _until_over(self, seconds: float, for_all: bool) -> None:
        try:
            await asyncio.sleep(seconds)
        finally:
            await self.world.end_outage(for_all)
            self.chronicle.note("The network is back")

    async def _flood(self, _: int, step: Step) -> None:
        assert step.flood is not None
        self.chronicle.note(f"Telegram wants no {step.flood} of the bot for {step.seconds} s")
        self.world.fault("flood", step.chat, seconds=step.seconds, method=step.flood, times=None)

    async def _fault(self, _: int, step: Step) -> None:
        assert step.fault is not None
        self.chronicle.note(f"From now on: {step.fault}{f' in {step.chat}' if step.chat else ''}")
        self.world.fault(step.fault, step.chat, seconds=step.seconds, method=step.method, times=step.times)

    async def _lift_faults(self, _: int, step: Step) -> None:
        self.chronicle.note("Nothing fails any more")
        self.world.lift_faults()

    async def _count_requests(self, _: int, step: Step) -> None:
        self.counting_since_s = self.world.now()

    # ---- the bot's process

    async def _restart_bot(self, _: int, step: Step) -> None:
        assert step.restart_bot is not None
        self.chronicle.note(f"The bot is ended with {step.restart_bot} and started again")
        if step.restart_bot == "SIGKILL":
            self.world.bot_dies()
        await self.bot.stop(step.restart_bot)
        await self.bot.start()
        self.chronicle.note("The bot is ready")

    async def _crash_bot(self, _: int, step: Step) -> None:
        assert step.crash_bot is not None
        self.chronicle.note(f"The process in the calls gets {step.crash_bot}")
        self.bot.crash(step.crash_bot)
        self.world.bot_dies()

    async def _stop_bot(self, _: int, step: Step) -> None:
        self.chronicle.note("The bot is stopped")
        await self.bot.stop()

    async def _start_bot(self, _: int, step: Step) -> None:
        self.chronicle.note("The bot is started")
        await self.bot.start()
        self.chronicle.note("The bot is ready")
