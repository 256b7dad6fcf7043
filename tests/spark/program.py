"""A program before the real servers and the stream: by the API it opens a strategy, follows its fills, and stops it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from database.accounts import AccountTables, accounts_over
from database.reads import Reader
from database.session import connect
from frontend.api.values import iso, money
from riskcontrol.settings import Settings
from tests.accounts.fake import PASSWORD
from tests.frontend.api.test_example import SCRIPT
from tests.processes import Running, run, until
from tests.spark.test_stream import ends, reached


def follows(settings: Settings, stream: Running, day: Path, ticker: str) -> None:
    """Check a program from its key to the strategy's end; a day is sent meanwhile, on which its strategy trades."""
    accounts_over(AccountTables(connect(settings)), settings).set_password("ann", PASSWORD, now=time.time())
    key = run(settings, "accounts", "keys", "create", "ann", "--scope", "write").stdout.strip()
    with Running(settings, "dashboard", "--port", "0") as dashboard:
        dashboard.wait_for(" is at http://")
        found = re.search(r"http://\S+", dashboard.output)
        assert found is not None
        with subprocess.Popen(
            [sys.executable, str(SCRIPT), found.group(), "--ticker", ticker, "--fills", "3"],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"RISKCONTROL_KEY": key},
        ) as script:
            assert script.stdout is not None
            assert script.stdout.readline() == f"example-dip on {ticker} is waiting.\n"
            sent = run(settings, "ingest", str(day), "--speed", "max")
            assert sent.returncode == 0, sent.stderr
            printed = script.stdout.readlines()
            assert script.wait(120) == 0
        headers = {"authorization": f"Bearer {key}"}
        with httpx.Client(base_url=f"{found.group()}api/v1", headers=headers, timeout=60) as api:
            until(lambda: api.get("/ready").status_code == 200, 60)
            one = f"/users/ann/strategies/{ticker}/example-dip"
            until(lambda: reached(settings, ends(settings)), 60, lambda: stream.output)
            fills = fills_of(api, one)
            assert len(fills) == api.get(one).json()["position"]["fills"] >= 3
            rows = Reader(connect(settings)).fills("ann", ticker, "example-dip")
            assert [(one["time"], one["shares"], one["price"], one["number"]) for one in fills] == [
                (iso(row.time), row.shares, money(row.price), row.number) for row in rows.itertuples()
            ]
            assert [line.split()[0] for line in printed] == [one["time"] for one in fills[: len(printed)]]
            # Each answer is as new as the prices that the server has read, once a second.
            until(lambda: value_at_the_end(api, one) == api.get(one).json()["position"]["value"], 20)
            assert api.get(f"{one}/verdict").json()["decision"]
            assert api.get(f"/bars/{ticker}", params={"interval": "1h"}).json()["bars"]
            assert api.delete(one).status_code == 202
            until(lambda: api.get(one).json()["status"] == "stopped", 60, lambda: stream.output)
            number = key.split("_")[1]
            assert run(settings, "accounts", "keys", "revoke", "ann", number).returncode == 0
            until(lambda: api.get("/me").status_code == 401, 60)


def fills_of(api: httpx.Client, one: str) -> list[dict[str, Any]]:
    """Return all fills of a strategy, read a few at a time."""
    found: list[dict[str, Any]] = []
    cursor, more = "", True
    while more:
        page = api.get(f"{one}/fills", params={"limit": 7, "cursor": cursor}).json()
        found += page["fills"]
        cursor, more = page["next"] or "", page["more"]
    return found


def value_at_the_end(api: httpx.Client, one: str) -> str:
    """Return what a strategy is worth at the end of its graph."""
    value: str = api.get(f"{one}/equity").json()["points"][-1]["value"]
    return value
