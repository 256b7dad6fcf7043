"""What axe finds on a page: https://github.com/dequelabs/axe-core."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

GRAVE = ("serious", "critical")
"""Impacts that no finding may have."""
COLOURS = ("color-contrast", "link-in-text-block")
"""The rules that depend on colours."""


def findings(page: Page, part: str = "", *, colours: bool = False) -> list[str]:
    """Return what is wrong with a page as it is shown, a line for each element; nothing if all is well.

    Args:
        page: What is looked at.
        part: A selector of the only part that is, where the rest has been looked at before.
        colours: Whether only the colours are, where all else has been looked at in others.
    """
    # What is right is only counted: to describe each such element took longer than to look at it.
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if colours:
        options["runOnly"] = COLOURS
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(
        "([part, options]) => axe.run(part || document, options).then(results => results.violations)", [part, options]
    )
    return [
        f"{one['impact']} {one['id']}: {' '.join(map(str, node['target']))}: {node['html'][:160]}: {one['help']}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]
