"""Template strategies: files to begin with, each a strategy that traders know by name.

`NAME.toml` is one; its first line says what it does. `riskcontrol strategy templates` lists and prints them. What each
comes to on a simulated week is kept with the tests, `tests/templates/expected.json`.
"""

from __future__ import annotations

from pathlib import Path

from riskcontrol.errors import InputError
from riskcontrol.nearest import meant

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Return the names of all templates in the order of the alphabet.

    >>> "sma-cross" in names()
    True
    """
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def read(name: str) -> str:
    """Return a template's file.

    Raises:
        InputError: There is none of this name; the nearest is offered.

    >>> read("bollinger-breakout").splitlines()[1]
    'name = "bollinger-breakout"'
    """
    known = names()
    if name not in known:
        remedy = meant(name.lower(), known, f"there are {', '.join(known)}")
        raise InputError(f"no template {name[:40]!r}; {remedy}")
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def summary(name: str) -> str:
    """Return in one line what a template does.

    Raises:
        InputError: There is none of this name.

    >>> summary("overnight-hold")
    "Buys at the closing auction's price and sells at the next open: holds over night alone."
    """
    return read(name).partition("\n")[0].removeprefix("# ")
