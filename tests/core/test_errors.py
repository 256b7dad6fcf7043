"""Errors go from one process to another as they are."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator

import pytest

from bench.peers.environment import PeerError
from riskcontrol import errors
from riskcontrol.errors import RiskControlError
from riskcontrol.indicators.barfile import NoTickerColumn
from riskcontrol.language.errors import LanguageError

ERRORS = [
    RiskControlError("what is wrong"),
    errors.InputError("is bad", source="x.gz", line=3, field="price"),
    errors.InputError("is bad"),
    NoTickerColumn("has no ticker", source="bars.csv", line=1, field="ticker"),
    errors.StrategyError("is bad", field="buy"),
    LanguageError("unknown word", text="smaa > 3", column=1, expected="did you mean 'sma'?", field="sell"),
    errors.AccountError("is taken", field="username"),
    errors.TooSoon(7.5),
    errors.TooBusy(),
    errors.AlertError("must be like 22:00-07:00", field="quiet"),
    errors.DeliveryError("status 500"),
    errors.TapeError("not an Arrow stream"),
    errors.StateError("is of another tape", shard=3),
    errors.StateLost("is damaged", shard=3),
    errors.SettingsError("is missing", field="kafka"),
    errors.ServerError("no answer", server="kafka"),
    errors.TablesMissing("table accounts does not exist", server="cassandra"),
    errors.RowDamaged("row 'ann' of alerts is damaged", server="cassandra"),
    PeerError("can't be installed", peer="vectorbt"),
]


def kinds(kind: type[RiskControlError]) -> Iterator[type[RiskControlError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from kinds(each)


def test_there_is_an_example_of_every_error() -> None:
    assert set(kinds(RiskControlError)) == {type(error) for error in ERRORS}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_comes_out_of_another_process_as_it_went_in(error: RiskControlError) -> None:
    error.add_note("while reading the tape")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301  our own
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 second"), (1.5, "2 seconds"), (120, "120 seconds"), (121, "3 minutes"), (3_600, "60 minutes")],
)
def test_how_long_to_wait_is_said_in_whole_numbers(seconds: float, said: str) -> None:
    assert str(errors.TooSoon(seconds)) == f"there were too many attempts; try again in {said}"
