# SPDX-License-Identifier: GPL-3.0-or-later
"""A separate program that speaks with Piper. It is run, spoken to over pipes, and never imported.

Piper is licensed under the GPL, version 3 or later, and so is this file; the rest of Parley is not, and shares no memory with it.

    python -P piper_program.py VOICE.onnx THREADS

Standard input takes requests, each a big-endian 32-bit length and that much JSON: ``{"id": 1, "text": "Hello.", "length_scale": 1.0}``, or
``{"cancel": 1}``, which is heeded between sentences. Standard output gives frames: a kind (one byte), the id and the length of the payload
(big-endian 32-bit each), the payload. Kinds: ``R`` ready (id 0, JSON with ``rate_hz``), ``P`` 16-bit mono PCM of one sentence, ``E`` the
end of a request, ``X`` its failure (text). The program ends when its standard input does.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import struct
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO, Final

NICENESS: Final = 5
WARM_UP = "This is how a somewhat longer sentence sounds, and it makes the first real one as quick as any other."


class Mailbox:
    """Requests in order, and the ids that nobody wants any more; filled by a thread of its own."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.requests: queue.Queue[dict[str, Any]] = queue.Queue()
        self.cancelled: set[int] = set()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while len(header := self._source.read(4)) == 4:
            message = json.loads(self._source.read(struct.unpack(">I", header)[0]))
            if "cancel" in message:
                self.cancelled.add(message["cancel"])
            else:
                self.requests.put(message)
        os._exit(0)


def send(sink: BinaryIO, kind: bytes, request_id: int, payload: bytes = b"") -> None:
    """Write one frame."""
    sink.write(struct.pack(">cII", kind, request_id, len(payload)) + payload)
    sink.flush()


def load_voice(path: Path, threads: int) -> Any:
    """The voice, warmed up, on so many threads that spin within a sentence (89 -> 75 ms for two seconds of sound) and sleep between."""
    import onnxruntime
    from piper.config import PiperConfig
    from piper.voice import PiperVoice

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    config = PiperConfig.from_dict(json.loads(path.with_name(path.name + ".json").read_text(encoding="utf-8")))
    voice = PiperVoice(session=session, config=config)
    for _ in voice.synthesize(WARM_UP):
        pass
    return voice


def speak(voice: Any, request: dict[str, Any], mailbox: Mailbox, sink: BinaryIO) -> None:
    """Answer one request, sentence by sentence."""
    from piper.config import SynthesisConfig

    request_id = request["id"]
    scale = voice.config.length_scale * request["length_scale"]
    for chunk in voice.synthesize(request["text"], SynthesisConfig(length_scale=scale, volume=0.85)):
        if request_id in mailbox.cancelled:
            break
        send(sink, b"P", request_id, chunk.audio_int16_bytes)
    mailbox.cancelled.discard(request_id)
    send(sink, b"E", request_id)


def main() -> None:
    """Load the voice, say so, and answer requests until standard input ends, at a priority that leaves the processor to calls first."""
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        voice = load_voice(Path(sys.argv[1]), int(sys.argv[2]))
    except Exception as broken:
        send(sink, b"X", 0, str(broken).encode())
        return
    mailbox = Mailbox(sys.stdin.buffer)
    send(sink, b"R", 0, json.dumps({"rate_hz": voice.config.sample_rate}).encode())
    while True:
        request = mailbox.requests.get()
        try:
            speak(voice, request, mailbox, sink)
        except BrokenPipeError:
            return
        except Exception as failed:
            send(sink, b"X", request["id"], str(failed).encode())


if __name__ == "__main__":
    main()
