"""The virtual environments of the frameworks that Parley is compared with, made when they are first needed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from errors import ParleyError

PEERS_DIR: Final = Path("~/.cache/parley/peers").expanduser()
INSTALL_TIMEOUT_S: Final = 1800
COMMON: Final = ("numpy", "faster-whisper==1.2.1", "piper-tts==1.8.0")


@dataclass(frozen=True, slots=True)
class Peer:
    """A framework: what it is called, what to install, and the program that puts it under the microphone."""

    name: str
    packages: tuple[str, ...]
    program: str

    @property
    def folder(self) -> Path:
        """Its virtual environment."""
        return PEERS_DIR / self.packages[0].replace("==", "-")


PIPECAT: Final = Peer("Pipecat 1.14.0", ("pipecat-ai==1.14.0", *COMMON), "benchmarks.peers.pipecat_session")
LIVEKIT: Final = Peer(
    "LiveKit Agents 1.8.9",
    ("livekit-agents==1.8.9", "livekit-plugins-openai==1.8.9", *COMMON),
    "benchmarks.peers.livekit_session",
)
CHOICES: Final = {"none": (), "pipecat": (PIPECAT,), "livekit": (LIVEKIT,), "both": (PIPECAT, LIVEKIT)}


def python_of(peer: Peer) -> Path:
    """The interpreter of ``peer``, installed if it is not there yet.

    :raises errors.ParleyError: it can't be installed.
    """
    python = peer.folder / "bin" / "python"
    complete = peer.folder / "complete"
    if not complete.exists():
        print(f"Installing {peer.name} into {peer.folder} (about 700 MB, once) ...", file=sys.stderr, flush=True)
        _run(peer, sys.executable, "-m", "venv", "--clear", str(peer.folder))
        _run(peer, str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *peer.packages)
        complete.touch()
    return python


def _run(peer: Peer, *command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as failed:
        raise _not_installable(peer, str(failed)) from None
    if done.returncode:
        raise _not_installable(peer, (done.stderr.strip().splitlines() or ["no reason given"])[-1])


def _not_installable(peer: Peer, why: str) -> ParleyError:
    return ParleyError(f"{peer.name} can't be installed: {why}", "Look at the network and the disk, or leave it out: --peers none.")
