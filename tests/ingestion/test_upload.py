"""Uploads: whole, checked, and never sent twice."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ingestion import s3
from ingestion import upload as module
from ingestion.upload import part_size, upload
from riskcontrol.cli import cli
from riskcontrol.errors import InputError, ServerError
from riskcontrol.settings import Settings
from tests.ingestion.trade_files import row, taq, write

PART = 5 << 20  # the least that S3 takes


@pytest.fixture
def client(moto_settings: Settings) -> Any:
    return s3.client(moto_settings)


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of three parts."""
    monkeypatch.setattr(module, "PART", PART)
    path = tmp_path / "x_20131007.gz"
    path.write_bytes(os.urandom(2 * PART + 1_000))
    return path


def put(client: Any, path: Path, bucket: str) -> module.Uploaded:
    done: list[int] = []
    result = upload(client, path, s3.Address(bucket, "days/" + path.name), done.append)
    assert sum(done) == 2 * path.stat().st_size
    return result


def content(client: Any, path: Path, bucket: str) -> bytes:
    return client.get_object(Bucket=bucket, Key="days/" + path.name)["Body"].read()


def test_a_file_arrives_whole_with_its_checksum(client: Any, bucket: str, large: Path) -> None:
    done = put(client, large, bucket)
    assert (done.sent, done.size, done.skipped) == (large.stat().st_size, large.stat().st_size, False)
    assert content(client, large, bucket) == large.read_bytes()
    head = client.head_object(Bucket=bucket, Key="days/" + large.name, ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"]


def test_what_is_there_is_not_sent_again_but_other_content_is(client: Any, bucket: str, large: Path) -> None:
    put(client, large, bucket)
    again = put(client, large, bucket)
    assert (again.skipped, again.sent) == (True, 0)
    changed = bytearray(large.read_bytes())
    changed[0] ^= 1
    large.write_bytes(changed)
    assert put(client, large, bucket).skipped is False
    assert content(client, large, bucket) == changed


def test_an_object_put_at_once_by_another_tool_is_known(client: Any, bucket: str, tmp_path: Path) -> None:
    path = write(tmp_path / "x_20131007.gz", taq([row()]))
    client.put_object(Bucket=bucket, Key="days/" + path.name, Body=path.read_bytes(), ChecksumAlgorithm="SHA256")
    assert put(client, path, bucket).skipped
    client.put_object(Bucket=bucket, Key="days/" + path.name, Body=path.read_bytes())
    assert put(client, path, bucket).skipped


@pytest.mark.parametrize("sent_before", [1, 2])
def test_an_interrupted_upload_goes_on(
    client: Any, bucket: str, large: Path, sent_before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = module._send
    monkeypatch.setattr(module, "_send", interrupted(real, sent_before))
    with pytest.raises(KeyboardInterrupt):
        put(client, large, bucket)
    monkeypatch.setattr(module, "_send", real)
    assert put(client, large, bucket).sent == large.stat().st_size - sent_before * PART
    assert content(client, large, bucket) == large.read_bytes()


def test_parts_of_other_content_are_sent_anew(
    client: Any, bucket: str, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = module._send
    monkeypatch.setattr(module, "_send", interrupted(real, 2))
    with pytest.raises(KeyboardInterrupt):
        put(client, large, bucket)
    monkeypatch.setattr(module, "_send", real)
    changed = bytearray(large.read_bytes())
    changed[PART] ^= 1
    large.write_bytes(changed)
    assert put(client, large, bucket).sent == PART + 1_000
    assert content(client, large, bucket) == changed


def interrupted(real: Callable[..., None], after: int) -> Callable[..., None]:
    """Press Ctrl-C after some parts."""
    sent = []

    def send(*given: Any) -> None:
        if len(sent) == after:
            raise KeyboardInterrupt
        real(*given)
        sent.append(given)

    return send


def test_content_that_arrives_changed_is_noticed(
    client: Any, bucket: str, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = client.upload_part
    monkeypatch.setattr(
        client,
        "upload_part",
        lambda Body, ChecksumSHA256, **rest: real(Body=b"?" * len(Body), **rest),
    )
    with pytest.raises(ServerError, match="another checksum"):
        put(client, large, bucket)


def test_a_file_that_changes_meanwhile_is_refused(
    client: Any, bucket: str, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = module._resumed

    def meanwhile(*given: Any) -> Any:
        large.write_bytes(bytes(large.stat().st_size))
        return real(*given)

    monkeypatch.setattr(module, "_resumed", meanwhile)
    with pytest.raises(InputError, match="changes while it is uploaded"):
        put(client, large, bucket)


def test_parts_are_never_more_than_s3_takes() -> None:
    for size in (1, 80 << 30, (80 << 30) * 1_000, 5 << 40):
        assert -(-size // part_size(size)) <= 10_000


def run(settings: Settings, *arguments: str) -> Result:
    environment = {
        "RISKCONTROL_S3_ENDPOINT": settings.s3_endpoint,
        "RISKCONTROL_S3_ACCESS_KEY": "a",
        "RISKCONTROL_S3_SECRET_KEY": "b",
    }
    return CliRunner().invoke(cli, arguments, env=environment)


def test_the_command_uploads_says_what_it_skips_and_bars_reads_it(
    moto_settings: Settings, bucket: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "x_20131007.gz", taq([row()]))
    url = f"s3://{bucket}/2013/"
    size = path.stat().st_size
    assert run(moto_settings, "upload", str(path), url).output == f"{url}x_20131007.gz: {size} bytes\n"
    assert "is there already" in run(moto_settings, "upload", str(path), url).output
    bars = run(moto_settings, "bars", url, "--home", str(tmp_path))
    assert bars.output.splitlines()[1] == "IBM,2013-10-07T00:00:00-04:00,181.85,181.85,181.85,181.85,100,181.85"


def test_a_bucket_is_made_only_when_asked_for(moto_settings: Settings, bucket: str, tmp_path: Path) -> None:
    path = write(tmp_path / "x_20131007.gz", taq([row()]))
    url = f"s3://{bucket}-new/"
    missing = run(moto_settings, "upload", str(path), url)
    assert isinstance(missing.exception, InputError)
    assert "--create-bucket" in str(missing.exception)
    assert "Made the bucket" in run(moto_settings, "upload", str(path), url, "--create-bucket").output
    assert "Made the bucket" not in run(moto_settings, "upload", str(path), url, "--create-bucket").output


@pytest.mark.parametrize(
    ("paths", "url", "message"),
    [
        (["x.gz"], "tape/2013", "is not s3://BUCKET"),
        (["missing.gz"], "s3://{bucket}/", "isn't there"),
        (["."], "s3://{bucket}/", "is not a file"),
        (["empty.gz"], "s3://{bucket}/", "the file is empty"),
        (["notes.txt"], "s3://{bucket}/", "neither a Daily TAQ nor a WRDS trade file"),
        (["notes.txt"], "s3://{bucket}/", "; --any uploads it all the same"),
        (["x.gz", "x.gz"], "s3://{bucket}/", "given twice"),
        (["x.gz", "sub/x.gz"], "s3://{bucket}/", "the same name"),
    ],
)
def test_wrong_files_and_addresses_are_told(
    moto_settings: Settings, bucket: str, tmp_path: Path, paths: list[str], url: str, message: str
) -> None:
    write(tmp_path / "x.gz", taq([row()]))
    write(tmp_path / "sub" / "x.gz", taq([row()]))
    (tmp_path / "empty.gz").touch()
    (tmp_path / "notes.txt").write_text("what I did\n")
    result = run(moto_settings, "upload", *(str(tmp_path / path) for path in paths), url.format(bucket=bucket))
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)


def test_any_file_is_uploaded_if_that_is_asked_for(moto_settings: Settings, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("what I did\n")
    result = run(moto_settings, "upload", str(tmp_path / "notes.txt"), f"s3://{bucket}/", "--any")
    assert result.output == f"s3://{bucket}/notes.txt: 11 bytes\n"
