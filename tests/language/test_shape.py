"""Shapes: what is remembered of one that was written is what reading its text gives."""

from __future__ import annotations

from hypothesis import assume, given

from riskcontrol.errors import StrategyError
from riskcontrol.language.tree import Node
from riskcontrol.shape import MOST_BYTES, WRITTEN, _parsed, read_shape, shape_text
from riskcontrol.terms import Session
from tests.language.trees import PATIENT, conditions


@PATIENT
@given(conditions(), conditions())
def test_a_shape_that_was_written_is_remembered_as_it_would_be_read(buy: Node, sell: Node) -> None:
    WRITTEN.clear()
    try:
        written, values = shape_text(buy, sell, 300, Session.EXTENDED)
    except StrategyError:
        assume(False)
    assert (written in WRITTEN) is (len(written) <= MOST_BYTES)
    if written in WRITTEN:
        assert WRITTEN[written] == _parsed(written)
        read_shape.cache_clear()
        try:
            remembered = read_shape(written)
        except StrategyError:
            return
        WRITTEN.clear()
        read_shape.cache_clear()
        assert read_shape(written) == remembered
        assert len(values) == remembered.parameters
