"""Who asks, and whether everything runs."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from frontend.access import viewer
from frontend.api import models
from frontend.api.server import RETRY, Addresses
from frontend.context import Context
from frontend.pages.health import ask_kafka
from frontend.pulse import State
from frontend.watch import Watch
from riskcontrol.errors import ServerError

_NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {
        "model": models.Ready,
        "description": "Database or tape don't answer.",
        "content": {
            "application/json": {"example": {"ready": False, "database": True, "tape": False, "stream": "running"}}
        },
    }
}


def register(addresses: Addresses, context: Context) -> None:
    """Add the addresses."""
    tape = Watch("kafka", lambda: ask_kafka(context.settings))

    @addresses.add("GET", "/health", tag="state", open_=True)
    def read_health() -> models.Health:
        """Tell that the server answers, and whether the database does."""
        try:
            context.market.snapshot()
        except ServerError:
            return models.Health(ok=True, database=False)
        return models.Health(ok=True, database=True)

    @addresses.add("GET", "/ready", tag="state", open_=True, responses={200: {"model": models.Ready}, **_NOT_READY})
    def read_readiness() -> Response:
        """Tell whether strategies can be read and opened: database and tape answer."""
        try:
            state, database = context.market.snapshot().pulse.state, True
        except ServerError:
            state, database = State.STOPPED, False
        up = tape.answer().up is True
        ready = models.Ready(ready=database and up, database=database, tape=up, stream=state.value)
        return JSONResponse(ready.model_dump(), 200 if ready.ready else 503, None if ready.ready else RETRY)

    @addresses.add("GET", "/me", tag="state")
    def read_me() -> models.Me:
        """Tell who asks, and what the key may do."""
        who = viewer()
        return models.Me(username=who.username, admin=who.everything, scope="read" if who.only_reads else "write")
