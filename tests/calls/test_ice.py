"""The servers that help a browser and Parley find each other."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from calls.ice import CREDENTIALS_S, IceServers, ice_servers
from config import load_settings
from errors import SettingsError


def test_on_one_machine_none_is_needed() -> None:
    assert IceServers().for_us(0) == []
    assert IceServers().for_page(0) == []


def test_each_call_has_credentials_of_its_own_for_a_limited_time() -> None:
    servers = IceServers("stun:s.example.org:3478", "turn:t.example.org:3478", "shared")
    stun, turn = servers.for_page(1000.0)
    assert stun == {"urls": "stun:s.example.org:3478"}
    until, _, name = turn["username"].partition(":")
    assert int(until) == 1000 + CREDENTIALS_S
    assert name
    digest = hmac.new(b"shared", turn["username"].encode(), hashlib.sha1).digest()
    assert turn["credential"] == base64.b64encode(digest).decode()
    assert servers.for_page(1000.0)[1]["username"] != turn["username"]
    assert [server.urls for server in servers.for_us(0)] == ["stun:s.example.org:3478", "turn:t.example.org:3478"]


def test_they_come_from_the_settings() -> None:
    assert ice_servers(load_settings(None)) == IceServers()
    given = load_settings(None, ice_stun="stun:a:1", ice_turn="turn:b:2", ice_turn_secret="c")
    assert ice_servers(given) == IceServers("stun:a:1", "turn:b:2", "c")
    with pytest.raises(SettingsError, match="ICE_TURN"):
        load_settings(None, ice_turn="http://b")
    with pytest.raises(SettingsError, match="ICE_TURN_SECRET is not"):
        ice_servers(load_settings(None, ice_turn="turn:b:2"))
