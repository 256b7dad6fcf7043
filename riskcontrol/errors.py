"""Every error that RiskControl raises on purpose.

::

    RiskControlError
    ├── InputError        a trade file or other input can't be used (.source, .line, .field)
    ├── StrategyError     a strategy can't be accepted               (.field)
    ├── AccountError      a name, password or link can't be accepted (.field)
    │   ├── TooSoon       after too many attempts                    (.seconds)
    │   └── TooBusy       while too many passwords are checked
    ├── AlertError        a rule or address of alerts can't be accepted (.field)
    ├── DeliveryError     a message wasn't accepted where it was sent
    ├── TapeError         a record of the tape can't be used         (.reason)
    ├── StateError        a shard's state doesn't fit the tape       (.shard)
    │   └── StateLost     it is damaged or of an older version: a snapshot or the tape can replace it
    ├── SettingsError     a setting is missing or wrong              (.source, .line, .field)
    └── ServerError       a local server or a remote one fails us    (.server)
        ├── TablesMissing the database answers, and lacks tables or columns
        └── RowDamaged    a row can't be read; others can

The command line prints the message of these and exits with 1; any other exception is a fault of ours.
"""

from __future__ import annotations

import math

_MINUTES_FROM = 120


class RiskControlError(Exception):
    """Base of all errors raised on purpose; its text says what is wrong and what to do.

    They can be pickled, whatever their constructor takes: Spark's workers send them to the driver.
    """

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), self.args, self.__dict__)


def _restored(
    kind: type[RiskControlError], args: tuple[object, ...], attributes: dict[str, object]
) -> RiskControlError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


def _place(source: str, line: int | None, field: str | None) -> str:
    """Return where an error is, in the one way in which all of them say it."""
    return ", ".join(part for part in (source, f"line {line}" if line is not None else "", field or "") if part)


class InputError(RiskControlError):
    """A trade file, a line of it or a field of that line can't be used.

    Args:
        message: What is wrong and how to mend it.
        source: File or URL.
        line: One-based line in it, where known.
        field: The column or field, where known.
    """

    def __init__(self, message: str, *, source: str = "", line: int | None = None, field: str | None = None) -> None:
        place = _place(source, line, field)
        super().__init__(f"{place}: {message}" if place else message)
        self.source = source
        self.line = line
        self.field = field


class StrategyError(RiskControlError):
    """A strategy, or the name of its user, can't be accepted.

    Args:
        message: What is wrong and what is expected.
        field: The field of the strategy that is wrong.
    """

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(f"{field}: {message}")
        self.message = message
        self.field = field


class AccountError(RiskControlError):
    """Somebody can't have the account, the session or the link that they ask for.

    Args:
        message: What is wrong and what is expected; nothing that tells whose names there are.
        field: The field that is wrong; empty where none of them is.
    """

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.message = message
        self.field = field


class TooSoon(AccountError):
    """Too many attempts were made; the next one has to wait.

    Args:
        seconds: How long.
    """

    def __init__(self, seconds: float) -> None:
        number, unit = math.ceil(seconds), "second"
        if number > _MINUTES_FROM:
            number, unit = math.ceil(seconds / 60), "minute"
        wait = f"{number:,} {unit}{'s' * (number != 1)}"
        super().__init__(f"there were too many attempts; try again in {wait}", field="")
        self.seconds = seconds


class TooBusy(AccountError):
    """Too many passwords are checked at the moment; whether this one is right isn't known."""

    def __init__(self) -> None:
        super().__init__("too many people sign in at the moment; try again in a minute", field="")


class AlertError(RiskControlError):
    """What somebody wants to be told, or where, can't be accepted.

    Args:
        message: What is wrong and what is expected.
        field: The field that is wrong.
    """

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(f"{field}: {message}")
        self.message = message
        self.field = field


class DeliveryError(RiskControlError):
    """A message wasn't accepted where it was sent; its text says why."""


class TapeError(RiskControlError):
    """A record of the tape can't be used.

    Args:
        reason: What is wrong with it, short enough for a log line.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StateError(RiskControlError):
    """A shard's state doesn't fit the tape or can't be read.

    Args:
        message: What is wrong and how to mend it.
        shard: Number of the shard.
    """

    def __init__(self, message: str, *, shard: int) -> None:
        super().__init__(f"shard {shard}: {message}")
        self.message = message
        self.shard = shard


class StateLost(StateError):
    """A shard's state is damaged, or of an older version of the program: a snapshot or the tape can replace it."""


class SettingsError(RiskControlError):
    """A setting is missing or wrong.

    Args:
        message: What is wrong and how to set it.
        field: Name of the setting.
        source: File that says it, where known.
        line: One-based line in it, where known.
    """

    def __init__(self, message: str, *, field: str, source: str = "", line: int | None = None) -> None:
        super().__init__(f"{_place(source, line, field)}: {message}")
        self.field = field
        self.source = source
        self.line = line


class ServerError(RiskControlError):
    """A server can't be started, reached or used.

    Args:
        message: What happened and what to look at.
        server: Which one ("kafka", "cassandra", "s3", ...).
    """

    def __init__(self, message: str, *, server: str) -> None:
        super().__init__(f"{server}: {message}")
        self.server = server


class TablesMissing(ServerError):
    """The database answers, and the keyspace, or tables or columns in it, aren't there: a newer version has more."""


class RowDamaged(ServerError):
    """The database answers, and one of its rows can't be read; its text names the table and the row."""
