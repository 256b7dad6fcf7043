"""Opening and stopping strategies on the tape, with what was sent and isn't in the tables yet."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from database.reads import StrategyRow
from frontend.access import require_change
from frontend.api.problems import ProblemError, Wrong
from frontend.context import Context
from riskcontrol.errors import ServerError
from riskcontrol.strategy import Action, Strategy

KEPT_SECONDS = 3_600.0
"""How long an opening that the stream hasn't confirmed is remembered."""
MOST_KEPT = 10_000
_WHAT = ("cash", "shape", "parameters", "terms")
"""What makes a strategy another one under the same name."""

Names = tuple[str, str, str]


class Sent:
    """Remembers what was sent to the tape lately, so that sending it again does nothing and reading it finds it.

    Args:
        clock: Seconds that only grow; another one in tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Names, tuple[float, Strategy]] = OrderedDict()

    def find(self, username: str, ticker: str, name: str) -> Strategy | None:
        """Return what was sent under these names."""
        with self._lock:
            at, strategy = self._kept.get((username, ticker, name), (0.0, None))
        return strategy if self._clock() - at < KEPT_SECONDS else None

    def claim(self, strategy: Strategy) -> Strategy | None:
        """Return what was sent under a strategy's names; if there is nothing, note it. Of two at once, one does."""
        with self._lock:
            now, names = self._clock(), _names(strategy)
            at, known = self._kept.get(names, (0.0, None))
            if known is not None and now - at < KEPT_SECONDS:
                return known
            self._kept[names] = now, strategy
            self._kept.move_to_end(names)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return None

    def drop(self, strategy: Strategy) -> None:
        """Forget a strategy that couldn't be sent."""
        with self._lock:
            self._kept.pop(_names(strategy), None)


def open_(context: Context, sent: Sent, strategy: Strategy) -> None:
    """Send a strategy's opening to the tape, unless it is there already.

    Args:
        context: What callbacks share.
        sent: What was sent lately.
        strategy: Of whoever asks.

    Raises:
        Refused: It is another's.
        ProblemError: Another one has its name.
        ServerError: The database or the tape is away.
    """
    require_change(strategy.username)
    row = context.source.read(lambda reader: reader.strategy(*_names(strategy)))
    known = row or sent.claim(strategy)
    if known is None:
        try:
            context.publish(strategy, Action.OPEN)
        except ServerError:
            sent.drop(strategy)
            raise
        return
    which = f"{strategy.name} on {strategy.ticker}"
    if any(getattr(known, part) != getattr(strategy, part) for part in _WHAT):
        raise _taken(f"{which} is there already, with other rules, cash or options; give this one another name")
    if row is not None and row.stopped is not None:
        raise _taken(f"{which} was stopped, for good; give this one another name")


def stop(context: Context, strategy: Strategy) -> None:
    """Send a strategy's stop to the tape, unless it has stopped.

    Raises:
        Refused: It is another's.
        ServerError: The tape is away.
    """
    require_change(strategy.username)
    if not (isinstance(strategy, StrategyRow) and strategy.stopped is not None):
        context.publish(strategy, Action.STOP)


def _names(strategy: Strategy) -> Names:
    return strategy.username, strategy.ticker, strategy.name


def _taken(detail: str) -> ProblemError:
    return ProblemError(409, f"name: {detail}", [Wrong("name", detail)])
