"""The unix socket as a file: where it is, whose it is, and whether somebody listens there already."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import stat
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from config import Settings
from errors import EXIT_SETTINGS, ParleyError

FILE_NAME: Final = "telegram-voicechat.sock"
OFF: Final = Path("none")
LONGEST_PATH: Final = 103
"""Bytes of a path that every system takes (Linux 107, macOS and the BSDs 103)."""
BACKLOG: Final = 64
PRIVATE: Final = 0o600
ONE_AT_A_TIME_S: Final = 1.0
PROBE_S: Final = 1.0
_ANOTHER_PLACE: Final = "Set CONTROL_SOCKET to a path in a folder of your own, or to none."
_PEER_ON_LINUX: Final = struct.Struct("3i")  # struct ucred of unix(7): pid, uid, gid
_PEER_ELSEWHERE: Final = struct.Struct("=2I")  # the beginning of struct xucred: version, uid
_LOCAL_PEERCRED: Final = 1


class SocketError(ParleyError):
    """Nothing can be listened to there; the text says why."""

    exit_code = EXIT_SETTINGS


class InUse(SocketError):
    """Another program listens there."""


def socket_path(settings: Settings) -> Path | None:
    """Where the socket is; ``None``: there shall be none.

    Without CONTROL_SOCKET it is in XDG_RUNTIME_DIR, else in /run/user/UID, and where there is neither in DATA_DIR.
    """
    if settings.control_socket is not None:
        return None if settings.control_socket == OFF else settings.control_socket
    folders = (Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"), Path(f"/run/user/{os.getuid()}"))
    return next((folder for folder in folders if folder.is_dir()), settings.data_dir) / FILE_NAME


def listening(path: Path) -> socket.socket:
    """A socket at ``path`` that listens and that only its owner may connect to, from the first moment. A dead one is replaced.

    Takes up to two seconds, while another program makes one in the same folder or is asked whether it lives: not for the event loop.

    :raises InUse: a program listens there; it is named where the system tells.
    :raises SocketError: it cannot be made there.
    """
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise SocketError(f"The path of the control socket is too long ({path}): at most {LONGEST_PATH} bytes.", _ANOTHER_PLACE)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _one_at_a_time(path.parent):
            _clear(path)
            return _bound(path)
    except OSError as error:
        raise SocketError(f"The control socket {path} cannot be made: {os.strerror(error.errno or 0)}.", _ANOTHER_PLACE) from error


def remove(path: Path, made: os.stat_result) -> None:
    """Take the socket away again, unless it is another than was ``made``."""
    with contextlib.suppress(OSError):
        there = path.lstat()
        if (there.st_dev, there.st_ino) == (made.st_dev, made.st_ino):
            path.unlink()


def _bound(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _bind_privately(made, path)
        made.listen(BACKLOG)
    except BaseException:
        made.close()
        raise
    made.setblocking(False)
    return made


def _bind_privately(made: socket.socket, path: Path) -> None:
    """Linux gives the file the mode that the socket has; elsewhere it takes a umask, which holds for every thread meanwhile."""
    if sys.platform == "linux":
        os.fchmod(made.fileno(), PRIVATE)
        made.bind(os.fspath(path))
        return
    umask = os.umask(0o777 & ~PRIVATE)
    try:
        made.bind(os.fspath(path))
    finally:
        os.umask(umask)


@contextlib.contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Of several programs that start at once, one looks whether the socket is dead, and makes its own, while the others wait."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        until_s = time.monotonic() + ONE_AT_A_TIME_S
        while not _locked(lock) and time.monotonic() < until_s:
            time.sleep(0.02)
        yield
    finally:
        os.close(lock)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EINVAL):  # file systems without locks
            raise
    return True


def _clear(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise SocketError(f"{path} is there and is no socket; it is left as it is.", _ANOTHER_PLACE)
    if (listener := _listener(path)) is not None:
        raise InUse(
            f"Another program ({listener}) listens at the control socket {path}.",
            "Stop that one first, or give this one a CONTROL_SOCKET of its own.",
        )
    path.unlink()


def _listener(path: Path) -> str | None:
    """Who listens there; ``None``: nobody does any more."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_S)
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            return None
        except PermissionError:
            return "of another user"
        except (TimeoutError, BlockingIOError):
            return "too busy to answer"
        pid = peer_pid(probe)
    return f"process {pid}" if pid else "of unknown name"


def peer_pid(connection: socket.socket) -> int | None:
    """The process at the other end, where the system tells."""
    return _peer_on_linux(connection)[0] if sys.platform == "linux" else None


def peer_uid(connection: socket.socket) -> int | None:
    """The user at the other end; ``None``: the system does not tell."""
    if sys.platform == "linux":
        return _peer_on_linux(connection)[1]
    try:
        return int(_PEER_ELSEWHERE.unpack(connection.getsockopt(0, _LOCAL_PEERCRED, _PEER_ELSEWHERE.size))[1])
    except (OSError, struct.error):
        return None


def _peer_on_linux(connection: socket.socket) -> tuple[int, int]:
    pid, uid, _gid = _PEER_ON_LINUX.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER_ON_LINUX.size))
    return pid, uid
