"""Daily TAQ: every line is a trade, dropped by its correction, or a reject with a reason."""

import datetime as dt
import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion import text
from ingestion.taq import day_of
from riskcontrol.errors import InputError
from riskcontrol.money import MAX_PRICE, to_micros
from riskcontrol.trades import HIGH_LOW, LAST, MAX_SIZE, REGULAR, VOLUME
from tests.ingestion.trade_files import DAY, HEADER, MIDNIGHT, Read, row, taq

HOUR = 3600 * 10**9
ALL = LAST | HIGH_LOW | VOLUME


def test_a_line_becomes_a_trade() -> None:
    read = Read(taq([row("093000000000001", "BRK B", " O  ", "7", "173000.5", "01", "42")]))
    assert read.error is None
    assert read.trades == [
        {
            "ticker": "BRK.B",
            "time": MIDNIGHT + 9 * HOUR + HOUR // 2 + 1,
            "price": 173_000_500_000,
            "size": 7,
            "flags": ALL | REGULAR,
            "sequence": 42,
        }
    ]
    assert read.report.complete


@pytest.mark.parametrize(
    ("price", "micros"),
    [
        ("613149", 613_149_000_000),
        ("13.9", 13_900_000),
        (".5", 500_000),
        ("0.000001", 1),
        ("181.8500000", 181_850_000),
        (" 1.25 ", 1_250_000),
        ("10000000", MAX_PRICE),
    ],
)
def test_prices_are_exact(price: str, micros: int) -> None:
    assert [trade["price"] for trade in Read(taq([row(price=price, size="1")])).trades] == [micros]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"time": "250000000000000"}, "unreadable time"),
        ({"time": "09300000000000"}, "unreadable time"),
        ({"time": "0930x0000000000"}, "unreadable time"),
        ({"time": ""}, "unreadable time"),
        ({"symbol": ""}, "not a symbol"),
        ({"symbol": "<script>"}, "not a symbol"),
        ({"symbol": "ABCDEFGHIJKLMNOPQ"}, "not a symbol"),
        ({"condition": "@?"}, "unknown letter in the sale condition"),
        ({"condition": "\xe9"}, "unknown letter in the sale condition"),
        ({"condition": "@" * 17}, "unreadable sale condition"),
        ({"size": "100.5"}, "unreadable size"),
        ({"size": "-1"}, "unreadable size"),
        ({"size": "0"}, "size not between"),
        ({"size": str(MAX_SIZE + 1)}, "size not between"),
        ({"price": "12,5"}, "unreadable price"),
        ({"price": "1e3"}, "unreadable price"),
        ({"price": "nan"}, "unreadable price"),
        ({"price": "."}, "unreadable price"),
        ({"price": "1.0000001"}, "more than six decimal places"),
        ({"price": "0"}, "not above 0"),
        ({"price": "-1.5"}, "not above 0"),
        ({"price": "10000000.01"}, "price over"),
        ({"price": "9" * 60}, "price over"),
        ({"price": "10000000", "size": "1001"}, "price × size over"),
        ({"correction": "03"}, "unknown correction"),
        ({"correction": ""}, "unknown correction"),
        ({"sequence": "x"}, "unreadable sequence"),
        ({"sequence": ""}, "unreadable sequence"),
        ({"source": "C|"}, "wrong number of fields"),
    ],
)
def test_what_cannot_be_read_is_counted_by_reason_and_the_rest_delivered(changed: dict[str, str], reason: str) -> None:
    read = Read(taq([row(), row(**changed), row()]))
    assert read.error is None
    assert len(read.trades) == 2
    assert sum(read.report.rejected.values()) == 1
    assert reason in next(iter(read.report.rejected))
    assert read.report.lines == 3


