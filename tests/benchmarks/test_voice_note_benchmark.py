from benchmarks.bad_files import BadFile, bad_files, taken_in
from benchmarks.voice_note import SPANS, Answered, exactly, row_of, rows_of


def answered(note: str, total_s: float, **spans_ms: float) -> Answered:
    return Answered(note, total_s, 2.0, spans_ms)


def test_the_spans_and_the_rest_sum_to_the_whole() -> None:
    row = row_of(answered("jfk", 3.0, wait=20, download=40, decode=200, transcribe=900, think=700, speak=600, encode=100, upload=90))
    assert sum(row[name] for name in (*SPANS, "rest")) == row["total_ms"] == 3000


def test_what_was_not_told_is_the_rest() -> None:
    row = row_of(answered("jfk", 1.5))
    assert row["rest"] == row["total_ms"] == 1500


def test_the_cold_note_is_shown_and_not_counted() -> None:
    rows = rows_of([answered("a", 9.0), answered("b", 3.0), answered("c", 5.0), answered("d", 4.0)])
    assert [row["note"] for row in rows] == ["a (cold)", "b", "c", "d", "median of 3"]
    assert rows[-1]["total_ms"] == 4000


def test_a_single_note_is_its_own_median() -> None:
    assert rows_of([answered("a", 9.0)])[-1]["total_ms"] == 9000


def test_a_note_has_exactly_its_length() -> None:
    assert len(exactly(b"\1\0" * 16_000, 5.0)) == len(exactly(b"\1\0" * 160_000, 5.0)) == 160_000


def test_bad_files_are_refused_in_a_sentence() -> None:
    by_name = {file.name: file for file in bad_files()}
    row = taken_in(by_name["2 hours that say they are 1 s, said to be 20 min"])
    assert row.told == "This file holds more sound than it says it does, so I did not listen to it."
    assert taken_in(BadFile("empty", b"", 5)).told == "This file is empty, so please send it once more."
