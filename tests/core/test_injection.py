"""Lines that reach a terminal or a log: what comes from outside doesn't end them, and makes a terminal do nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from ingestion.foreign import decode_trade
from riskcontrol.accounts.account import normal_username
from riskcontrol.accounts.passwords import check_password
from riskcontrol.blocks import OPENINGS_HEADERS, decode, encode, openings_batch
from riskcontrol.errors import RiskControlError
from riskcontrol.settings import load
from riskcontrol.splits import read_splits
from riskcontrol.strategy import check_name, check_ticker, check_username, first_rule
from riskcontrol.strategy_file import of_text
from tests.hostile import HOSTILE


def opening(text: str, column: str) -> None:
    """Read an opening from the tape that has a text as one of its names."""
    batch = openings_batch([first_rule("ann", "dip", "IBM", 10**10, 10**5, 10**5)], time=1_700_000_000_000_000_000)
    at = batch.schema.get_field_index(column)
    batch = batch.set_column(at, batch.schema.field(at), pa.array([text], batch.schema.field(at).type))
    decode(encode(batch), OPENINGS_HEADERS)


def settings(text: str, folder: Path) -> None:
    """Read a file of settings with a text as a name and as a value."""
    (folder / "x.toml").write_text(f"{json.dumps(text)} = {json.dumps(text)}\n")
    load(folder / "x.toml")


def splits(text: str, folder: Path) -> None:
    """Read a file of splits with a text as its ticker."""
    (folder / "x.csv").write_text(f"ticker,ex_date,ratio\n{text},2020-08-31,4:1\n", newline="")
    read_splits(folder / "x.csv")


WAYS: dict[str, Callable[[str, Path], object]] = {
    "a username": lambda text, _: check_username(text),
    "a strategy's name": lambda text, _: check_name(text),
    "a ticker": lambda text, _: check_ticker(text),
    "a username at the door": lambda text, _: normal_username(text),
    "a password": lambda text, _: check_password(f"{text[:4]}{text[:4]}", text),
    "a username on the tape": lambda text, _: opening(text, "username"),
    "a name on the tape": lambda text, _: opening(text, "name"),
    "a ticker on the tape": lambda text, _: opening(text, "ticker"),
    "a foreign trade": lambda text, _: decode_trade(json.dumps({"ticker": text}).encode()),
    "a strategy file": lambda text, _: of_text(json.dumps({"name": text, "ticker": text, text: text}), "json"),
    "a rule": lambda text, _: of_text(json.dumps({"name": "x", "ticker": "IBM", "buy": text}), "json"),
    "settings": settings,
    "splits": splits,
}
"""How a text comes in, by what it is said to be."""


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("way", WAYS)
def test_an_error_is_one_line_that_a_terminal_only_shows(way: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(RiskControlError) as caught:
        WAYS[way](text, tmp_path)
    assert str(caught.value).isprintable(), str(caught.value)
