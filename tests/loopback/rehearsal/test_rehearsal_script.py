from pathlib import Path

import pytest

from errors import EXIT_USAGE
from loopback.rehearsal.command import DEFAULT_SCRIPT
from loopback.rehearsal.patterns import pattern_of
from loopback.rehearsal.script import Script
from loopback.rehearsal.script_file import ScriptError, load_script, parse_script

PEOPLE = "people:\n  Ann: {rights: admin}\n  Bob: {}\nsteps:\n"


def parsed(steps: str) -> Script:
    return parse_script(PEOPLE + steps, "talk.yaml", Path())


def mistake(steps: str) -> str:
    with pytest.raises(ScriptError) as raised:
        parsed(steps)
    assert raised.value.exit_code == EXIT_USAGE
    return str(raised.value)


def test_the_default_script_holds_all_that_a_first_call_needs() -> None:
    script = load_script(DEFAULT_SCRIPT)
    assert {name: person.rights for name, person in script.people.items()} == {"Ann": "admin", "Bob": "member"}
    speakers = [step.who for step in script.steps if step.speaks]
    assert speakers.count("Ann") >= 4
    assert speakers.count("Bob") == 1
    assert [step.interrupt_after_ms is not None for step in script.steps].count(True) == 1
    assert [step.expect for step in script.steps if step.type == "/callinfo"] == ["In Call: ✅ Yes"]
    assert [step.who for step in script.steps if step.type == "/joincall"] == ["Bob", "Ann"]


def test_the_bots_name_is_filled_in_wherever_it_stands() -> None:
    script = parsed('  - {who: Ann, say: "{bot}, hello"}\n  - {who: Ann, type: "hi {bot}", expect: "{bot} here"}\n').named("Jarvis")
    assert [script.steps[0].say, script.steps[1].type, script.steps[1].expect] == ["Jarvis, hello", "hi Jarvis", "Jarvis here"]


def test_what_is_said_is_waited_for_unless_the_next_speaker_interrupts_it() -> None:
    script = parsed(
        "  - {who: Ann, say: one}\n  - {who: Ann, say: two}\n  - {who: Bob, say: stop, interrupt_after_ms: 500}\n"
        "  - {who: Ann, say: by the way, wait_for_reply: false}\n"
    )
    assert [script.waits_for_reply(index) for index in range(4)] == [True, False, True, False]
    assert [script.wants_answer(index) for index in range(4)] == [True, True, True, False]
    assert [script.is_spoken_over(index) for index in range(4)] == [False, True, False, False]


def test_what_must_get_no_answer_is_not_waited_for() -> None:
    script = parsed(
        "  - {who: Ann, say: hello all, expect_silence: 3}\n  - {who: Ann, say: a story}\n"
        "  - {who: Bob, say: mm-hm, interrupt_after_ms: 500, bot_goes_on: true}\n"
        "  - {who: Ann, say: okay, interrupt_after_ms: 900, bot_goes_on: true}\n  - {who: Ann, say: thanks}\n"
    )
    assert [script.waits_for_reply(index) for index in range(5)] == [False, False, False, False, True]
    assert [script.wants_answer(index) for index in range(5)] == [False, True, False, False, True]
    assert [script.is_spoken_over(index) for index in range(5)] == [False, True, True, False, False]


