"""Files of fills and equity: exact, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from decimal import Decimal
from itertools import islice

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend import exports
from frontend.api.problems import ProblemError
from frontend.exports import (
    AT_A_TIME,
    CUT,
    MOST_OF_ACCOUNT,
    MOST_WAITING,
    Turns,
    csv_text,
    decimals,
    equity_table,
    fills_table,
    guarded,
)
from riskcontrol.equity import Equity
from riskcontrol.money import to_micros
from riskcontrol.rows import Ints
from tests.frontend.accounts import house
from tests.frontend.fake import FILLS, OPEN, FakeReader

FILES = "/api/v1/users/ann/strategies/IBM/dip"
INTS = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20).map(lambda values: np.array(values, np.int64))


@given(INTS)
def test_every_amount_comes_back_to_the_micro_dollar(micros: Ints) -> None:
    read = decimals(micros).to_pylist()
    assert [int(value.scaleb(6)) for value in read] == micros.tolist()
    assert all(value.as_tuple().exponent == -6 for value in read)
    written = csv.reader(io.StringIO(csv_text(pa.table({"cash": decimals(micros)}))))
    assert [Decimal(row[0]) for row in list(written)[1:]] == read


def test_fills_are_written_with_names_and_exact_amounts() -> None:
    row = (OPEN + 1, 7, 181_700_000, -55, 5, 10_000_000_000_000_001, 12, "trailing_stop")
    frame = pd.DataFrame([row], columns=list(FILLS))
    (read,) = csv.DictReader(io.StringIO(csv_text(fills_table(frame))))
    assert read == {
        "number": "7",
        "time": "2013-10-07T13:30:00.000000001Z",
        "new_york": "2013-10-07 09:30:00",
        "reason": "trailing_stop",
        "shares": "-55",
        "price": "181.700000",
        "fee": "0.000005",
        "cash": "10000000000.000001",
        "sequence": "12",
    }


def test_equity_is_written_with_all_of_its_columns() -> None:
    columns = {name: np.array([n]) for n, name in enumerate(("price", "cash", "shares", "value", "profit"), 1)}
    table = equity_table(Equity(time=np.array([OPEN]), **columns))
    (row,) = table.to_pylist()
    assert (to_micros(row["price"]), to_micros(row["cash"]), row["shares"]) == (1, 2, 3)
    assert (to_micros(row["value"]), to_micros(row["profit"])) == (4, 5)
    assert table["time"].type == pa.timestamp("ns", "UTC")


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_is_no_formula(begin: str) -> None:
    written = csv_text(pa.table({"reason": [f"{begin}cmd|' /C calc'!A0"]}))
    (_, (cell,)) = csv.reader(io.StringIO(written, newline=""))
    assert cell[0] == "'"
    assert guarded("buy") == "buy"


def test_nothing_to_write_is_a_header_alone() -> None:
    nothing = pd.DataFrame({name: [] for name in FILLS}).astype(dict.fromkeys(FILLS[:-1], "int64"))
    assert csv_text(fills_table(nothing)).count("\n") == 1


def test_a_file_that_leaves_something_out_says_so(
    client: httpx.Client, tables: FakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = client.get(f"{FILES}/fills.csv")
    assert CUT not in whole.headers
    assert whole.headers["content-disposition"].endswith('-dip-fills.csv"')
    monkeypatch.setattr(exports, "MOST_FILLS", 2)
    cut = client.get(f"{FILES}/fills.csv")
    assert cut.headers[CUT] == "the newest 2 of 3 fills, by time; the others are left out"
    assert cut.headers["content-disposition"].endswith('-dip-fills-newest-2.csv"')
    assert len(cut.text.splitlines()) == 1 + 2, "what reads it finds rows alone"
    table = pq.read_table(io.BytesIO(client.get(f"{FILES}/fills.parquet").content))
    assert table.schema.metadata[CUT.encode()] == cut.headers[CUT].encode()
    assert table["number"].to_pylist() == [2, 3]


def test_fills_that_a_replayed_day_puts_before_the_others_are_missed_where_they_are_left_out(
    client: httpx.Client, tables: FakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = tables.fill_rows["ann", "IBM", "dip"]
    rows.insert(0, (OPEN, 4, *rows[1][2:]))  # the newest one, at the oldest time
    tables.position_rows[0] = replace(tables.position_rows[0], fills=4)
    assert CUT not in client.get(f"{FILES}/fills.csv").headers
    monkeypatch.setattr(exports, "MOST_FILLS", 3)
    cut = client.get(f"{FILES}/fills.csv")
    assert [row["number"] for row in csv.DictReader(io.StringIO(cut.text))] == ["1", "2", "3"]
    assert cut.headers[CUT] == "the newest 3 of 4 fills, by time; the others are left out"


def test_the_equity_of_a_history_that_is_cut_says_from_when_on_it_is(client: httpx.Client, tables: FakeReader) -> None:
    assert CUT not in client.get(f"{FILES}/equity.csv").headers
    del tables.fill_rows["ann", "IBM", "dip"][0]  # the older ones are beyond what is read
    tables.position_rows[0] = replace(tables.position_rows[0], fills=4)  # or it would be as it was
    cut = client.get(f"{FILES}/equity.csv")
    assert cut.headers[CUT] == "from 2013-10-07 09:50:00 New York on; older history is left out"
    assert cut.headers["content-disposition"].endswith('-dip-equity-from-2013-10-07.csv"')


def test_of_many_who_ask_for_files_at_once_a_few_wait_and_the_others_are_refused(
    client: httpx.Client, tables: FakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PATIENCE_SECONDS", 600.0)  # nobody is refused after waiting
    inside, go_on, found = threading.Semaphore(0), threading.Event(), exports.found

    def slow(*given: object) -> object:
        inside.release()
        assert go_on.wait(60)
        return found(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(exports, "found", slow)
    many = 60  # more than the threads that callbacks have
    with ThreadPoolExecutor(many) as asking:
        asked = [asking.submit(client.get, f"{FILES}/fills.csv") for _ in range(many)]
        refused = many - AT_A_TIME - MOST_WAITING
        try:
            for _ in range(AT_A_TIME):
                assert inside.acquire(timeout=60)
            done = []
            for one in as_completed(asked, timeout=60):
                done.append(one.result())
                if len(done) == refused:
                    break
            assert {one.status_code for one in done} == {503}
            assert {one.headers["retry-after"] for one in done} == {"5"}
            assert client.get("/_dash-layout").status_code == 200
        finally:
            go_on.set()
    assert [one.result().status_code for one in asked].count(200) == AT_A_TIME + MOST_WAITING


def test_whoever_has_waited_too_long_for_a_file_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PATIENCE_SECONDS", 0.0)
    turns = Turns()
    with turns.turn("ann"), turns.turn("bob"):
        for _ in range(MOST_WAITING + 1):
            with pytest.raises(ProblemError, match="other files are being made"), turns.turn("cyd"):
                pytest.fail("there is no turn")
        assert turns.inside.total() == AT_A_TIME
    with turns.turn("ann"):
        assert turns.inside == {"ann": 1}
    assert turns.inside == {}


def test_an_account_that_asks_for_many_files_leaves_turns_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PATIENCE_SECONDS", 600.0)
    go_on, found = threading.Event(), exports.found

    def slow(*given: object) -> object:
        assert go_on.wait(60)
        return found(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(exports, "found", slow)
    with house() as home, ThreadPoolExecutor(8) as asking:
        ann, bob = home.signed_in("ann"), home.signed_in("bob")
        hers = [asking.submit(ann.get, f"{FILES}/fills.csv") for _ in range(6)]
        try:
            refused = list(islice(as_completed(hers, timeout=60), 6 - MOST_OF_ACCOUNT))
            assert {one.result().status_code for one in refused} == {429}
            said = refused[0].result()
            assert said.json()["detail"] == "wait for your other files: 2 at a time are made for an account"
            assert said.headers["retry-after"] == "5"
            his = asking.submit(bob.get, "/api/v1/users/bob/strategies/BAC/mine/fills.csv")
        finally:
            go_on.set()
        assert his.result().status_code == 200
        assert [one.result().status_code for one in hers].count(200) == MOST_OF_ACCOUNT
