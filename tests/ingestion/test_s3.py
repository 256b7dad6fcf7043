"""S3: listings, streams that survive broken connections, and errors that say what to do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from ingestion import s3
from ingestion.sources import find_sources
from ingestion.taq import day_of
from riskcontrol.errors import InputError, ServerError, SettingsError
from riskcontrol.settings import Settings
from tests.ingestion.trade_files import row, taq

CONTENT = bytes(range(256)) * 12_000


class Faulty(ThreadingHTTPServer):
    """One object, served with as many faults as a test asks for.

    Attributes:
        breaks: Bytes after which each of the next answers breaks off.
        tag: The object's entity tag.
        ranges: Whether ranges are honoured.
        asked: The `Range` of each request for the object.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.breaks: list[int] = []
        self.tag = '"one"'
        self.ranges = True
        self.asked: list[str] = []

    def handle_error(self, *_: Any) -> None:
        """Say nothing when a client goes away: that is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: Faulty
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(200, CONTENT, {})

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        self.server.asked.append(asked)
        if self.headers.get("If-Match") != self.server.tag:
            self._answer(412, b"<Error><Code>PreconditionFailed</Code></Error>", {})
        elif asked and self.server.ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            self._answer(206, CONTENT[start:], {"Content-Range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"})
        else:
            self._answer(200, CONTENT, {})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"ETag": self.server.tag, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if status < 300 and self.server.breaks:
            self.wfile.write(body[: self.server.breaks.pop(0)])
            self.close_connection = True
        else:
            self.wfile.write(body)


@pytest.fixture
def faulty() -> Iterator[Faulty]:
    with Faulty() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "PAUSE", 0)


def settings_for(server: Faulty) -> Settings:
    return Settings(s3_endpoint=f"http://127.0.0.1:{server.server_port}", s3_access_key="a", s3_secret_key="b")


def opened(server: Faulty) -> Iterator[bytes]:
    client = s3.client(settings_for(server))
    (found,) = s3.find(client, s3.Address("tape", "x"))
    return s3.stream(client, found)


def test_a_stream_goes_on_at_the_byte_where_it_broke(faulty: Faulty) -> None:
    faulty.breaks = [1_500_000, 0, 700_000]
    assert b"".join(opened(faulty)) == CONTENT
    assert faulty.asked[0] == ""
    starts = [int(asked.removeprefix("bytes=").removesuffix("-")) for asked in faulty.asked[1:]]
    assert len(starts) == 3
    assert starts == sorted(starts)
    assert 0 < starts[0] <= 1_500_000


def test_a_stream_that_keeps_breaking_is_given_up(faulty: Faulty) -> None:
    faulty.breaks = [0] * 100
    with pytest.raises(ServerError, match="breaks off at byte 0 of 3,072,000, 6 times over"):
        b"".join(opened(faulty))


def test_an_object_that_changed_meanwhile_is_noticed(faulty: Faulty) -> None:
    faulty.breaks = [2_000_000]
    pieces = opened(faulty)
    next(pieces)
    faulty.tag = '"two"'
    with pytest.raises(InputError, match="changed while it was read"):
        list(pieces)


def test_a_server_without_ranges_is_refused_rather_than_believed(faulty: Faulty) -> None:
    faulty.breaks, faulty.ranges = [2_000_000], False
    with pytest.raises(ServerError, match="no ranges"):
        b"".join(opened(faulty))


def test_a_prefix_gives_its_trade_files_in_date_order(bucket: str, moto_settings: Settings) -> None:
    client = s3.client(moto_settings)
    for key, rows in (("days/b/x_20131007.gz", 1), ("days/x_20131008.csv", 2), ("days/notes.md", 0), ("y.csv", 0)):
        day = day_of(key)
        client.put_object(Bucket=bucket, Key=key, Body=taq([row()] * rows, day) if day else b"no trades")
    for location in (f"s3://{bucket}/days/", f"s3://{bucket}/days"):
        sources = find_sources(location, moto_settings)
        assert [source.location for source in sources] == [
            f"s3://{bucket}/days/b/x_20131007.gz",
            f"s3://{bucket}/days/x_20131008.csv",
        ]
        assert [sum(batch.num_rows for batch in source.batches()) for source in sources] == [1, 2]
        assert all(source.report.bytes_read == source.size for source in sources)


def test_a_broken_connection_changes_no_trade(
    bucket: str, moto_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row(sequence=str(number)) for number in range(60_000)]
    s3.client(moto_settings).put_object(Bucket=bucket, Key="x_20131007.csv", Body=taq(rows))
    (source,) = find_sources(f"s3://{bucket}/x_20131007.csv", moto_settings)
    whole = list(source.batches())
    monkeypatch.setattr(s3, "_from", breaking(s3._from))
    assert all(one.equals(other) for one, other in zip(whole, source.batches(), strict=True))
    assert source.report.complete


def breaking(real: Any) -> Any:
    """Let every stream break after one piece."""

    def stream(*place: Any) -> Iterator[bytes]:
        yield next(real(*place))
        raise ConnectionResetError("gone")

    return stream


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://", "is not s3://"),
        ("s3:/x", "is not s3://"),
        ("s3://no-such-bucket/x", "there is no bucket"),
        ("s3://{bucket}/nothing.gz", "no trade files"),
        ("s3://{bucket}/nothing/", "no trade files"),
        ("s3://b ad/x/", "no such name can be"),
    ],
)
def test_wrong_places_are_told(bucket: str, moto_settings: Settings, url: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        find_sources(url.format(bucket=bucket), moto_settings)


def test_an_endpoint_that_is_none_is_told() -> None:
    with pytest.raises(SettingsError, match="s3_endpoint"):
        find_sources("s3://tape/", Settings(s3_endpoint="nonsense"))


def test_an_endpoint_that_does_not_answer_is_told() -> None:
    nobody = Settings(s3_endpoint="http://127.0.0.1:1", s3_access_key="a", s3_secret_key="b")
    with pytest.raises(ServerError, match="can't be reached"):
        find_sources("s3://tape/", nobody)


def test_missing_keys_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(ServerError, match="RISKCONTROL_S3_ACCESS_KEY"):
        find_sources("s3://tape/", Settings(s3_endpoint="http://127.0.0.1:1"))


def test_without_credentials_the_local_server_is_offered() -> None:
    told = pytest.raises(ServerError, match=r"riskcontrol up, or name another with --s3-endpoint")
    with told, s3.reported(s3.Address("bucket", "day.gz")):
        raise NoCredentialsError