@pytest.mark.parametrize("name", ["three_people", "false_interruption"])
def test_the_other_scripts_can_be_played(name: str) -> None:
    script = load_script(DEFAULT_SCRIPT.parent / f"{name}.yaml").named("Jarvis")
    manners = [step.expect_silence is not None or step.bot_goes_on for step in script.steps if step.speaks]
    assert manners.count(True) >= 2
    assert any(step.speaks and step.expect for step in script.steps)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("  - {who: Ann, syas: hello}\n", "line 5, step 1: there is no key `syas`; known are who,"),
        ("  - {who: Ann}\n", "line 5, step 1: a step does exactly one thing, this one has nothing"),
        ("  - who: Ann\n    say: hello\n    wait: 3\n", "line 5, step 1: a step does exactly one thing, this one has `say` and `wait`"),
        ("  - wait: 1\n  - say: hello\n", "line 6, step 2: `who` is missing: who does `say`?"),
        ("  - who: Ann\n    type: 3\n", "line 6, step 1: `type` is 3: input should be a valid string"),
        ("  - {who: Cid, say: hello}\n", "line 5, step 1: nobody called 'Cid' is among the people (Ann, Bob)"),
        ("  - {who: Ann, play: gone.wav}\n", "line 5, step 1: there is no file 'gone.wav' beside the script"),
        ("  - {who: Ann, say: hello, interrupt_after_ms: 5}\n", "needs an answer to interrupt, but nobody has said anything before"),
        ("  - {who: Ann, type: hello, interrupt_after_ms: 5}\n", "`interrupt_after_ms` and `wait_for_reply` belong to `say` or `play`"),
        ("  - {who: Ann, say: hello, text: x}\n", "`text` belongs to `play`"),
        ("  - {who: Ann, type: hello, expect_silence: 5}\n", "`expect_silence` belongs to `say` or `play`"),
        ("  - {who: Ann, say: hello, bot_goes_on: true}\n", "`bot_goes_on` belongs beside `interrupt_after_ms`"),
        ("  - {who: Ann, say: hello, expect_silence: 5, expect: hi}\n", "`expect_silence` means no answer, so there is none to wait for"),
        ("  - {who: Ann, say: hello, expect_silence: 5, wait_for_reply: true}\n", "`expect_silence` means no answer"),
        ("  - {who: Ann, say: hello, wait_for_reply: false, expect: hi}\n", "`expect` beside `say` or `play` is about the answer"),
        (
            "  - {who: Ann, say: a}\n  - {who: Ann, say: b, interrupt_after_ms: 1, expect_silence: 5}\n",
            "`bot_goes_on` says that it must go on",
        ),
        (
            "  - {who: Ann, say: a, expect_silence: 5}\n  - {who: Ann, say: b, interrupt_after_ms: 1}\n",
            "line 6, step 2: `interrupt_after_ms` needs an answer to interrupt, but what was said before must get none",
        ),
        ('  - {who: Ann, type: hi, expect: "/(/"}\n', "line 5, step 1: '/(/' is not a regular expression"),
        ("  - {wait: 1000}\n", "line 5, step 1: `wait` is 1000: input should be less than or equal to 120"),
        ("  []\n", "`steps` is empty: nothing would happen"),
    ],
)
def test_each_mistake_is_told_with_its_line_and_step(steps: str, said: str) -> None:
    assert said in mistake(steps)


def test_all_mistakes_are_told_at_once() -> None:
    text = mistake("  - {who: Ann, syas: x}\n  - {say: hello}\n")
    assert "step 1" in text
    assert "step 2" in text


def test_wrong_people_are_told() -> None:
    with pytest.raises(ScriptError, match=r"line 2: `rights` is 'boss': input should be 'admin', 'admin_without_calls', 'member' or"):
        parse_script("people:\n  Ann: {rights: boss}\nsteps:\n  - wait: 1\n", "talk.yaml", Path())
    with pytest.raises(ScriptError, match=r"there is no key `pich`; known are pitch, rate_percent"):
        parse_script("people:\n  Ann: {voice: {pich: 2}}\nsteps:\n  - wait: 1\n", "talk.yaml", Path())


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("people: [", r"talk\.yaml is not YAML: line 1"),
        ("- hello\n", "has no `people` and `steps`"),
        ("people: {Ann: {}}\n", "`steps` is missing"),
    ],
)
def test_what_is_no_script_is_told(source: str, said: str) -> None:
    with pytest.raises(ScriptError, match=said):
        parse_script(source, "talk.yaml", Path())


def test_a_missing_script_is_told(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"cannot be read \(No such file or directory\).*--script"):
        load_script(tmp_path / "gone.yaml")


def test_expected_text_may_be_plain_or_a_regular_expression() -> None:
    assert pattern_of("In Call: ✅ Yes").search("… in call: ✅ yes …")
    assert pattern_of("/^jo.n/i").search("Joined")
    assert not pattern_of("/^jo.n/").search("Joined")
    assert pattern_of("/joincall").search("use /joincall")
