"""Configuration that clients ask for when they connect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from telethon.tl import functions as f
from telethon.tl import types as t

from loopback.mtproto.session import HOME_DC
from loopback.mtproto.wire import Tl
from loopback.world.messages import EDIT_LIMIT_S, MAX_CAPTION, MAX_TEXT
from loopback.world.registry import Caller, answers

DCS: Final = range(1, 6)
CONFIG_VALID_S: Final = 3600


class Service:
    """All DCs are this one; ``address`` gives its host and port."""

    def __init__(self, address: Callable[[], tuple[str, int]], now: Callable[[], float]) -> None:
        self._address = address
        self._now = now

    @answers(f.help.GetConfigRequest)
    def config(self, caller: Caller, request: Tl) -> Tl:
        """``help.getConfig``."""
        host, port = self._address()
        now = int(self._now())
        return t.Config(
            date=now,
            expires=now + CONFIG_VALID_S,
            test_mode=False,
            this_dc=HOME_DC,
            dc_options=[t.DcOption(dc, host, port) for dc in DCS],
            caption_length_max=MAX_CAPTION,
            message_length_max=MAX_TEXT,
            edit_time_limit=EDIT_LIMIT_S,
            **_PUBLISHED,
        )

    @answers(f.help.GetNearestDcRequest)
    def nearest_dc(self, caller: Caller, request: Tl) -> Tl:
        """``help.getNearestDc``."""
        return t.NearestDc("US", HOME_DC, HOME_DC)

    @answers(f.help.GetAppConfigRequest)
    def app_config(self, caller: Caller, request: Tl) -> Tl:
        """``help.getAppConfig``: empty."""
        return t.help.AppConfig(0, t.JsonObject([]))


_PUBLISHED: Final[dict[str, Tl]] = {
    "dc_txt_domain_name": "",
    "chat_size_max": 200,
    "megagroup_size_max": 200_000,
    "forwarded_count_max": 100,
    "online_update_period_ms": 210_000,
    "offline_blur_timeout_ms": 5_000,
    "offline_idle_timeout_ms": 30_000,
    "online_cloud_timeout_ms": 300_000,
    "notify_cloud_delay_ms": 30_000,
    "notify_default_delay_ms": 1_500,
    "push_chat_period_ms": 60_000,
    "push_chat_limit": 2,
    "revoke_time_limit": 172_800,
    "revoke_pm_time_limit": 172_800,
    "rating_e_decay": 2_419_200,
    "stickers_recent_limit": 200,
    "channels_read_media_period": 604_800,
    "call_receive_timeout_ms": 20_000,
    "call_ring_timeout_ms": 90_000,
    "call_connect_timeout_ms": 30_000,
    "call_packet_timeout_ms": 10_000,
    "me_url_prefix": "https://t.me/",
    "webfile_dc_id": HOME_DC,
}
"""The figures of the example in https://core.telegram.org/constructor/config."""