def test_rejects_are_kept_with_file_line_reason_and_text(tmp_path: Path) -> None:
    rejects = tmp_path / "new" / "rejects.tsv"
    body = taq([row(), row(price="\x1b[2J"), row(), "short|line", row(size="1" * 600)])
    Read(body, rejects=rejects)
    Read(taq([row(price="0")]), rejects=rejects, source="other")
    Read(body, rejects=rejects)  # a second reading does not double its lines
    header, *lines = rejects.read_text("utf-8").splitlines()
    assert header.split("\t") == ["file", "line", "reason", "text"]
    fields = [line.split("\t") for line in lines]
    assert [(file, line, reason) for file, line, reason, _ in fields] == [
        ("other", "2", "price not above 0"),
        ("x_20131007.gz", "3", "unreadable price"),
        ("x_20131007.gz", "5", "wrong number of fields"),
        ("x_20131007.gz", "6", "unreadable size"),
    ]
    assert r"|\x1b[2J|" in fields[1][3]
    assert fields[3][3].endswith("...")


def test_a_file_that_is_no_rejects_file_is_not_overwritten(tmp_path: Path) -> None:
    mine = tmp_path / "thesis.txt"
    mine.write_text("years of work\n")
    assert isinstance(Read(taq([row(price="0")]), rejects=mine).error, InputError)
    assert mine.read_text() == "years of work\n"


def test_corrected_trades_stay_and_cancelled_ones_are_dropped_whatever_else_they_hold() -> None:
    kept, dropped = ("00", "01", "02", "0"), ("07", "08", "10", "11", "12")
    read = Read(taq([row(correction=code, price="0" if code in dropped else "1") for code in kept + dropped]))
    assert (len(read.trades), read.report.dropped, read.report.rejected) == (4, 5, {})
    assert read.report.complete


@pytest.mark.parametrize(
    ("conditions", "last"),
    [
        (["Z", "@", "Z", "Z"], [True, True, False, False]),
        (["I", "M", "4", "P"], [False, False, True, False]),
        (["9", "G"], [True, False]),
    ],
)
def test_some_letters_set_last_only_if_none_has_before(conditions: list[str], last: list[bool]) -> None:
    read = Read(taq([row(condition=condition) for condition in conditions]))
    assert [bool(trade["flags"] & LAST) for trade in read.trades] == last


def test_a_dropped_or_rejected_trade_sets_no_last() -> None:
    read = Read(taq([row(correction="08"), row(price="0"), row(condition="Z")]))
    assert [trade["flags"] & ALL for trade in read.trades] == [ALL]


@pytest.mark.parametrize(
    ("source", "exchange", "average"),
    [("C", "Q", True), ("N", "N", False), ("", "Q", False), ("", "T", True), ("", "", True)],
)
def test_the_source_or_else_the_exchange_tells_what_b_means(source: str, exchange: str, average: bool) -> None:
    trade = Read(taq([row(condition="B", source=source, exchange=exchange)])).trades[0]
    assert bool(trade["flags"] & LAST) is not average


@pytest.mark.parametrize(
    ("day", "time", "regular"),
    [
        ("20131007", "092959999999999", False),
        ("20131007", "093000000000000", True),
        ("20131007", "155959999999999", True),
        ("20131007", "160000000000000", False),
        ("20131129", "125959999999999", True),  # the day after Thanksgiving closes at one
        ("20131129", "130000000000000", False),
        ("20131006", "120000000000000", False),  # a Sunday
        ("20131225", "120000000000000", False),
    ],
)
def test_regular_hours_are_those_of_the_exchange(day: str, time: str, regular: bool) -> None:
    date = dt.date.fromisoformat(day)
    trade = Read(taq([row(time, condition="6")], date), date).trades[0]
    assert bool(trade["flags"] & REGULAR) is regular
    assert trade["flags"] & ALL == ALL  # an auction's print counts for the day's bar, whenever it comes


