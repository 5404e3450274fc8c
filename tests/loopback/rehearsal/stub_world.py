"""A world and a bot's process that note what is asked of them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from errors import ParleyError


@dataclass
class StubWorld:
    done: list[str] = field(default_factory=list)
    in_call: set[str] = field(default_factory=set)
    asked: dict[str, list[float]] = field(default_factory=dict)
    """The times of requests by method."""
    on_act: Callable[[str], None] = lambda _: None

    def act(self, text: str) -> None:
        self.done.append(text)
        self.on_act(text)

    def end_voice_chat(self, chat: str, by: str) -> None:
        self.act(f"{by} ends {chat}")

    def schedule_voice_chat(self, chat: str, by: str, in_s: int) -> None:
        self.act(f"{by} announces {chat} in {in_s}")

    def start_scheduled(self, chat: str, by: str) -> None:
        raise ParleyError(f"{chat} has no voice chat.", "Announce one.")

    def kick_bot(self, chat: str, by: str) -> None:
        self.act(f"{by} kicks in {chat}")

    def add_bot(self, chat: str, by: str) -> None:
        self.act(f"{by} adds in {chat}")

    def mute_bot(self, chat: str, muted: bool) -> None:
        self.act(f"muted {muted} in {chat}")

    def drop_bot(self, chat: str) -> None:
        self.act(f"dropped in {chat}")

    def crowd(self, chat: str, size: int) -> None:
        self.act(f"crowd of {size} in {chat}")

    async def begin_outage(self, for_all: bool) -> None:
        self.act(f"outage begins {for_all}")

    async def end_outage(self, for_all: bool) -> None:
        self.act(f"outage ends {for_all}")

    def fault(self, name: str, chat: str | None, *, seconds: int | None, method: str | None, times: int | None) -> None:
        self.act(f"{name} {chat} {seconds} {method} {times}")

    def lift_faults(self) -> None:
        self.act("lifted")

    def set_anonymous(self, chat: str, who: str, on: bool) -> None:
        self.act(f"{who} anonymous {on} in {chat}")

    def bot_in_call(self, chat: str) -> bool:
        return chat in self.in_call

    def bot_dies(self) -> None:
        self.in_call.clear()

    def requests(self, method: str, since_s: float) -> int:
        return len([at_s for at_s in self.asked.get(method, ()) if at_s >= since_s])

    def now(self) -> float:
        return asyncio.get_running_loop().time()


@dataclass
class StubControl:
    done: list[str] = field(default_factory=list)
    comes_back: bool = True

    async def stop(self, signal_name: str = "SIGTERM") -> None:
        self.done.append(f"stop {signal_name}")

    async def start(self) -> None:
        self.done.append("start")

    def crash(self, signal_name: str) -> None:
        self.done.append(f"crash {signal_name}")

    async def ready_again(self, within_s: float) -> None:
        if not self.comes_back:
            raise ParleyError("It is gone.")
