"""The end of a rehearsal in the terminal: a table of the turns and one line that says how it went."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from loopback.rehearsal.measure import Turn
from loopback.rehearsal.report import Report


def print_summary(report: Report, console: Console) -> None:
    """Print table, figures, failures and the verdict."""
    if report.turns:
        console.print(_table(report))
    for line in _figures(report):
        console.print(Text(line), soft_wrap=True)
    for failure in (*report.failures, *report.errors):
        console.print(Text(f"  ✗ {failure}", style="red"), soft_wrap=True)
    console.print(Text(verdict(report), style="bold green" if report.passed else "bold red"), soft_wrap=True)


def verdict(report: Report) -> str:
    """One line: did it work, and if not, what failed first."""
    if report.passed:
        return f"✅ The rehearsal went well: {', '.join(_counted(report)) or 'nothing was asked'}."
    first = (*report.failures, *report.errors)[0].splitlines()[0]
    return f"❌ The rehearsal failed: {first} ({_answered(report)})"


def _answered(report: Report) -> str:
    asked = [turn for turn in report.turns if turn.wanted_answer]
    return f"{len([turn for turn in asked if turn.answered])} of {len(asked)} questions answered"


def _counted(report: Report) -> list[str]:
    counted = (
        (len(report.met), "expectation{} met"),
        (len(report.interruptions), "interruption{} heeded"),
        (len(report.false_interruptions), "false interruption{} seen through"),
        (len(report.left_alone), "remark{} left alone"),
    )
    asked = [_answered(report)] if any(turn.wanted_answer for turn in report.turns) else []
    return asked + [f"{count} {what.format('s' if count != 1 else '')}" for count, what in counted if count]


def _table(report: Report) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=None, expand=False, pad_edge=False)
    for heading in ("who", "said", f"{report.bot_name} heard", "answer, as the caller heard it"):
        table.add_column(heading, overflow="fold")
    table.add_column("waited", justify="right", no_wrap=True)
    table.add_column("cut in", justify="right", no_wrap=True)
    for turn in report.turns:
        table.add_row(*(Text(cell) for cell in _row(turn)))
    return table


def _row(turn: Turn) -> tuple[str, ...]:
    said = "(a recording)" if turn.said is None else turn.said or "(nothing)"
    waited = f"{turn.voice_to_voice_ms / 1000:.2f} s" if turn.voice_to_voice_ms is not None else "–"
    cut = f"{turn.interruption_ms:.0f} ms" if turn.interruption_ms is not None else ("yes" if turn.interrupted else "")
    none = f"({turn.ignored})" if turn.ignored else "–"
    return turn.speaker, said, turn.heard, turn.reply_as_heard_by_caller or turn.reply_played or none, waited, cut


def _figures(report: Report) -> list[str]:
    middle, slow = report.voice_to_voice_ms(50), report.voice_to_voice_ms(95)
    lines = []
    if middle is not None and slow is not None:
        lines.append(f"Voice to voice, as the callers heard it: half within {middle / 1000:.2f} s, 95 % within {slow / 1000:.2f} s.")
    if report.wer_heard is not None:
        lines.append(f"Words that {report.bot_name} misheard: {report.wer_heard:.1%} (word error rate).")
    if report.wer_reply is not None:
        lines.append(f"Words of the answers that did not come across: {report.wer_reply:.1%} (word error rate).")
    silent = [turn.interruption_ms for turn in report.turns if turn.interruption_ms is not None]
    if silent:
        lines.append(f"Silent after an interruption within {max(silent):.0f} ms.")
    return lines