@pytest.mark.parametrize(
    ("day", "time", "utc"),
    [
        ("20140307", "120000000000000", "2014-03-07T17:00:00"),  # winter
        ("20140310", "120000000000000", "2014-03-10T16:00:00"),  # summer
        ("20140309", "013000000000000", "2014-03-09T06:30:00"),  # before and after the clocks change
        ("20140309", "033000000000000", "2014-03-09T07:30:00"),
        ("20141102", "013000000000000", "2014-11-02T05:30:00"),  # comes twice: the first
        ("20141102", "023000000000000", "2014-11-02T07:30:00"),
        ("20140310", "120000123", "2014-03-10T16:00:00.123"),
        ("20140310", "120000123456", "2014-03-10T16:00:00.123456"),
    ],
)
def test_times_are_new_yorks(day: str, time: str, utc: str) -> None:
    date = dt.date.fromisoformat(day)
    trade = Read(taq([row(time)], date), date).trades[0]
    stamp = dt.datetime.fromisoformat(utc).replace(tzinfo=dt.UTC)
    assert trade["time"] == round(stamp.timestamp() * 10**6) * 1000


@pytest.mark.parametrize(
    ("trailer", "message"),
    [
        ("END|20131008|1", "trailer is of 2013-10-08"),
        ("END|20131007|2", "counts 2 trades, the file has 1"),
        ("END|2013|1", "is not END"),
        ("", "trailer END|YYYYMMDD|count is missing"),
    ],
)
def test_a_trailer_that_disagrees_is_an_error_after_the_trades(trailer: str, message: str) -> None:
    read = Read(taq([row()], trailer=trailer))
    assert len(read.trades) == 1
    assert isinstance(read.error, InputError)
    assert message in str(read.error)
    assert not read.report.complete


@pytest.mark.parametrize("trailer", ["END|20131007|1", "END|20131007|1" + "|" * 14, "END|20131007|1\r\n\r\n"])
def test_a_trailer_may_have_any_number_of_fields(trailer: str) -> None:
    assert Read(taq([row()], trailer=trailer)).report.complete


def test_lines_after_the_trailer_are_rejects() -> None:
    read = Read(taq([row()]) + row().encode())
    assert read.report.rejected == {"line after the trailer": 1}
    assert len(read.trades) == 1


def test_names_of_columns_and_their_order_may_vary() -> None:
    body = b"symbol|TRADE PRICE|Volume|time|Sale_Condition|Sequence Number|Correction Indicator|New\r\n"
    body += b"IBM|181.85|100|100000000000000|@|1|00|x\r\nEND|20131007|1\r\n"
    read = Read(body)
    assert read.error is None
    assert [(trade["ticker"], trade["price"]) for trade in read.trades] == [("IBM", 181_850_000)]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "empty"),
        (gzip.compress(b"", mtime=0), "empty"),
        (b"hello\n", "neither a Daily TAQ nor a WRDS"),
        (b"\xff\x00\x8f|" * 50, "neither a Daily TAQ nor a WRDS"),
        (b"Time|Symbol\n", "no column for"),
        (HEADER.replace("Trade Id", "Symbol").encode() + b"\n", "two columns say the same"),
        (gzip.compress(taq([row()]), mtime=0)[:8], "cut short"),
        (b"\x1f\x8b" + b"x" * 100, "damaged"),
    ],
)
def test_what_is_no_trade_file_is_refused(body: bytes, message: str) -> None:
    read = Read(body)
    assert isinstance(read.error, InputError)
    assert message in str(read.error)
    assert str(read.error).startswith("x_20131007.gz")
    assert read.trades == []


def test_a_line_without_end_is_refused() -> None:
    read = Read([taq([row()], trailer=""), *[b"x" * text.BLOCK] * 3])
    assert "longer than" in str(read.error)


