"""Open a strategy by the API and follow its fills; needs nothing but Python.

    riskcontrol accounts keys create ann --scope write          # or on the page of the account: Keys
    RISKCONTROL_KEY=rc_... python examples/follow_fills.py http://127.0.0.1:8050 --ticker LPMP

The key comes from the environment: on the command line, every user of the machine could see it. Run again, the script
goes on with the strategy that is open. Ctrl-C ends it; the strategy goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote, urlencode


class Client:
    """Asks the API in the name of a key's owner.

    Args:
        address: Of the server, `http://127.0.0.1:8050`.
        key: `rc_...`.
    """

    def __init__(self, address: str, key: str) -> None:
        if not address.startswith(("http://", "https://")):
            raise SystemExit(f"{address}: an address begins with http:// or https://")
        self._base = f"{address.rstrip('/')}/api/v1"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return an answer; waits and asks again while the server says that this helps.

        Raises:
            SystemExit: It refuses; its problem says why.
        """
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._base}{path}", data, self._headers, method=method)  # noqa: S310
        while True:
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  its scheme is checked above
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if wait := error.headers.get("Retry-After"):
                    time.sleep(float(wait))
                    continue
                problem = json.load(error)
                wrong = [f"  {one['field']}: {one['detail']}" for one in problem.get("errors", [])]
                raise SystemExit("\n".join([f"{error.code}: {problem['detail']}", *wrong])) from None


def main() -> None:
    """Open the strategy, wait until the stream knows it, print its fills as they come."""
    parser = argparse.ArgumentParser(description="Open a strategy and follow its fills.")
    parser.add_argument("address", help="of the server, http://127.0.0.1:8050")
    parser.add_argument("--ticker", required=True, help="what to trade")
    parser.add_argument("--fills", type=int, default=0, help="end after so many; 0 never")
    given = parser.parse_args()
    key = os.environ.get("RISKCONTROL_KEY", "")
    if not key:
        raise SystemExit("set RISKCONTROL_KEY to a key of your account")
    api = Client(given.address, key)
    user = api.ask("GET", "/me")["username"]

    # The name is ours: sent again, the same strategy is not opened twice.
    document = {
        "name": "example-dip",
        "ticker": given.ticker,
        "cash": 10_000,
        "buy": "price <= reference - 0.05",
        "sell": "price >= reference + 0.05",
    }
    here = f"/users/{quote(user)}/strategies"
    opened = api.ask("POST", here, document)
    one = f"{here}/{quote(opened['ticker'])}/{quote(opened['name'])}"
    while opened["status"] == "sent":
        time.sleep(0.5)
        opened = api.ask("GET", one)
    print(f"{opened['name']} on {opened['ticker']} is {opened['status']}.", flush=True)

    cursor, seen = "", 0
    while True:
        page = api.ask("GET", f"{one}/fills?{urlencode({'cursor': cursor})}")
        for fill in page["fills"]:
            did = "bought" if fill["shares"] > 0 else "sold"
            print(f"{fill['time']}  {did} {abs(fill['shares'])} at ${fill['price']} ({fill['reason']})", flush=True)
        seen += len(page["fills"])
        if given.fills and seen >= given.fills:
            return
        cursor = page["next"] or ""
        if not page["more"]:
            time.sleep(1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
