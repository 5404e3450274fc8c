"""What the bus is told of one conversation, apart from what the floor tells of its answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from brain.tools import ToolUse
from calls import events
from calls.turn import Turn, TurnState
from engines import Remedy, Trouble


class Reporter:
    """Puts call and time to each event. ``clock`` is the event loop's."""

    def __init__(self, bus: events.EventBus, chat_id: int, clock: Callable[[], float]) -> None:
        self._bus = bus
        self._chat_id = chat_id
        self._clock = clock

    def publish(self, event: type[events.CallEvent], **fields: Any) -> None:
        """An event of this call, now."""
        self._bus.publish(event(chat_id=self._chat_id, at_s=self._clock(), **fields))

    def turn_began(self, turn: Turn) -> None:
        """Somebody has begun to speak, has gone on with a turn that was taken to be over, or has written."""
        speaker = turn.participant
        self.publish(events.TurnBegan, turn_id=turn.turn_id, speaker=speaker.name, speaker_id=speaker.id)

    def words_so_far(self, turn: Turn, words: str) -> None:
        """The caption of a turn that may still go on; nothing without words, and nothing once the turn has ended."""
        if words and turn.state is TurnState.OPEN:
            speaker = turn.participant
            self.publish(
                events.TurnPartial,
                turn_id=turn.turn_id,
                revision=turn.revision.number,
                speaker=speaker.name,
                speaker_id=speaker.id,
                text=words,
            )

    def tool_used(self, turn: Turn, use: ToolUse, seconds: float) -> None:
        """The brain has used a tool for its answer to the turn."""
        call, result = use.call, use.result
        self.publish(
            events.ToolUsed,
            turn_id=turn.turn_id,
            tool=call.name,
            arguments=call.arguments,
            outcome=result.outcome.value,
            result=result.text,
            seconds=seconds,
        )

    def trouble(self, trouble: Trouble) -> None:
        """An engine failed, and was asked again or replaced by another."""
        told = {"part": trouble.part.value, "engine": trouble.engine, "what": trouble.what}
        if trouble.remedy is Remedy.RETRIED:
            self.publish(events.EngineRetried, **told)
        else:
            self.publish(events.EngineReplaced, **told, by=trouble.by)
