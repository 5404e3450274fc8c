"""Counts what happens in calls. Labels never name people or chats."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from calls import events
from calls.guest_calls import is_guest
from calls.state import Phase

SPAN_BUCKETS_S: Final = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)


class Meters:
    """Subscribe it to the bus; what it counts is collected by ``registry``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(f"parley_{name}", what, labels, registry=registry)

        def histogram(name: str, what: str, *labels: str) -> Histogram:
            return Histogram(f"parley_{name}_seconds", what, labels, buckets=SPAN_BUCKETS_S, registry=registry)

        self._joined = counter("calls_joined", "Calls that Parley got into.", "kind")
        self._left = counter("calls_left", "Calls that are over for Parley.", "kind")
        self._incoming = counter("private_calls_incoming", "Times that somebody phoned the account.")
        self._reconnects = counter("reconnects", "Connections to a call that broke and were to be restored.")
        self._turns_begun = counter("turns_begun", "Turns that participants began to speak.")
        self._turns = counter("turns", "Turns that ended: answered, interrupted, unanswered, ignored.", "outcome")
        self._ignored = counter("turns_ignored", "Turns that were heard and not answered, by why.", "reason")
        self._voice_to_voice = histogram("voice_to_voice", "From the last speech sample of a turn to the first sample of its answer.")
        self._turn_spans = histogram("turn_span", "The shares of it: endpointing, hearing, thinking, speaking, floor.", "span")
        self._barge_ins = counter("barge_ins", "Times that a participant spoke while Parley spoke: cut off, or went on.", "outcome")
        self._announcements = counter("announcements", "Texts said in calls that no turn asked for.")
        self._voice_messages = counter("voice_messages", "Voice messages that were answered, by voice or in writing.", "answer")
        self._voice_message_spans = histogram("voice_message_span", "The shares of the time to answer a voice message.", "span")
        self._engine_errors = counter(
            "engine_errors", "Troubles of engines: failed, or mended by asking again or another one.", "part", "outcome"
        )
        self._tools = counter("tools_used", "Tools used for replies.", "outcome")
        self._storage = counter("storage_failures", "Times that what happens could not be stored any more.")
        self._account = counter("account_troubles", "Times that Telegram limited the whole account.")

    def __call__(self, event: events.CallEvent) -> None:
        """Count one event."""
        match event:
            case events.CallJoined():
                self._joined.labels(_kind(event)).inc()
            case events.CallLeft():
                self._left.labels(_kind(event)).inc()
            case events.CallIncoming():
                self._incoming.inc()
            case events.PhaseChanged(phase=Phase.RECONNECTING.value):
                self._reconnects.inc()
            case events.StorageFailed():
                self._storage.inc()
            case events.AccountTrouble():
                self._account.inc()
            case _:
                self._count_talk(event)

    def _count_talk(self, event: events.CallEvent) -> None:
        match event:
            case events.TurnBegan():
                self._turns_begun.inc()
            case events.TurnIgnored(reason=reason):
                self._turns.labels("ignored").inc()
                self._ignored.labels(reason).inc()
            case events.ExchangeEnded():
                self._count_exchange(event)
            case events.Interrupted():
                self._barge_ins.labels("cut off").inc()
            case events.FalseInterruption():
                self._barge_ins.labels("went on").inc()
            case events.Announced():
                self._announcements.inc()
            case events.VoiceMessageAnswered(spoken=spoken, spans_ms=spans):
                self._voice_messages.labels("spoken" if spoken else "written").inc()
                _observe(self._voice_message_spans, spans)
            case _:
                self._count_engines(event)

    def _count_engines(self, event: events.CallEvent) -> None:
        match event:
            case events.EngineFailed(part=part):
                self._engine_errors.labels(part, "failed").inc()
            case events.EngineRetried(part=part):
                self._engine_errors.labels(part, "retried").inc()
            case events.EngineReplaced(part=part):
                self._engine_errors.labels(part, "replaced").inc()
            case events.ToolUsed(outcome=outcome):
                self._tools.labels(outcome).inc()
            case _:
                pass

    def _count_exchange(self, event: events.ExchangeEnded) -> None:
        if event.first_sound_at_s is None:
            self._turns.labels("unanswered").inc()
            return
        self._turns.labels("interrupted" if event.interrupted else "answered").inc()
        self._voice_to_voice.observe(event.first_sound_at_s - event.speech_ended_at_s)
        _observe(self._turn_spans, event.spans_ms)


def _kind(event: events.CallEvent) -> str:
    """Chats of people have positive ids, groups and channels negative ones; a guest is whoever comes by another door."""
    if is_guest(event.chat_id):
        return "guest"
    return "private" if event.chat_id > 0 else "group"


def _observe(histogram: Histogram, spans_ms: dict[str, float]) -> None:
    for span, ms in spans_ms.items():
        histogram.labels(span).observe(ms / 1000)
