"""Uploading trade files to a bucket: in parts, each with its checksum; what is there already is not sent again."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from ingestion import s3
from riskcontrol.errors import InputError, ServerError

PART = 8 << 20
"""Bytes of a part, where the file isn't so large that there would be more parts than S3 takes."""
MOST_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What became of a file.

    Attributes:
        address: Where it is now.
        size: Its bytes.
        sent: Bytes sent by this call: less than `size` where an earlier one had got part of the way.
        skipped: It was there already, with the same checksum and size.
    """

    address: s3.Address
    size: int
    sent: int
    skipped: bool


@dataclass(frozen=True, slots=True)
class _Part:
    number: int
    start: int
    size: int
    sha256: str
    md5: str


def destination(url: str, path: Path) -> s3.Address:
    """Return where a file goes.

    Args:
        url: ``s3://BUCKET/PREFIX/``; the prefix may be empty, and counts as a folder with or without the last slash.
        path: The file; its name becomes the key's last part.

    Raises:
        InputError: The URL isn't one.

    >>> str(destination("s3://tape/2013", Path("days/a.gz")))
    's3://tape/2013/a.gz'
    """
    folder = s3.Address.of(url)
    prefix = folder.key if not folder.key or folder.key.endswith("/") else folder.key + "/"
    return s3.Address(folder.bucket, prefix + path.name)


def make_bucket(client: Any, address: s3.Address, region: str) -> bool:
    """Make the bucket of an address if it isn't there; tell whether it had to be made.

    Raises:
        ServerError: The server refuses or can't be reached.
    """
    with s3.reported(address):
        try:
            client.head_bucket(Bucket=address.bucket)
        except ClientError as error:
            if not s3.is_missing(error):
                raise
        else:
            return False
        # us-east-1 is the one region that must not be named.
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        client.create_bucket(Bucket=address.bucket, **where)
        return True


def upload(client: Any, path: Path, address: s3.Address, progress: Callable[[int], None]) -> Uploaded:
    """Upload a file, or what is missing of it.

    An upload that was interrupted goes on: parts that are there with the right checksum are not sent again.

    Args:
        client: boto3's S3 client.
        path: The file.
        address: Where it goes; an object with other content that is there is replaced.
        progress: Told each number of bytes that are done; each byte counts twice, checked and sent.

    Raises:
        InputError: The file can't be read, is empty, or changes meanwhile; or the bucket isn't there.
        ServerError: The server refuses, can't be reached, or ends up with other content.
    """
    parts = list(_parts(path, progress))
    size = sum(part.size for part in parts)
    if not size:
        raise InputError("the file is empty", source=str(path))
    with s3.reported(address):
        if _is_there(client, address, parts):
            progress(size)
            return Uploaded(address, size, 0, skipped=True)
        upload_id, there = _resumed(client, address)
        sent = 0
        with path.open("rb") as file:
            for part in parts:
                if not _same(there.get(part.number), part):
                    file.seek(part.start)
                    _send(client, address, upload_id, part, file.read(part.size), path)
                    sent += part.size
                progress(part.size)
        _complete(client, address, upload_id, parts)
        if not _is_there(client, address, parts):
            raise ServerError(f"{address} has another checksum than {path} after the upload; try again", server="s3")
    return Uploaded(address, size, sent, skipped=False)


def part_size(size: int) -> int:
    """Return how large the parts of a file are: the same for the same size, so that an upload can go on.

    >>> part_size(1 << 30) == PART, part_size(1 << 40) // (1 << 20)
    (True, 105)
    """
    mebibyte = 1 << 20
    return max(PART, math.ceil(size / MOST_PARTS / mebibyte) * mebibyte)


def _parts(path: Path, progress: Callable[[int], None]) -> Iterator[_Part]:
    try:
        step = part_size(path.stat().st_size)
        with path.open("rb") as file:
            start, number = 0, 1
            while data := file.read(step):
                sha256 = base64.b64encode(hashlib.sha256(data).digest()).decode()
                yield _Part(number, start, len(data), sha256, hashlib.md5(data, usedforsecurity=False).hexdigest())
                progress(len(data))
                start, number = start + len(data), number + 1
    except OSError as error:
        raise InputError(f"can't be read: {error.strerror or error}", source=str(path)) from error


def _is_there(client: Any, address: s3.Address, parts: list[_Part]) -> bool:
    """Tell whether the object is there with the content of these parts."""
    try:
        head = client.head_object(Bucket=address.bucket, Key=address.key, ChecksumMode="ENABLED")
    except ClientError as error:
        if s3.is_missing(error):
            return False
        raise
    if head["ContentLength"] != sum(part.size for part in parts):
        return False
    # An upload in parts has the checksum of its parts' checksums; one made at once, that of its content.
    if (theirs := head.get("ChecksumSHA256")) is not None:
        digest = hashlib.sha256(b"".join(base64.b64decode(part.sha256) for part in parts)).digest()
        known = {base64.b64encode(digest).decode(), parts[0].sha256 if len(parts) == 1 else ""}
        return theirs.partition("-")[0] in known
    # A server without SHA-256 goes by MD5 in its entity tags, likewise.
    joined = hashlib.md5(b"".join(bytes.fromhex(part.md5) for part in parts), usedforsecurity=False).hexdigest()
    known = {f"{joined}-{len(parts)}", parts[0].md5 if len(parts) == 1 else ""}
    return head["ETag"].strip('"') in known


def _resumed(client: Any, address: s3.Address) -> tuple[str, dict[int, dict[str, Any]]]:
    """Return the upload to go on with and its parts by number, or a new one."""
    pages = client.get_paginator("list_multipart_uploads").paginate(Bucket=address.bucket, Prefix=address.key)
    begun = [
        item
        for page in pages
        for item in page.get("Uploads", ())
        if item["Key"] == address.key and item.get("ChecksumAlgorithm") in (None, "SHA256")
    ]
    if not begun:
        made = client.create_multipart_upload(Bucket=address.bucket, Key=address.key, ChecksumAlgorithm="SHA256")
        return made["UploadId"], {}
    upload_id = max(begun, key=lambda item: item["Initiated"])["UploadId"]
    pages = client.get_paginator("list_parts").paginate(Bucket=address.bucket, Key=address.key, UploadId=upload_id)
    return upload_id, {part["PartNumber"]: part for page in pages for part in page.get("Parts", ())}


def _same(there: dict[str, Any] | None, part: _Part) -> bool:
    if there is None or there["Size"] != part.size:
        return False
    sha256 = there.get("ChecksumSHA256")
    return bool(sha256 == part.sha256 if sha256 is not None else there["ETag"].strip('"') == part.md5)


def _send(client: Any, address: s3.Address, upload_id: str, part: _Part, data: bytes, path: Path) -> None:
    if base64.b64encode(hashlib.sha256(data).digest()).decode() != part.sha256:
        raise InputError("changes while it is uploaded", source=str(path))
    client.upload_part(
        Bucket=address.bucket,
        Key=address.key,
        UploadId=upload_id,
        PartNumber=part.number,
        Body=data,
        ChecksumAlgorithm="SHA256",
        ChecksumSHA256=part.sha256,
    )


def _complete(client: Any, address: s3.Address, upload_id: str, parts: list[_Part]) -> None:
    # The tags are the server's own to give (encrypted buckets don't use MD5), so they are asked for.
    pages = client.get_paginator("list_parts").paginate(Bucket=address.bucket, Key=address.key, UploadId=upload_id)
    tags = {part["PartNumber"]: part["ETag"] for page in pages for part in page.get("Parts", ())}
    client.complete_multipart_upload(
        Bucket=address.bucket,
        Key=address.key,
        UploadId=upload_id,
        MultipartUpload={
            "Parts": [
                {"PartNumber": part.number, "ETag": tags[part.number], "ChecksumSHA256": part.sha256} for part in parts
            ]
        },
    )
