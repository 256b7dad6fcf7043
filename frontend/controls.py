"""Controls that several pages have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc


def choice(
    element_id: str, labels: Mapping[str, str], value: str, *, about: str, size: str = "xs"
) -> dmc.SegmentedControl:
    """Return a choice of one of a few, all of them in sight.

    Args:
        element_id: Its id; `value` is what callbacks read.
        labels: By value, its words.
        value: What is chosen at first.
        about: What is chosen, for those who can't see it.
        size: Of the components' sizes.
    """
    return dmc.SegmentedControl(
        id=element_id,
        value=value,
        data=[{"value": name, "label": words} for name, words in labels.items()],
        size=size,
        attributes={"root": {"aria-label": about}},
    )


def unfolding(about: str, attributes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return how the list below a field unfolds, as arguments of a `dmc.Select` or a `dmc.Autocomplete`.

    The list itself scrolls, by keyboard too.

    Args:
        about: What it lists, for those who can't see it.
        attributes: Of the field's input.
    """
    parts: dict[str, Any] = {"options": {"tabIndex": 0, "aria-label": about}}
    if attributes:
        parts["input"] = dict(attributes)
    return {
        "withScrollArea": False,
        "styles": {"options": {"maxHeight": 320, "overflowY": "auto"}},
        "attributes": parts,
    }
