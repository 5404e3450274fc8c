"""The lines that people look for in the log, word for word, while a whole Parley works. A129."""

from __future__ import annotations

import logging
from pathlib import Path

from handlers.wording import say
from tests.call_process import run_in_process
from tests.e2e.whole_parley import scene


class Lines(logging.Handler):
    """What is logged."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


async def the_log_of_a_call(folder: str) -> None:
    lines = Lines()
    logging.getLogger().addHandler(lines)
    logging.getLogger().setLevel(logging.INFO)
    async with scene(folder) as club, club.running():
        assert "✅ Telethon client started successfully" in lines.texts
        chat = club.chat_id
        club.telegram.start_voice_chat(club.group, club.ann)
        assert await club.command("/speak Good morning") == say("en", "tts.not_in_call")
        assert "⚠️ Cannot stream TTS: not in voice chat" in lines.texts
        assert await club.command("/joincall") == say("en", "join.joined")
        created, joined = f"✅ pytgcalls instance created for chat {chat}", f"✅ Successfully joined voice chat in chat {chat}"
        assert lines.texts.index(created) < lines.texts.index(joined)
        assert await club.command("/speak Good morning") == say("en", "tts.spoken")
        await club.until(lambda: f"✅ TTS audio streamed to call in chat {chat}" in lines.texts)
        assert await club.command("/leavecall") == say("en", "join.left")


def test_a129_the_log_of_a_call_word_for_word(tmp_path: Path) -> None:
    run_in_process(the_log_of_a_call, str(tmp_path))
