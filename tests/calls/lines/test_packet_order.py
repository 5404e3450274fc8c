"""Packets in their order, at once where that can be told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from calls.lines.packet_order import MOST_WAITING, PacketOrder


def given_on(order: PacketOrder, *numbers: int) -> list[str | None]:
    due = [payload for number in numbers for payload in order.add(number % 65_536, str(number).encode())]
    return [payload.decode() if payload is not None else None for payload in due]


def test_what_comes_in_its_turn_is_given_on_at_once() -> None:
    order = PacketOrder()
    assert [given_on(order, number) for number in (7, 8, 9)] == [["7"], ["8"], ["9"]]


def test_packets_that_changed_places_change_back() -> None:
    order = PacketOrder()
    assert given_on(order, 1, 3) == ["1"]
    assert given_on(order, 2) == ["2", "3"]
    assert order.lost == 0


def test_a_lost_packet_is_waited_for_and_then_given_up() -> None:
    order = PacketOrder()
    assert given_on(order, 1, 3, 4) == ["1"]
    assert given_on(order, 5) == [None, "3", "4", "5"]
    assert order.lost == 1
    assert given_on(order, 2) == []
    assert order.late == 1


def test_numbers_start_over() -> None:
    order = PacketOrder()
    assert given_on(order, 65_534, 65_535, 65_536, 65_537) == ["65534", "65535", "65536", "65537"]


def test_a_jump_is_a_new_beginning() -> None:
    order = PacketOrder()
    assert given_on(order, 5, 6, 20_000, 20_001) == ["5", "6", "20000", "20001"]
    assert order.lost == 0


@given(st.lists(st.integers(0, 65_535), max_size=200))
def test_whatever_comes_little_is_kept_and_no_packet_comes_twice(numbers: list[int]) -> None:
    order = PacketOrder()
    for number in numbers:
        order.add(number, b"x")
        assert len(order._waiting) < MOST_WAITING
