"""People for the benchmark of viewers: accounts for generated users, their keys, and their way in by the form."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import quote_plus, urlsplit

from bench.viewers_http import Client
from bench.viewers_load import Viewer
from database.accounts import AccountTables, accounts_over
from database.session import connect
from frontend.gate import BROWSER
from riskcontrol.accounts.keys import Scope
from riskcontrol.accounts.passwords import MOST_AT_A_TIME
from riskcontrol.errors import ServerError
from riskcontrol.rows import Openings
from riskcontrol.settings import Settings

_PATIENCE = 60.0


def accounts(settings: Settings, openings: Openings, count: int, seed: int) -> tuple[list[Viewer], str]:
    """Give some users accounts and keys, as an admin does; returns them, the longest ticker first, and their password.

    Args:
        settings: Where the tables are.
        openings: The strategies of all.
        count: How many get accounts; no more than there are.
        seed: Of who does.
    """
    made, password = accounts_over(AccountTables(connect(settings)), settings), secrets.token_urlsafe(24)
    picked = random.Random(seed).sample(range(len(openings)), min(count, len(openings)))

    def one(i: int) -> Viewer:
        names = {name: getattr(openings, column)[i].decode()
                 for name, column in (("user", "username"), ("ticker", "ticker"), ("name", "name"))}  # fmt: skip
        made.set_password(names["user"], password, now=time.time())
        token, _ = made.keys.create(names["user"], Scope.READ, now=time.time())
        return Viewer(names, key=token)

    threads = ThreadPoolExecutor(MOST_AT_A_TIME)
    try:
        found = list(threads.map(one, picked))
    finally:  # Ctrl-C doesn't wait for those that nobody has begun
        threads.shutdown(cancel_futures=True)
    # The first one's requests are recorded: its ticker must be no part of other words in them.
    return sorted(found, key=lambda viewer: -len(viewer.names["ticker"])), password


async def signed_in(address: str, viewers: list[Viewer], password: str) -> list[Viewer]:
    """Return viewers with the cookies that the form of the pages gave them.

    Args:
        address: Of the pages.
        viewers: Who have accounts.
        password: Theirs.

    Raises:
        ServerError: Somebody isn't let in.
    """
    where = urlsplit(address)
    headers = {"content-type": "application/x-www-form-urlencoded"}
    client = Client(where.hostname or "", where.port or 80, headers, patience=_PATIENCE)
    turn = asyncio.Semaphore(MOST_AT_A_TIME)

    async def one(viewer: Viewer) -> Viewer:
        body = f"username={quote_plus(viewer.names['user'])}&password={quote_plus(password)}"
        deadline = time.monotonic() + _PATIENCE
        while True:
            async with turn:
                answer = await client.ask("POST", "/sign-in", body.encode())
            if answer.status != 503 or time.monotonic() > deadline:
                break
            await asyncio.sleep(1.0)  # too many passwords at once for a busy machine
        # Beside the session comes what tells the browser from others.
        cookies = [cookie for cookie in answer.cookies if not cookie.partition("=")[0].endswith(BROWSER)]
        if answer.status != 303 or len(cookies) != 1:
            raise ServerError(f"{viewer.names['user']} isn't let in: {answer.status}", server="dashboard")
        return replace(viewer, cookie=cookies[0])

    try:
        return list(await asyncio.gather(*map(one, viewers)))
    finally:
        client.close()
