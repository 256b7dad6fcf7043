"""RiskControl: paper-trade a strategy on the real tape, beside a hundred thousand others."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_FROZEN = [
    "book",
    "code",
    "leaders",
    "money",
    "newyork",
    "terms",
    "trades",
    "states",
    "strategy",
    "indicators/registry",
    "../ingestion/conditions",
    "../ingestion/layout",
]
"""Modules whose constants end up in compiled code."""

_COMPILERS = (b"numba", b"riskcontrol.compiling")
"""Who imports one of these is compiled."""


def _numba_cache() -> str:
    """Return a folder for compiled code that belongs to the sources as they are.

    Numba looks at the file of a function alone: one that calls a function of another file, or has a constant of it
    frozen in, would go on with what that file said when it was compiled.
    """
    here = Path(__file__).parent
    sources = [*here.glob("*.py"), *here.glob("indicators/*.py"), *here.parent.glob("ingestion/*.py")]
    frozen = {(here / f"{name}.py").resolve() for name in _FROZEN}
    digest = hashlib.sha256()
    for path in sorted(sources):
        content = path.read_bytes()
        if any(name in content for name in _COMPILERS) or path.resolve() in frozen:
            digest.update(path.name.encode() + content)
    writable = os.access(here, os.W_OK)
    home = here / "__pycache__" if writable else Path.home() / ".cache" / "riskcontrol"
    return str(home / f"numba-{digest.hexdigest()[:12]}")


# Before Numba is imported, which reads it then.
os.environ.setdefault("NUMBA_CACHE_DIR", _numba_cache())
