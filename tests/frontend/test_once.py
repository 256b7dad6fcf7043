"""Forms that are sent again."""

from __future__ import annotations

import pytest

from frontend import once
from frontend.once import FIELD, Once, fresh


def test_a_form_is_sent_once_by_each_who_sends_it() -> None:
    forms, sent = Once(), fresh()
    for username, expected in (("ann", True), ("ann", False), ("bob", True), ("ann", False)):
        with forms.first(username, sent) as first:
            assert first is expected
    assert fresh() != sent
    for number in ("", "x" * 1_000):
        with forms.first("ann", {FIELD: number}) as first:
            assert first
    with forms.first("ann", {}) as first:
        assert first


def test_a_form_that_came_to_nothing_may_be_sent_again() -> None:
    forms, sent = Once(), fresh()

    def fail(expected: bool) -> None:
        with forms.first("ann", sent) as first:
            assert first is expected
            raise LookupError

    for _ in range(2):
        with pytest.raises(LookupError):
            fail(True)
    with forms.first("ann", sent) as first:
        assert first
    with pytest.raises(LookupError):
        fail(False)
    with forms.first("ann", sent) as first:
        assert not first


def test_so_many_forms_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once, "MOST_KEPT", 2)
    forms, sent = Once(), [fresh() for _ in range(3)]
    for each in [*sent, sent[1]]:
        with forms.first("ann", each):
            pass
    assert len(forms._sent) == 2
