"""JSON of what callbacks answer: what Dash's own would be."""

from __future__ import annotations

import json
from typing import Any

import dash_mantine_components as dmc
import numpy as np
import pytest
from dash import Patch, dcc, html
from plotly.io.json import to_json_plotly

from frontend.access import EVERYBODY, asked_by
from frontend.encoding import encoded
from frontend.pages import health, home, leaders, market, new, strategy, ticker, user

PAGES: dict[str, Any] = {
    "home": lambda: home.layout(),
    "overview": lambda: user.layout(username="ann"),
    "strategy": lambda: strategy.layout(username="ann", ticker="IBM", name="dip"),
    "leaders": lambda: leaders.layout(),
    "market": lambda: market.layout(),
    "ticker": lambda: ticker.layout(ticker="IBM"),
    "health": lambda: health.layout(),
    "new": lambda: new.layout(),
}


def patch() -> Patch:
    changed = Patch()
    changed["data"][1]["y"] = [1.5, float("nan")]
    return changed


PARTS: dict[str, Any] = {
    "wildcards": html.Div([html.Span("x", **{"data-a": 1, "aria-label": "</script>"}), None, 3], id="a", hidden=False),
    "nested": dmc.Group([dmc.Button("Go", id="b", disabled=None), [html.P([])]], gap="md"),
    "store": dcc.Store(id="s", data={"a": [1, 2.5, None, True, "€"]}),
    "patch": patch(),
    "numbers": {"a": np.int64(3), "b": np.array([1.0, 2.0]), "c": float("inf"), "d": "NaN"},
}


@pytest.mark.parametrize("name", PAGES)
def test_pages_are_written_as_dash_writes_them(name: str) -> None:
    with asked_by(EVERYBODY):
        page = PAGES[name]()
    found = json.loads(encoded(page))
    assert found == json.loads(to_json_plotly(page))
    assert found["props"]["children"]


@pytest.mark.parametrize("name", PARTS)
def test_so_is_whatever_else_callbacks_answer(name: str) -> None:
    written = encoded({"response": PARTS[name]})
    assert json.loads(written) == json.loads(to_json_plotly({"response": PARTS[name]}))
    assert json.loads(written, parse_constant=pytest.fail)


def test_what_nobody_can_write_is_an_error() -> None:
    with pytest.raises(TypeError):
        encoded({"a": object()})
