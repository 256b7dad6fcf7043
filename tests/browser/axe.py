"""What axe finds on a page: https://github.com/dequelabs/axe-core."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = ("serious", "critical")
"""Impacts that no finding may have."""


def findings(page: Page) -> list[str]:
    """Return what is wrong with a page as it is shown, a line for each element; nothing if all is well."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['impact']} {one['id']}: {' '.join(map(str, node['target']))}: {node['html'][:160]}: {one['help']}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]
