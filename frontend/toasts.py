"""Messages that show themselves in a corner for some seconds."""

from __future__ import annotations

from typing import Any

from frontend.grids import named

MOST_SHOWN = 3
"""Most messages that show themselves at a time, the others when one of these goes: more would cover what is beside."""


def toast(message: str, color: str, *, seconds: float = 6.0, element_id: str = "") -> list[dict[str, Any]]:
    """Return what shows a message.

    Args:
        message: The message.
        color: Its colour.
        seconds: For how long.
        element_id: Its id; one that is shown already isn't shown again.
    """
    shown = {
        "action": "show",
        "message": message,
        "color": color,
        "autoClose": int(seconds * 1_000),
        "withBorder": True,
        "closeButtonProps": named("Close"),
    }
    return [shown | ({"id": element_id} if element_id else {})]
