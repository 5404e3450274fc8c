"""Makes a folder of clips with a ``manifest.json`` out of Asterisk's core sounds: recorded telephone prompts and their texts.

    python benchmarks/prompts.py SOUNDS TEXTS LANGUAGE OUT [--clips N] [--longest SECONDS] [--without DIR ...]

SOUNDS is a folder of prompts in G.722, TEXTS the list of what is said in them (``core-sounds-en.txt``, also gzipped); Debian has both in
``asterisk-core-sounds-LANGUAGE-g722`` and ``asterisk-core-sounds-LANGUAGE``. Clips that a folder given with ``--without`` has are left out,
in whatever language, so that what is fitted to the one can be judged by the other.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import av
import numpy as np

from audio.pcm import HEARING_RATE_HZ
from audio.wav import write_wav

SHORTEST_S: Final = 1.0
LONGEST_S: Final = 16.0
TEXT_OF_NO_SPEECH: Final = "["
WHOLE: Final = re.compile(r"[^.][.!?]$")
"""The text of a prompt that is whole: others are parts of sentences that are put together."""
PREFIX: Final = "ast"


def texts_of(path: Path) -> Iterator[tuple[str, str]]:
    """Name and text of each prompt that is one file of whole sentences."""
    raw = path.read_bytes()
    lines = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode().splitlines()
    for line in lines:
        name, _, text = line.partition(":")
        if WHOLE.search(text.strip()) and not line.startswith(";") and "/" not in name and TEXT_OF_NO_SPEECH not in text:
            yield name.strip(), text.strip()


def decoded(path: Path) -> bytes:
    """16 kHz mono 16-bit."""
    with av.open(str(path), format="g722") as container:
        frames = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    return np.concatenate(frames).astype("<i2").tobytes()


def name_of(clip: str) -> str:
    """The prompt of the clip ``ast_NAME.wav`` or ``ast-LANGUAGE_NAME.wav``."""
    return clip.partition("_")[2].removesuffix(".wav")


def make(sounds: Path, texts: Path, language: str, out: Path, most: int, longest_s: float, taken: set[str]) -> int:
    """Write up to ``most`` clips, chosen by a checksum of their names; how many there are."""
    out.mkdir(parents=True, exist_ok=True)
    entries: list[dict[str, object]] = []
    listed = [(name, text) for name, text in texts_of(texts) if name not in taken and (sounds / f"{name}.g722").is_file()]
    for name, text in sorted(listed, key=lambda item: zlib.crc32(item[0].encode())):
        pcm = decoded(sounds / f"{name}.g722")
        seconds = len(pcm) / 2 / HEARING_RATE_HZ
        if len(entries) < most and SHORTEST_S <= seconds <= longest_s:
            clip = f"{PREFIX}-{language}_{name}.wav"
            write_wav(out / clip, pcm, HEARING_RATE_HZ)
            entries.append({"file": clip, "text": text, "language": language, "seconds": round(seconds, 2)})
    (out / "manifest.json").write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return len(entries)


def main() -> int:
    """Make the folder; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sounds", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("language")
    parser.add_argument("out", type=Path)
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--longest", type=float, default=LONGEST_S, metavar="SECONDS")
    parser.add_argument("--without", type=Path, action="append", default=[], metavar="DIR")
    wanted = parser.parse_args()
    taken = {name_of(path.name) for folder in wanted.without for path in folder.glob("*.wav")}
    made = make(wanted.sounds, wanted.texts, wanted.language, wanted.out, wanted.clips, wanted.longest, taken)
    print(f"{made} clips in {wanted.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
