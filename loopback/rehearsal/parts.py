"""The parts of a script beside its steps: people, chats and voices."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

from loopback.world.chats import ChatKind

Right = Literal["admin", "admin_without_calls", "member", "none"]
"""``admin_without_calls`` may do what an admin does but manage voice chats; ``none`` is not in the chat."""
RIGHTS: Final[tuple[Right, ...]] = get_args(Right)


class Part(BaseModel):
    """A part of a script: no unknown keys, no values of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, strict=True)

    @classmethod
    def known_keys(cls) -> list[str]:
        """The keys as they are written in a script."""
        return [field.alias or name for name, field in cls.model_fields.items() if not field.exclude]


class VoiceSettings(Part):
    """How a person sounds. ``pitch`` 1.1 is ten per cent higher (and shorter) than the voice engine's own voice."""

    pitch: Annotated[float, Field(ge=0.7, le=1.4, strict=False)] = 1.0
    rate_percent: Annotated[int, Field(ge=-50, le=100)] = 0


class PersonSettings(Part):
    """One right in every chat, or one for each chat by its name. Without ``voice`` each person gets one of their own."""

    rights: Right | dict[str, Right] = "member"
    voice: VoiceSettings | None = None

    @field_validator("rights", mode="plain")
    @classmethod
    def _known_rights(cls, rights: Any) -> Any:
        for right in rights.values() if isinstance(rights, dict) else [rights]:
            if right not in RIGHTS:
                known = ", ".join(repr(name) for name in RIGHTS[:-1])
                raise ValueError(f"`rights` is {right!r}: input should be {known} or {RIGHTS[-1]!r}")
        return rights

    def right_in(self, chat: str) -> Right:
        """The right in one chat; who has rights by chat is not in those that are not named."""
        return self.rights.get(chat, "none") if isinstance(self.rights, dict) else self.rights


class ChatSettings(Part):
    """A chat: what kind it is, and what the bot is in it. ``slow_mode`` is seconds between two messages of a member."""

    kind: Literal["supergroup", "group", "channel"] = "supergroup"
    bot: Literal["member", "admin", "absent"] = "member"
    slow_mode: Annotated[int, Field(ge=0, le=3600)] = 0
    username: Annotated[str, Field(pattern=r"^[A-Za-z]\w{3,30}$")] | None = None

    @property
    def chat_kind(self) -> ChatKind:
        """The kind as the loopback Telegram names it."""
        return ChatKind(self.kind)
