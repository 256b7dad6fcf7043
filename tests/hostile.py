"""Texts that mean something to whatever doesn't take them as texts: CQL, HTML, a terminal, a log, a format."""

from __future__ import annotations

MARK = "injected"
"""Is in each of them."""

HOSTILE = [
    f"'; DROP TABLE accounts; -- {MARK}",
    f"' OR '1'='1{MARK}",
    f'"{MARK}" OR 1=1',
    f"$${MARK}$$",
    f"{{0.__class__}}{{{MARK}}}%s?:{MARK}",
    f"<script>{MARK}</script>",
    f'"><img src=x onerror={MARK}>',
    f"' onmouseover='{MARK}",
    f"javascript:{MARK}",
    f"ann\n2026-01-01 ERROR {MARK}",
    f"ann\r\nset-cookie: {MARK}=1",
    f"\x1b[2J\x1b]0;{MARK}\x07",
    f"\u202e{MARK}\u2028",
    f"=cmd|'/C {MARK}'!A0",
]
"""As usernames, names of strategies and tickers."""
