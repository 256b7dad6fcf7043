"""Snapshots in a bucket of S3."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from ingestion import s3
from ingestion.upload import upload
from riskcontrol.errors import InputError
from riskcontrol.settings import Settings
from spark.depot import MANIFEST, NAME, Listing


class BucketDepot:
    """Snapshots in a bucket of S3.

    Args:
        settings: The server and its keys.
        address: Bucket and prefix.
    """

    def __init__(self, settings: Settings, address: s3.Address) -> None:
        self._client: Any = s3.client(settings)
        self._bucket = address.bucket
        self._prefix = address.key.rstrip("/") + "/" if address.key.rstrip("/") else ""

    def __str__(self) -> str:
        return str(self._address(""))

    def _address(self, *parts: str) -> s3.Address:
        return s3.Address(self._bucket, self._prefix + "/".join(parts))

    def prepare(self) -> None:
        """See `Depot`."""
        s3.find(self._client, self._address(""))  # tells of a bucket that isn't there, or of keys that are refused

    def listing(self) -> Listing:
        """See `Depot`."""
        found: Listing = {}
        for item in s3.find(self._client, self._address("")):
            tape, _, rest = item.address.key.removeprefix(self._prefix).partition("/")
            name, _, file = rest.partition("/")
            if file and NAME.fullmatch(name):
                found.setdefault((tape, name), {})[file] = item.size
        return found

    def fetch(self, tape: str, name: str, file: str, scratch: Path) -> Path:
        """See `Depot`."""
        address = self._address(tape, name, file)
        found = [item for item in s3.find(self._client, address) if item.address == address]
        if not found:
            raise InputError("isn't there", source=str(address))
        scratch.mkdir(parents=True, exist_ok=True)
        with (scratch / file).open("wb") as copy:
            copy.writelines(s3.stream(self._client, found[0]))
        return scratch / file

    def room(self, tape: str, name: str, scratch: Path) -> Path:
        """See `Depot`."""
        room = scratch / name
        room.mkdir(parents=True)
        return room

    def publish(self, tape: str, name: str, room: Path, manifest: bytes) -> None:
        """See `Depot`."""
        self._abort(tape)
        for path in sorted(room.iterdir()):
            upload(self._client, path, self._address(tape, name, path.name), lambda _: None)
        address = self._address(tape, name, MANIFEST)
        with s3.reported(address):
            self._client.put_object(Bucket=address.bucket, Key=address.key, Body=manifest)
        shutil.rmtree(room)

    def _abort(self, tape: str) -> None:
        """Give up uploads that a kill has cut short: nobody sees their parts, but somebody pays for them."""
        address = self._address(tape, "")
        with s3.reported(address):
            pages = self._client.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=address.bucket, Prefix=address.key):
                for item in page.get("Uploads", ()):
                    self._client.abort_multipart_upload(
                        Bucket=address.bucket, Key=item["Key"], UploadId=item["UploadId"]
                    )

    def remove(self, tape: str, name: str) -> None:
        """See `Depot`."""
        found = s3.find(self._client, self._address(tape, name, ""))
        with s3.reported(self._address(tape, name, "")):
            for item in sorted(found, key=lambda item: not item.address.key.endswith("/" + MANIFEST)):
                self._client.delete_object(Bucket=self._bucket, Key=item.address.key)


def bucket_depot(settings: Settings, url: str) -> BucketDepot:
    """Return the place for snapshots at an address.

    Raises:
        InputError: It isn't ``s3://BUCKET`` or ``s3://BUCKET/PREFIX``.
    """
    return BucketDepot(settings, s3.Address.of(url))
