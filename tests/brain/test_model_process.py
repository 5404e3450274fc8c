"""The life of the model's process."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from brain import model_process
from brain.embedded_program import Options
from brain.model_process import Finished, ModelProcess
from errors import EngineError

OPTIONS = Options("model.gguf", 1, 1, 512, 10)

STAND_IN = """
import json, os, sys
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    command = json.loads(line)
    if command["do"] == "hang":
        continue
    if command["do"] == "fail":
        print(json.dumps({"id": command["id"], "error": "too long"}), flush=True)
    elif command["do"] == "reply":
        print(json.dumps({"id": command["id"], "text": os.environ.get("OPENAI_API_KEY", "no key")}), flush=True)
        print(json.dumps({"id": command["id"], "done": "stop", "cached": 1, "read": 2, "written": 3}), flush=True)
"""


BUSY_LIBRARY = """
import json, time
from types import SimpleNamespace

print("what native code prints")

def CommonParams():
    parts = ("model", "cpuparams", "cpuparams_batch")
    guesses = SimpleNamespace(ngram_simple=SimpleNamespace())
    return SimpleNamespace(speculative=guesses, **{part: SimpleNamespace() for part in parts})


common_speculative_type = SimpleNamespace(COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE=1)

class Server:
    def __init__(self, parameters):
        pass
    def handle_chat_completions(self, body, take):
        take(json.dumps({"choices": [{"delta": {"content": "working"}}]}))
        time.sleep(3600)
"""

REAL_PROGRAM = model_process.PROGRAM

Program = Callable[[str], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Puts another program in place of the real one; a stand-in that answers at first."""
    file = tmp_path / "program.py"
    monkeypatch.setattr(model_process, "PROGRAM", file)

    def write(source: str) -> None:
        file.write_text(source)

    write(STAND_IN)
    return write


async def test_answers_and_ends(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    process = await ModelProcess.start(OPTIONS)
    assert [event async for event in process.answer(process.ask(do="reply"))] == ["no key", Finished("stop", 1, 2, 3)]
    await process.close()
    assert not process.alive


async def test_a_refusal_is_an_error_and_the_process_lives_on(program: Program) -> None:
    process = await ModelProcess.start(OPTIONS)
    with pytest.raises(EngineError, match="too long"):
        [event async for event in process.answer(process.ask(do="fail"))]
    assert process.alive
    await process.close()


async def test_a_closed_process_can_not_be_asked(program: Program) -> None:
    process = await ModelProcess.start(OPTIONS)
    await process.close()
    with pytest.raises(EngineError, match="is not running"):
        process.ask(do="reply")


async def test_a_process_that_does_not_stop_a_cancelled_request_counts_as_dead(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    process = await ModelProcess.start(OPTIONS)
    process.cancel(process.ask(do="hang"))
    assert process.alive
    monkeypatch.setattr(model_process, "STUCK_AFTER_S", -1.0)
    assert not process.alive
    await process.close()


async def test_one_that_never_gets_ready_is_given_up(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    program("import sys\nsys.stdin.read()")
    monkeypatch.setattr(model_process, "START_TIMEOUT_S", 0.2)
    with pytest.raises(EngineError, match="did not load within"):
        await ModelProcess.start(OPTIONS)


async def test_one_that_ignores_the_end_of_its_input_is_killed(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    program("import time\nprint('{\"ready\": true}', flush=True)\ntime.sleep(600)")
    monkeypatch.setattr(model_process, "CLOSE_TIMEOUT_S", 0.1)
    process = await ModelProcess.start(OPTIONS)
    await process.close()
    assert not process.alive


async def test_its_last_words_are_in_the_error(program: Program) -> None:
    program("raise SystemExit('unknown architecture')")
    with pytest.raises(EngineError, match=r"could not load model\.gguf \(unknown architecture\)"):
        await ModelProcess.start(OPTIONS)


@pytest.fixture
def busy_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ``xllamacpp`` that loads anything and then works on its first request for ever."""
    (tmp_path / "xllamacpp.py").write_text(BUSY_LIBRARY)
    (tmp_path / "model.gguf").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


async def test_the_program_ends_with_its_input_however_busy_it_is(busy_library: None, tmp_path: Path) -> None:
    options = json.dumps(asdict(Options(str(tmp_path / "model.gguf"), 1, 1, 512, 10)))
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(sys.executable, "-P", str(REAL_PROGRAM), options, stdin=pipe, stdout=pipe)
    assert child.stdin is not None
    assert child.stdout is not None
    assert json.loads(await child.stdout.readline()) == {"ready": True}
    child.stdin.write(b'{"id": 1, "do": "reply", "slot": 0, "messages": []}\n')
    assert json.loads(await child.stdout.readline()) == {"id": 1, "text": "working"}
    child.stdin.close()
    assert await child.wait() == 0


async def test_the_program_says_that_there_is_no_model() -> None:
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(sys.executable, "-P", str(REAL_PROGRAM), json.dumps(asdict(OPTIONS)), stderr=pipe)
    assert b"no model at model.gguf" in (await child.communicate())[1]