def test_a_truncated_gzip_keeps_what_came_before() -> None:
    rows = [row(price=f"{i}.{i * 7919 % 1000:03}", sequence=str(i)) for i in range(1, 5_000)]
    body = gzip.compress(taq(rows))
    read = Read(body[: len(body) // 2])
    assert "cut short" in str(read.error)
    assert 1_000 < len(read.trades) < 4_999
    assert [trade["sequence"] for trade in read.trades] == list(range(1, len(read.trades) + 1))
    assert read.report.rejected == {}


def test_damage_in_the_middle_of_a_gzip_keeps_what_came_before() -> None:
    rows = [row(price=f"{i}.{i * 7919 % 1000:03}", sequence=str(i * i)) for i in range(1, 9_000)]
    body = bytearray(gzip.compress(taq(rows)))
    body[len(body) // 2] ^= 0xFF
    read = Read(bytes(body))
    assert isinstance(read.error, InputError)
    assert len(read.trades) > 1_000


def test_gzip_of_several_members_and_padding_is_read() -> None:
    body = taq([row()] * 3)
    assert Read(gzip.compress(body[:100]) + gzip.compress(body[100:]) + b"\0" * 64).report.complete


def test_too_many_bad_lines_end_the_reading_before_their_block_is_delivered() -> None:
    read = Read(taq([row(price="0")] * 2 + [row()] * 98), share=0.01)
    assert "2 of the first 100 lines can't be read, more than 1.00%: 2 × price not above 0" in str(read.error)
    assert read.trades == []


def test_as_many_bad_lines_as_allowed_are_put_up_with() -> None:
    read = Read(taq([row(price="0")] + [row()] * 99), share=0.01)
    assert read.error is None
    assert len(read.trades) == 99


def test_more_bad_lines_at_first_than_on_the_whole_are_judged_after_a_thousand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "BLOCK", 4_096)
    read = Read(taq([row(price="0")] * 9 + [row()] * 991), share=0.01)
    assert read.error is None
    assert len(read.trades) == 991


def test_a_name_tells_its_day() -> None:
    assert day_of("EQY_US_ALL_TRADE_20131007") == DAY
    assert day_of("EQY_US_ALL_TRADE_20131307") is None
    assert day_of("id123456789") is None
    assert day_of("x_19000101") is None


PRICES = st.one_of(
    st.decimals(0, 200, places=4).map(str), st.sampled_from(["", "-1", "1.1234567", "0.0", "7.", "1.1.1", "99999999"])
)
CODES = st.sampled_from(["00", "00", "00", "01", "08", "12", "3", ""])
CONDITIONS = st.sampled_from(["@", "@ Z ", "@  I", "P", "@4", "T", "?", " O ", "M"])
ROWS = st.lists(st.tuples(st.sampled_from(["A", "B C"]), PRICES, CODES, CONDITIONS), max_size=60)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(1, 400), st.booleans())
def test_blocks_and_pieces_of_any_size_give_what_plain_python_gives(
    rows: list[tuple[str, str, str, str]], size: int, zipped: bool
) -> None:
    expected, dropped, bad, led = [], 0, 0, set()
    for number, (symbol, price, code, condition) in enumerate(rows):
        if code in ("08", "12"):
            dropped += 1
            continue
        try:
            micros = to_micros(price)
        except ValueError:
            micros = 0
        if code not in ("00", "01") or not 0 < micros <= MAX_PRICE or "?" in condition:
            bad += 1
            continue
        ticker = symbol.replace(" ", ".")
        last = not set(condition) & set("ITM") and not (set(condition) & set("PZ4") and ticker in led)
        if last:
            led.add(ticker)
        expected.append((ticker, micros, number, last))
    body = taq(
        [row(symbol=s, price=p, correction=c, condition=t, sequence=str(i)) for i, (s, p, c, t) in enumerate(rows)]
    )
    stored = gzip.compress(body) if zipped else body
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "BLOCK", 350)
        read = Read(stored[at : at + size] for at in range(0, len(stored), size))
    assert read.error is None
    assert [(t["ticker"], t["price"], t["sequence"], bool(t["flags"] & LAST)) for t in read.trades] == expected
    assert (read.report.lines, read.report.kept) == (len(rows), len(expected))
    assert (read.report.dropped, sum(read.report.rejected.values())) == (dropped, bad)
    assert read.report.bytes_read == len(stored)


@settings(deadline=None)
@given(st.binary(max_size=400), st.integers(0, 600))
def test_any_damage_gives_trades_or_a_clear_error(junk: bytes, at: int) -> None:
    body = taq([row()] * 5)
    read = Read(body[:at] + junk + body[at:])
    assert read.error is None or isinstance(read.error, InputError)
    assert read.report.kept + read.report.dropped + sum(read.report.rejected.values()) == read.report.lines
