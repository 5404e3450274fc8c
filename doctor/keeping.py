"""Where Parley keeps things: room on the disk, the database, the control socket."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from config import Settings
from control.socket_file import socket_path
from doctor.finding import Finding, failure, of_error, ok, warning
from errors import ParleyError
from storage.backup import checked
from storage.database import FILE_NAME

SCARCE_BYTES: Final = 500 << 20
TOO_LITTLE_BYTES: Final = 100 << 20


class Usage(Protocol):
    """As ``shutil.disk_usage`` gives it."""

    @property
    def free(self) -> int:
        """Bytes."""


def disk(settings: Settings, usage: Callable[[Path], Usage] = shutil.disk_usage) -> Finding:
    """Room, and the right to write."""
    folder = _existing(settings.data_dir)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return failure(f"Nothing can be written in {folder} ({error.strerror}).", "Give Parley the right to write there, or set DATA_DIR.")
    free = min(usage(_existing(each)).free for each in (settings.data_dir, settings.models_dir))
    told = f"{free / 1e9:.1f} GB are free for {settings.data_dir} and {settings.models_dir}"
    if free < TOO_LITTLE_BYTES:
        return failure(f"The disk is full: only {told}.", "Make room on the disk: what is said and heard cannot be kept.")
    if free < SCARCE_BYTES:
        return warning(f"The disk is nearly full: only {told}.", "Make room on the disk.")
    return ok(f"{told[0].upper()}{told[1:]}.")


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def database(settings: Settings) -> Finding:
    """Whether the file is whole and of this Parley."""
    path = settings.data_dir / FILE_NAME
    if not path.exists():
        return ok(f"There is no database yet; {path} is made at the first start.")
    try:
        copy = checked(path)
    except ParleyError as error:
        return of_error(error)
    return ok(f"The database {path} is whole ({copy.size_bytes / 1e6:.1f} MB, schema {copy.schema}).")


def control_socket(settings: Settings) -> Finding:
    """Whether other programs can reach Parley."""
    path = socket_path(settings)
    if path is None:
        return ok("There is no control socket: CONTROL_SOCKET is none.")
    if not path.parent.is_dir() and settings.control_socket is not None:
        return failure(f"The folder of the control socket {path} does not exist.", f"mkdir -p {path.parent}, or set CONTROL_SOCKET.")
    if not path.exists():
        if not os.access(_existing(path.parent), os.W_OK):
            return failure(f"The control socket {path} cannot be made there.", "Set CONTROL_SOCKET to a path in a folder of your own.")
        return ok(f"Nobody listens at the control socket {path}: Parley does not run now.")
    if not stat.S_ISSOCK(path.lstat().st_mode):
        return failure(f"{path} is in the place of the control socket and is none.", f"Move {path} away, or set CONTROL_SOCKET.")
    return _of_socket(path)


def _of_socket(path: Path) -> Finding:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return ok(f"The control socket {path} is left over from a Parley that has ended; the next start replaces it.")
        except OSError as error:
            return warning(f"The control socket {path} does not answer ({error}).", "Restart Parley.")
    return ok(f"Parley listens at the control socket {path}.")
