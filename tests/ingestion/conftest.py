"""A local S3 server, and a bucket of its own for each test."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer

from ingestion import s3
from riskcontrol.settings import Settings


@pytest.fixture(scope="session")
def moto_settings() -> Iterator[Settings]:
    """Settings that lead to the server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Settings(s3_endpoint=f"http://{host}:{port}", s3_access_key="a", s3_secret_key="b")
    server.stop()


@pytest.fixture
def bucket(moto_settings: Settings) -> str:
    """A new bucket."""
    name = f"tape-{secrets.token_hex(8)}"
    s3.client(moto_settings).create_bucket(Bucket=name)
    return name
