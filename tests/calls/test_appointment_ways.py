"""How the calls of appointments are made, and what they are told of their purpose."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from calls import errors
from calls.appointment_ways import ByGroup, ByLink
from calls.appointment_wishes import MOST_CHARACTERS, checked, written
from calls.errors import CallError
from calls.invite_links import InviteLink
from calls.manners import Manners
from calls.occasions import USUAL, Occasion
from errors import ParleyError
from storage.appointments import Appointment, Method
from storage.invites import Invite

CHAT = -1001
OCCASION = Occasion("Good morning!", "Ask how they slept.", 300.0)
WISH = Appointment(chat_id=CHAT, method=Method.GROUP, id=3, title="Book club", created_by=5)


@dataclass
class Calls:
    """Voice chats that are only noted."""

    is_in: bool = False
    refusal: CallError | None = None
    done: list[tuple[object, ...]] = field(default_factory=list)

    async def join(self, chat_id: int, title: str, requested_by: int, *, occasion: Occasion = USUAL) -> None:
        if self.refusal:
            raise self.refusal
        self.done.append(("join", chat_id, title, requested_by, occasion))

    async def leave(self, chat_id: int, by_hand: bool = True) -> bool:
        self.done.append(("leave", chat_id, by_hand))
        return True

    async def take_up(self, chat_id: int, occasion: Occasion) -> None:
        self.done.append(("take up", chat_id, occasion))

    def call(self, chat_id: int) -> object | None:
        return self if self.is_in else None


@dataclass
class Place:
    calls: Calls = field(default_factory=Calls)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.way = ByGroup(self.calls, self._tell)

    async def _tell(self, _chat_id: int, key: str, /, **_fields: object) -> bool:
        self.told.append(key)
        return True


def test_an_occasion_changes_how_a_call_is_conducted_and_the_usual_one_does_not() -> None:
    usual = Manners(welcome="Hi.", instructions="You are Parley.", longest_call_s=3600.0)
    then = OCCASION.applied(usual)
    assert (then.welcome, then.instructions, then.longest_call_s) == ("Good morning!", "You are Parley. Ask how they slept.", 300.0)
    assert USUAL.applied(usual) == usual


async def test_a_voice_chat_is_joined_on_its_occasion() -> None:
    place = Place()
    await place.way(WISH, OCCASION)
    assert place.calls.done == [("join", CHAT, "Book club", 5, OCCASION)]
    assert place.told == ["appointment.joined"]


async def test_where_it_is_in_the_call_that_goes_on_on_the_occasion() -> None:
    place = Place(Calls(is_in=True))
    await place.way(WISH, OCCASION)
    assert place.calls.done == [("take up", CHAT, OCCASION)]
    assert place.told == []


@pytest.mark.parametrize("scheduled", [False, True])
async def test_what_cannot_be_joined_is_told(scheduled: bool) -> None:
    """A voice chat that begins later is not joined then: the appointment is tried again, or over."""
    refusal = CallError("It starts later.", key=errors.SCHEDULED) if scheduled else errors.of(errors.NO_VOICE_CHAT)
    place = Place(Calls(refusal=refusal))
    with pytest.raises(CallError):
        await place.way(WISH, OCCASION)
    assert place.calls.done == ([("leave", CHAT, False)] if scheduled else [])
    assert place.told == []


async def test_a_link_brings_the_purpose_and_has_to_arrive() -> None:
    invites: list[Invite] = []
    sent: list[str] = []

    class Links:
        async def create(self, invite: Invite, by: int = 0) -> InviteLink:
            invites.append(invite)
            return InviteLink("https://parley.example.org/call#x", 600.0)

    async def tell(_appointment: Appointment, url: str) -> bool:
        sent.append(url)
        return len(sent) > 1

    way = ByLink(Links(), tell)
    with pytest.raises(CallError) as refusal:
        await way(WISH, OCCASION)
    assert refusal.value.key == "appointment.not_written"
    await way(WISH, OCCASION)
    assert invites[-1] == Invite(chat_id=CHAT, longest_s=300.0, opening="Good morning!", purpose="Ask how they slept.")


@pytest.mark.parametrize(
    ("wish", "key"),
    [
        (Appointment(chat_id=5, method=Method.GROUP), "call_error.no_group"),
        (Appointment(chat_id=5, method=Method.PRIVATE, target="ann"), "appointment.nobody"),
        (Appointment(chat_id=5, method=Method.BROWSER, target="@ann"), "appointment.nobody"),
        (Appointment(chat_id=-5, method=Method.GROUP, opening="x" * (MOST_CHARACTERS + 1)), "appointment.too_long"),
    ],
)
def test_what_cannot_be_called_is_refused(wish: Appointment, key: str) -> None:
    with pytest.raises(ParleyError) as refusal:
        checked(wish)
    assert refusal.value.key == key


def test_a_number_is_kept_as_carriers_want_it() -> None:
    assert checked(Appointment(chat_id=5, method=Method.PHONE, target="+34 612-345-678")).target == "+34612345678"


def test_when_is_written_as_it_is_read() -> None:
    assert written(Appointment(chat_id=5, method=Method.GROUP, days="mon,wed", time_of_day="09:00")) == "mon,wed 09:00"
    once = Appointment(chat_id=5, method=Method.GROUP, once_at=1_700_000_000.0, time_zone="Europe/Madrid")
    assert written(once) == "2023-11-14 23:13"
