"""What of the sound handed to a carrier has been heard: known from the marks that it sends back when it has played up to them."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final

MARK_EVERY_S: Final = 0.2
MOST_PACKETS: Final = 1_500
"""Of a carrier that sends no mark back, so much is remembered (30 s)."""


class FarBuffer:
    """Counts in samples of the carrier's ``rate_hz``; pure, times are given in seconds.

    Between two marks sound is taken to play at its rate, and never further than to the next mark: rather too little counts as heard.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._sent = 0
        self._marked = 0
        self._heard = 0
        self._heard_at_s = 0.0
        self._names = 0
        self._marks: OrderedDict[str, int] = OrderedDict()
        self._packets: deque[tuple[int, int]] = deque(maxlen=MOST_PACKETS)

    def hand_over(self, samples: int, spoken: int, now_s: float) -> str | None:
        """A packet leaves, of which ``spoken`` samples (of any other rate) are speech; returns the name of the mark to send after it,
        if any.

        The first packet after a silence has one, so that the time to the ear is known early.
        """
        begins = self.empty
        if begins:
            self._heard, self._heard_at_s = self._sent, now_s
        self._sent += samples
        self._packets.append((self._sent, spoken))
        return self.mark() if begins or self._sent - self._marked >= MARK_EVERY_S * self._rate_hz else None

    def mark(self) -> str | None:
        """The name of a mark to send now; ``None``: there is one already."""
        if self._marked == self._sent:
            return None
        self._names += 1
        name = str(self._names)
        self._marks[name] = self._marked = self._sent
        return name

    def echoed(self, name: str, now_s: float) -> None:
        """The carrier has played everything up to a mark. Marks of sound that was taken back are passed over."""
        if (position := self._marks.get(name)) is None:
            return
        while self._marks and next(iter(self._marks.values())) <= position:
            self._marks.popitem(last=False)
        self._heard, self._heard_at_s = position, now_s
        while self._packets and self._packets[0][0] <= position:
            self._packets.popleft()

    def take_back(self, now_s: float) -> int:
        """What has not been heard is forgotten; returns how many samples of it were speech, in the rate given to :meth:`hand_over`."""
        heard = self._heard_by(now_s)
        unheard, begin = 0.0, self._heard
        for end, spoken in self._packets:
            if end > heard:
                unheard += spoken * (end - max(begin, heard)) / (end - begin)
            begin = end
        self._packets.clear()
        self._marks.clear()
        self._heard = self._marked = self._sent
        return round(unheard)

    def _heard_by(self, now_s: float) -> float:
        furthest = next(iter(self._marks.values()), self._sent)
        return min(self._heard + (now_s - self._heard_at_s) * self._rate_hz, furthest)

    @property
    def empty(self) -> bool:
        """Everything that was handed over has been heard."""
        return self._heard == self._sent
