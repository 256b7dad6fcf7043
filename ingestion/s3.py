"""S3: addresses, a client by the settings, listings, and objects as streams that go on where a connection broke."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)
from urllib3.exceptions import HTTPError

from riskcontrol.errors import InputError, RiskControlError, ServerError, SettingsError
from riskcontrol.settings import Settings

PIECE = 1 << 20
"""Bytes taken from a stream at once."""
ATTEMPTS = 6
"""How often a broken stream is taken up again without a byte of progress in between."""
PAUSE = 0.2
"""Seconds before the first of these; doubled each time."""

_DROPPED = (HTTPClientError, IncompleteReadError, HTTPError, ConnectionError, TimeoutError)
_REFUSED = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "403", "401"}
_MISSING = {"NoSuchKey", "NoSuchBucket", "404"}
_CHANGED = {"PreconditionFailed", "412"}


@dataclass(frozen=True, slots=True)
class Address:
    """Where an object, or a prefix of objects, is.

    >>> Address.of("s3://tape/days/a.gz")
    Address(bucket='tape', key='days/a.gz')
    """

    bucket: str
    key: str

    @classmethod
    def of(cls, url: str) -> Address:
        """Take an URL apart.

        Raises:
            InputError: It isn't ``s3://BUCKET/KEY``.
        """
        bucket, _, key = url.removeprefix("s3://").partition("/")
        if not url.startswith("s3://") or not bucket or key.startswith("/"):
            raise InputError(f"{url!r} is not s3://BUCKET/KEY or s3://BUCKET/PREFIX/")
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Object:
    """An object as it is now: `etag` changes when its content does."""

    address: Address
    size: int
    etag: str


def client(settings: Settings) -> Any:
    """Return boto3's S3 client for the settings.

    Without an access key, boto3 looks for one in its usual places; without an endpoint, it talks to Amazon.

    Raises:
        SettingsError: Endpoint or region aren't such.
    """
    endpoint = settings.s3_endpoint or None
    try:
        return boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=settings.s3_region,
            aws_access_key_id=settings.s3_access_key or None,
            aws_secret_access_key=settings.s3_secret_key.get_secret_value() or None,
            config=Config(
                connect_timeout=5,
                read_timeout=30,
                retries={"mode": "standard", "total_max_attempts": 3},
                # Servers at an address of their own rarely have a host name for each bucket.
                s3={"addressing_style": "path"} if endpoint else {},
            ),
        )
    except (ValueError, BotoCoreError) as error:
        raise SettingsError(str(error), field="s3_endpoint" if endpoint else "s3_region") from None


@contextlib.contextmanager
def reported(address: Address) -> Iterator[None]:
    """Turn boto3's errors into ours: what can be mended, said in a line."""
    try:
        yield
    except ClientError as error:
        raise _translated(error, address) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise ServerError(
            f"no credentials for {address}: start the local server with riskcontrol up, or name another with "
            "--s3-endpoint; for Amazon's or another's, set RISKCONTROL_S3_ACCESS_KEY and RISKCONTROL_S3_SECRET_KEY, "
            "or give the keys to boto3 in one of its ways",
            server="s3",
        ) from error
    except ParamValidationError as error:
        raise InputError(f"no such name can be: {str(error).splitlines()[-1]}", source=str(address)) from error
    except FlexibleChecksumError as error:
        raise InputError(f"damaged on its way: {error}", source=str(address)) from error
    except (BotoCoreError, HTTPError) as error:
        raise ServerError(f"{address} can't be reached: {error}", server="s3") from error


def _translated(error: ClientError, address: Address) -> RiskControlError:
    code, message = _code(error), str(error.response.get("Error", {}).get("Message", ""))
    if code == "NoSuchBucket":
        return InputError(
            f"there is no bucket {address.bucket!r} (riskcontrol upload --create-bucket makes one)", source=str(address)
        )
    if code in _MISSING:
        return InputError("isn't there", source=str(address))
    if code in _CHANGED:
        return InputError("changed while it was read; begin again", source=str(address))
    if code in _REFUSED:
        return ServerError(f"access to {address} is refused ({code}: {message}); check the keys", server="s3")
    return ServerError(f"{error.operation_name} of {address}: {code}: {message}", server="s3")


def is_missing(error: ClientError) -> bool:
    """Tell whether an answer says that the object or its bucket isn't there."""
    return _code(error) in _MISSING


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def find(s3: Any, address: Address) -> list[Object]:
    """Return the object at an address or, where it is a prefix, those below it, by key.

    Raises:
        InputError: The bucket isn't there.
        ServerError: The server refuses or can't be reached.
    """
    with reported(address):
        if address.key and not address.key.endswith("/"):
            try:
                head = s3.head_object(Bucket=address.bucket, Key=address.key)
                return [Object(address, head["ContentLength"], head["ETag"])]
            except ClientError as error:
                if not is_missing(error):
                    raise
        prefix = address.key if not address.key or address.key.endswith("/") else address.key + "/"
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=address.bucket, Prefix=prefix)
        return [
            Object(Address(address.bucket, item["Key"]), item["Size"], item["ETag"])
            for page in pages
            for item in page.get("Contents", ())
        ]


def stream(s3: Any, found: Object) -> Iterator[bytes]:
    """Yield an object's bytes, in order; where the connection breaks, go on at that byte.

    Raises:
        InputError: The object changed, or is gone.
        ServerError: The server refuses, can't be reached, or keeps breaking off.
    """
    address = found.address
    position = failures = 0
    while position < found.size:
        before = position
        try:
            for piece in _from(s3, found, position):
                position += len(piece)
                yield piece
            if position >= found.size:
                return
            broken: Exception | None = None
        except _DROPPED as error:
            broken = error
        failures = 1 if position > before else failures + 1
        if failures == ATTEMPTS:
            raise ServerError(
                f"{address} breaks off at byte {position:,} of {found.size:,}, {ATTEMPTS} times over"
                + (f": {broken}" if broken else ""),
                server="s3",
            ) from broken
        time.sleep(PAUSE * 2 ** (failures - 1))


def _from(s3: Any, found: Object, position: int) -> Iterator[bytes]:
    address = found.address
    part = {"Range": f"bytes={position}-"} if position else {}
    try:
        answer = s3.get_object(Bucket=address.bucket, Key=address.key, IfMatch=found.etag, **part)
    except ClientError as error:
        raise _translated(error, address) from error
    except (NoCredentialsError, PartialCredentialsError, ParamValidationError):
        with reported(address):
            raise
    if position and not answer.get("ContentRange", "").startswith(f"bytes {position}-"):
        raise ServerError(f"the server of {address} can't go on in the middle of an object (no ranges)", server="s3")
    with contextlib.closing(answer["Body"]) as body:
        while piece := body.read(PIECE):
            yield piece
