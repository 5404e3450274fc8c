"""The program that runs the embedded model, in a process of its own: JSON lines in, JSON lines out.

It is started by ``brain.model_process`` with one argument, the JSON of :class:`Options`, and imports nothing of Parley. It reads
``{"id", "do": "reply" | "read", "slot", "messages"}`` and ``{"id", "do": "cancel"}`` from standard input and writes ``{"ready": true}``
once, ``{"id", "text"}`` for each piece of a reply and one ``{"id", "done", "cached", "read", "written"}`` or ``{"id", "error"}`` for each
request. It ends when its standard input does, so it never outlives the process that started it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

NICENESS: Final = 10
READ_BATCH_TOKENS: Final = 32
"""Tokens read at once. A cancelled request stops, and another's next token comes, after at most one batch."""
GUESSED_TOKENS: Final = 1
"""What followed the newest token where it last stood in the conversation is checked together with it: right, it costs hardly anything,
because a small model likes to answer with the words of the question. 21.9 -> 25.1 tokens a second in ``days in a week`` and four such
answers; guessing two or three tokens, or after two, gains less."""
REPEAT_PENALTY: Final = 1.05
"""Keeps a small model that always takes the likeliest word from saying the same sentence again and again."""
REPEAT_WINDOW_TOKENS: Final = 64
STOP_STRINGS: Final = ("<|im_start|>", "<|im_end|>", "\nUser:", "\nAssistant:", "\nHuman:")


@dataclass(frozen=True)
class Options:
    """What the program is started with."""

    model: str
    threads: int
    slots: int
    context_tokens: int
    reply_tokens: int


class Requests:
    """The requests at work, each in a thread of its own, and which of them are cancelled."""

    def __init__(self, server: Any, options: Options, out: TextIO) -> None:
        self._server = server
        self._options = options
        self._out = out
        self._write_lock = threading.Lock()
        self._cancelled: dict[int, threading.Event] = {}

    def take(self, command: dict[str, Any]) -> None:
        """Carry out one line of standard input."""
        if command["do"] == "cancel":
            if (event := self._cancelled.get(command["id"])) is not None:
                event.set()
            return
        self._cancelled[command["id"]] = threading.Event()
        threading.Thread(target=self._work, args=(command,), daemon=True).start()

    def write(self, **event: Any) -> None:
        """One line of standard output."""
        with self._write_lock:
            self._out.write(json.dumps(event) + "\n")
            self._out.flush()

    def _work(self, command: dict[str, Any]) -> None:
        request = command["id"]
        answer = Answer(request, self, self._cancelled[request])
        try:
            self._server.handle_chat_completions(json.dumps(self._body(command)), answer.take)
            self.write(id=request, **answer.end())
        except Exception as failure:
            self.write(id=request, error=f"{type(failure).__name__}: {failure}"[:500])
        finally:
            del self._cancelled[request]

    def _body(self, command: dict[str, Any]) -> dict[str, Any]:
        reads_only = command["do"] == "read"
        return {
            "messages": command["messages"],
            "id_slot": command["slot"],
            "max_tokens": 0 if reads_only else self._options.reply_tokens,
            "add_generation_prompt": not reads_only,
            "stream": True,
            "return_progress": True,
            "cache_prompt": True,
            "temperature": 0,
            "repeat_penalty": REPEAT_PENALTY,
            "repeat_last_n": REPEAT_WINDOW_TOKENS,
            "stop": STOP_STRINGS,
        }


class Answer:
    """What the library says about one request, as events for standard output."""

    def __init__(self, request: int, requests: Requests, cancelled: threading.Event) -> None:
        self._request = request
        self._requests = requests
        self._cancelled = cancelled
        self._reason: str | None = None
        self._error: str | None = None
        self._timings: dict[str, Any] = {}

    def take(self, chunk: str | bytes | dict[str, Any]) -> bool:
        """Take one chunk; ``True`` makes the library stop the request."""
        event = chunk if isinstance(chunk, dict) else json.loads(chunk)
        self._timings = event.get("timings") or self._timings
        if "choices" not in event:
            self._error = str((event.get("error") or {}).get("message") or event)[:500]
            return True
        if self._cancelled.is_set():
            return True
        for choice in event["choices"]:
            self._take_choice(choice)
        return False

    def _take_choice(self, choice: dict[str, Any]) -> None:
        self._reason = choice.get("finish_reason") or self._reason
        if text := (choice.get("delta") or {}).get("content"):
            self._requests.write(id=self._request, text=text)

    def end(self) -> dict[str, Any]:
        """The last event of the request."""
        if self._error is not None:
            return {"error": self._error}
        figures = {
            name: self._timings.get(key, 0) for name, key in (("cached", "cache_n"), ("read", "prompt_n"), ("written", "predicted_n"))
        }
        return {"done": "cancelled" if self._cancelled.is_set() else self._reason or "stop", **figures}


def load(options: Options) -> Any:
    """The library's server with the model loaded.

    Its HTTP door is a Unix socket in a private folder that is deleted at once, so that nobody can come in.
    """
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = options.model
    parameters.n_ctx = options.context_tokens * options.slots
    parameters.n_parallel = options.slots
    parameters.n_batch = parameters.n_ubatch = READ_BATCH_TOKENS
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = options.threads
    parameters.n_gpu_layers = 0
    parameters.cache_ram_mib = 0
    parameters.fit_params = parameters.endpoint_slots = parameters.ui = False
    parameters.verbosity = 0
    guesses = parameters.speculative
    guesses.types = [xllamacpp.common_speculative_type.COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE]
    guesses.ngram_simple.size_n = guesses.ngram_simple.size_m = GUESSED_TOKENS
    folder = tempfile.mkdtemp(prefix="parley-brain-")
    parameters.hostnames = [f"{folder}/closed.sock"]
    try:
        return xllamacpp.Server(parameters)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _private_output() -> TextIO:
    """Standard output for events alone: what native code prints goes to standard error."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


def main() -> None:
    """Serve requests until standard input ends, at a priority that leaves the processor to sound, hearing and speaking first."""
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = _private_output()
    options = Options(**json.loads(sys.argv[1]))
    if not Path(options.model).is_file():
        sys.exit(f"no model at {options.model}")
    requests = Requests(load(options), options, out)
    requests.write(ready=True)
    for line in sys.stdin:
        requests.take(json.loads(line))
    os._exit(0)


if __name__ == "__main__":
    main()
