"""What is read off the parts of Parley that count for themselves, at the moment Prometheus asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

import drops
from calls.speculation import Speculation

Count = Callable[[], int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Live(Collector):
    """``calls`` are by kind: group, private, and the doors of guests; ``floods`` by what was asked of Telegram, ``None`` where nothing is;
    ``dropped`` by what was dropped."""

    calls: Mapping[str, Count]
    speculation: Speculation
    floods: Mapping[str, int] | None = None
    dropped: Callable[[], Mapping[str, int]] = drops.counts

    def collect(self) -> Iterator[Metric]:
        """Every metric as it stands now."""
        calls = GaugeMetricFamily("parley_calls", "Calls that Parley is in just now.", labels=["kind"])
        for kind, count_of in self.calls.items():
            calls.add_metric([kind], count_of())
        yield calls
        yield from self._speculation()
        if self.floods is not None:
            yield _floods(self.floods)
        dropped = CounterMetricFamily("parley_dropped", "What was dropped because there was too much of it.", labels=["what"])
        for what, count in self.dropped().items():
            dropped.add_metric([what], count)
        yield dropped

    def _speculation(self) -> Iterator[Metric]:
        ahead = self.speculation
        yield CounterMetricFamily("parley_speculation_begun", "Replies begun before their turn was over.", value=ahead.begun)
        yield CounterMetricFamily("parley_speculation_used", "Of these, the ones that were spoken.", value=ahead.used)
        yield CounterMetricFamily("parley_speculation_shed", "Replies not begun early because there was too much to do.", value=ahead.shed)
        if (rate := ahead.hit_rate) is not None:
            yield GaugeMetricFamily("parley_speculation_hit_ratio", "The share of replies begun early that were spoken.", value=rate)


def _floods(counts: Mapping[str, int]) -> Metric:
    floods = CounterMetricFamily("parley_flood_waits", "Times that Telegram asked to be left alone for a while.", labels=["request"])
    for request, count in counts.items():
        floods.add_metric([request], count)
    return floods
