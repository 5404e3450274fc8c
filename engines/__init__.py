"""What engines of every kind have in common: whom to ask first, when to ask again, and who is told when one was in trouble."""

from __future__ import annotations

from engines.hedging import Refused, first_of_two, hedged, retry_after_s
from engines.order import EngineOrder
from engines.troubles import Part, Remedy, Trouble, listen_to_troubles, tell_of_trouble

__all__ = [
    "EngineOrder",
    "Part",
    "Refused",
    "Remedy",
    "Trouble",
    "first_of_two",
    "hedged",
    "listen_to_troubles",
    "retry_after_s",
    "tell_of_trouble",
]
