"""Scripts that stand in a page itself, and how its content policy names them."""

from __future__ import annotations

import base64
import hashlib

SCHEME = """
            // The colour scheme before anything is drawn: no flash of the wrong one.
            (function () {
                var chosen = "auto";
                try { chosen = localStorage.getItem("mantine-color-scheme-value") || "auto"; } catch (error) {}
                var dark = chosen === "dark" ||
                    (chosen === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
                document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
            })();
        """
"""Stands before the first style sheet."""

FORGET = """
            // Who signs in next at this browser finds no draft and no name of who was here before.
            try { sessionStorage.clear(); localStorage.removeItem("visitor"); } catch (error) {}
        """
"""Stands in the page on which one signs in."""


def source(script: str) -> str:
    """Return how a content policy allows a script, by its hash.

    >>> source("1")
    "'sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s='"
    """
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
