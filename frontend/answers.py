"""What callbacks answer: only what changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from dash import no_update


def changed(outputs: Mapping[str, Any], /, **values: Any) -> dict[str, Any]:
    """Return what a callback answers where only these of its outputs change.

    Args:
        outputs: All of its outputs, by name.
        values: What changes, by name.

    >>> changed({"rows": None}, rows=[1])
    {'rows': [1]}
    """
    return {**dict.fromkeys(outputs, no_update), **values}


def digest(what: Any) -> str:
    """Return a short text that changes with what a page shows, for the browser to keep as its version.

    Args:
        what: Anything that JSON can write.
    """
    return hashlib.blake2b(json.dumps(what).encode(), digest_size=12).hexdigest()
