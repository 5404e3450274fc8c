"""Parley at work, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging

from calls.telegram.client import TelegramAccount, create_client
from config import Settings
from errors import EXIT_RESTART
from handlers.notices import Notices
from heartbeat import Heart
from service.account import account_at_work
from service.all_calls import all_calls
from service.chats import chats
from service.doors import doors
from service.foundation import foundation

log = logging.getLogger(__name__)


async def serve(settings: Settings, heart: Heart | None = None) -> int:
    """Work until SIGINT, SIGTERM or ``/restart``; every call is left before this returns the exit code.

    The code is 0, or after ``/restart`` :data:`errors.EXIT_RESTART`: whoever supervises the program starts it again, and listens to
    ``heart`` meanwhile.

    :raises errors.ParleyError: it cannot work: settings, session, models, network, disk. In a group with others if several things fail.
    """
    heart = heart if heart is not None else Heart()
    create_client(settings).session.close()
    restart = asyncio.Event()
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(heart.beating())
        base = await stack.enter_async_context(foundation(settings))

        def begin_anew() -> None:
            restart.set()
            base.stop.set()

        at_work = await stack.enter_async_context(account_at_work(base, heart))
        calls = await stack.enter_async_context(all_calls(base, at_work))
        talk = await stack.enter_async_context(chats(base, at_work, calls, begin_anew))
        await stack.enter_async_context(doors(base, at_work, calls, talk))
        _keep_for_good()
        heart.ready()
        log.info("Parley is ready: send /joincall in a group with a voice chat.")
        await _until_stopped(base.stop, at_work.account, talk.notices)
        log.info("Parley stops and leaves %d calls.", len(calls.manager.active))
        await calls.drain()
    return EXIT_RESTART if restart.is_set() else 0


def _keep_for_good() -> None:
    """What has been loaded stays until the end: looking through it for garbage would stop all calls for 50 ms, every now and then."""
    gc.collect()
    gc.freeze()


async def _until_stopped(stop: asyncio.Event, account: TelegramAccount, notices: Notices) -> None:
    async with asyncio.TaskGroup() as group:
        telling = group.create_task(notices.run())
        losing = group.create_task(account.until_lost())
        await stop.wait()
        telling.cancel()
        losing.cancel()
