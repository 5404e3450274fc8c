"""A short run of :mod:`tests.control.fuzz`; the long one is a command."""

from __future__ import annotations

import random

import pytest

from control.rpc_errors import Code
from tests.control.fuzz import Fuzzed, Inputs, Tally, _check, fuzz

SHORT: int = 4_000


async def test_what_is_broken_is_answered_and_leaves_nothing_behind() -> None:
    tally = await fuzz(SHORT, seed=2)
    assert tally.inputs == SHORT
    assert {0, Code.PARSE, Code.INVALID_REQUEST, Code.NO_SUCH_METHOD, Code.INVALID_PARAMS, Code.NOT_IN_CALL} <= tally.codes.keys()
    assert Code.INTERNAL not in tally.codes


def test_inputs_can_be_made_again() -> None:
    assert [Inputs(random.Random("1/5")).next() for _ in range(3)] == [Inputs(random.Random("1/5")).next() for _ in range(3)]


@pytest.mark.parametrize(
    "answer",
    [
        b'{"jsonrpc":"2.0","id":1}',
        b'{"jsonrpc":"2.0","result":1,"error":{},"id":1}',
        b'{"jsonrpc":"2.0","result":NaN,"id":1}',
        b'{"jsonrpc":"2.0",\n"result":1,"id":1}',
        b'{"jsonrpc":"2.0","error":{"code":-32603,"message":"Failed."},"id":1}',
    ],
)
def test_a_wrong_answer_is_noticed(answer: bytes) -> None:
    with pytest.raises(Fuzzed):
        _check(answer, Tally())
