"""The control socket put together: every method, the dispatcher, the server."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable

from calls.events import EventBus
from config import Settings
from control.appointment_methods import AppointmentMethods
from control.call_methods import CallMethods
from control.jsonrpc import Dispatcher
from control.link_methods import LinkMethods
from control.methods import ServiceMethods
from control.openrpc import discover
from control.phone_methods import PhoneMethods
from control.services import ControlServices
from control.socket_file import InUse, socket_path
from control.socket_server import ControlServer

log = logging.getLogger(__name__)


def dispatcher_of(services: ControlServices) -> Dispatcher:
    """Answers every method there is."""
    families = (
        ServiceMethods(services),
        CallMethods(services),
        LinkMethods(services),
        PhoneMethods(services),
        AppointmentMethods(services),
    )
    methods = [method for family in families for method in family.methods()]
    return Dispatcher([*methods, discover(methods)])


@contextlib.asynccontextmanager
async def controlled(settings: Settings, services: ControlServices, bus: EventBus) -> AsyncIterator[Callable[[int], bool]]:
    """Other programs can control Parley inside. Where another Parley has the place that nobody has chosen, it works without that.

    Gives what tells whether one of them may want to answer somebody's call (:meth:`control.socket_server.ControlServer.attended`).

    :raises control.socket_file.SocketError: nothing can be listened to at CONTROL_SOCKET.
    """
    async with contextlib.AsyncExitStack() as stack:
        server = None
        if (path := socket_path(settings)) is not None:
            try:
                server = await stack.enter_async_context(ControlServer(path, dispatcher_of(services), bus))
            except InUse as in_use:
                if settings.control_socket is not None:
                    raise
                log.warning("%s Until then this one cannot be controlled by other programs.", in_use)
        yield lambda user_id: server is not None and server.attended(user_id)
