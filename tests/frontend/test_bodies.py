"""How deeply a body may be nested, whatever it is written in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend.bodies import MOST_DEPTH, is_deep

LIMIT = MOST_DEPTH


@pytest.mark.parametrize("code", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("begin", ["", '["\u2200 \\" [[", ', '{"[{": ["}]"], "a": '])
def test_the_levels_of_any_encoding_are_counted(code: str, begin: str) -> None:
    own = begin.count('["\u2200') + begin.count('{"[{"')
    for depth, deep in ((LIMIT - own, False), (LIMIT + 1 - own, True)):
        for opened, closed in (("[", "]"), ('{"x":', "}")):
            text = begin + opened * depth + "1" + closed * depth + ("]" if begin[:1] == "[" else "}" * own)
            assert is_deep(text.encode(code)) == deep
            json.loads(text)  # what was counted is JSON


@pytest.mark.parametrize("wide", [b"[" + b"[]," * 1_000 + b"1]", b'["' + b"[" * 1_000 + b'"]', b"]" * 1_000, b""])
def test_what_is_wide_or_within_a_text_is_not_deep(wide: bytes) -> None:
    assert not is_deep(wide)


@pytest.mark.parametrize("cut", [b"[" * 1_000, b"[[]" * 1_000, b"\xff" + b"[" * 1_000, b"[" * 1_000 + b'"'])
def test_what_only_begins_deeply_is_deep(cut: bytes) -> None:
    assert is_deep(cut)


def levels(value: Any) -> int:
    """Return how many objects and arrays are within one another."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(levels, inner), default=0)


trees = st.recursive(
    st.text(max_size=8) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('[]{}"\\', max_size=4), inner, max_size=3),
)


@given(trees, st.integers(LIMIT - 8, LIMIT + 2))
def test_any_json_is_deep_from_one_level_more_than_allowed(tree: Any, more: int) -> None:
    for _ in range(more):
        tree = [tree]
    for written in (json.dumps(tree), json.dumps(tree, ensure_ascii=False)):
        assert is_deep(written.encode("utf-8", "surrogatepass")) == (levels(tree) > LIMIT)
