"""Sources: what a location holds, in date order."""

import datetime as dt
import gzip
from pathlib import Path

import pytest

from ingestion.sources import find_all, find_sources
from riskcontrol.errors import InputError
from riskcontrol.settings import Settings
from riskcontrol.trades import MAX_TIME, TRADES
from tests.ingestion.test_wrds import line, wrds
from tests.ingestion.trade_files import DAY, REAL_DAYS, row, taq, write

NEXT = dt.date(2013, 10, 8)


def test_a_folder_gives_its_trade_files_in_date_order(tmp_path: Path) -> None:
    write(tmp_path / "EQY_US_ALL_TRADE_20131008.gz", taq([row()] * 2, NEXT))
    write(tmp_path / "older" / "EQY_US_ALL_TRADE_20131007.gz", taq([row()]))
    write(tmp_path / "aig.csv", wrds(line(date="20131003")))
    write(tmp_path / "unnamed.txt", taq([row()] * 3, dt.date(2013, 10, 4)))
    for other in ("README.md", ".hidden_20131001.gz", "EQY_US_ALL_NBBO_20131007.gz", ".trash/x_20131002.gz"):
        write(tmp_path / other, b"not to be read")
    sources = find_sources(str(tmp_path), Settings())
    assert [(source.name, source.day) for source in sources] == [
        ("aig", dt.date(2013, 10, 3)),
        ("unnamed", dt.date(2013, 10, 4)),
        ("EQY_US_ALL_TRADE_20131007", DAY),
        ("EQY_US_ALL_TRADE_20131008", NEXT),
    ]
    assert [sum(batch.num_rows for batch in source.batches()) for source in sources] == [1, 3, 1, 2]
    assert all(source.report.complete and source.report.bytes_read == source.size for source in sources)


def test_reading_twice_gives_the_same_batches_and_a_fresh_report(tmp_path: Path) -> None:
    rows = [row(price=f"{1 + number % 97}.5", sequence=str(number)) for number in range(100_000)]
    (source,) = find_sources(str(write(tmp_path / "x_20131007.gz", taq(rows))), Settings())
    first, second = list(source.batches()), list(source.batches())
    assert len(first) > 1
    assert all(one.schema.equals(TRADES) and one.equals(other) for one, other in zip(first, second, strict=True))
    assert source.report.kept == 100_000
    assert source.report.complete


def test_a_batch_carries_the_tickers_that_are_in_it(tmp_path: Path) -> None:
    rows = [row(symbol="A")] * 100_000 + [row(symbol="B")] * 100_000
    (source,) = find_sources(str(write(tmp_path / "x_20131007.csv", taq(rows))), Settings())
    batches = list(source.batches())
    assert [batch.column("ticker").dictionary.to_pylist() for batch in (batches[0], batches[-1])] == [["A"], ["B"]]
    assert max(batch.column("time")[0].as_py() for batch in batches) < MAX_TIME


@pytest.mark.parametrize("location", ["{}/nothing", "{}/empty"])
def test_where_nothing_is_there_it_says_so(tmp_path: Path, location: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"isn't there|no trade files"):
        find_sources(location.format(tmp_path), Settings())


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    one = write(tmp_path / "a" / "x_20131007.gz", taq([row()]))
    other = write(tmp_path / "b" / "x_20131007.csv", taq([row()]))
    with pytest.raises(InputError, match="count once"):
        find_sources(str(tmp_path), Settings())
    with pytest.raises(InputError, match="count once"):
        find_all([str(one), str(other)], Settings())


def test_a_day_that_nothing_tells_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "x.gz", taq([row()], trailer=""))
    with pytest.raises(InputError, match=r"its last line, which is no trailer END.*name it \.\.\._YYYYMMDD\.gz"):
        find_sources(str(path), Settings())


def test_a_file_that_is_cut_short_is_told_so_whatever_its_name_tells(tmp_path: Path) -> None:
    whole = gzip.compress(taq([row(price=f"{i}.{i * 7919 % 1000:03}") for i in range(1, 3_000)]))
    path = tmp_path / "x.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="the gzip data ends too early: the file is cut short; get the file again"):
        find_sources(str(path), Settings())


def test_bad_lines_over_the_share_end_it_and_are_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "x_20131007.gz", taq([row(price="0"), row()]))
    rejects = tmp_path / "rejects.tsv"
    (source,) = find_sources(str(path), Settings(), rejects=rejects)
    with pytest.raises(InputError, match=r"1 of the first 2 lines.*rejects\.tsv"):
        list(source.batches())
    assert rejects.read_text("utf-8").splitlines()[1].startswith(f"{path}\t2\tprice not above 0\t")


def test_real_days_are_read_whole() -> None:
    if not REAL_DAYS.is_dir():
        pytest.skip("the real days (../shared/data/taq) are not beside the project")
    sources = find_sources(str(REAL_DAYS), Settings())
    assert [sum(batch.num_rows for batch in source.batches()) for source in sources] == [137_816, 202_595]
    assert [str(source.report) for source in sources] == [
        "137,816 lines: 137,816 trades kept, 0 dropped by their correction, 0 rejected",
        "202,595 lines: 202,595 trades kept, 0 dropped by their correction, 0 rejected",
    ]
