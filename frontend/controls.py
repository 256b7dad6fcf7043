"""Controls that several pages have."""

from __future__ import annotations

from collections.abc import Mapping

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
