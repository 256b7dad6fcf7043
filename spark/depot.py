"""Where snapshots are kept: a folder or a bucket, in it a folder a tape, in that one a folder a snapshot.

A snapshot is there when its manifest is: in a folder everything is written aside, forced onto the disk and renamed;
in a bucket the manifest is the last object to come and the first to go.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from ingestion import s3
from ingestion.upload import upload
from riskcontrol.errors import InputError, SettingsError
from riskcontrol.settings import Settings

MANIFEST = "manifest.json"
NAME = re.compile(r"\d{8}T\d{6}\.\d{3}Z")
"""A snapshot's name: when it was begun, UTC."""

_BEGUN = ".part"
"""What the name of one that is being written to a folder has behind it."""

Listing = dict[tuple[str, str], dict[str, int]]
"""The sizes of files, bytes, by tape and snapshot, complete or not."""


class Depot(Protocol):
    """A place for snapshots.

    Every method raises `ServerError`, `InputError` or `OSError` where the place can't be used.
    """

    def prepare(self) -> None:
        """Make the place ready for its first snapshot.

        Raises:
            SettingsError: It can't be.
        """

    def listing(self) -> Listing:
        """Return all that is there."""

    def fetch(self, tape: str, name: str, file: str, scratch: Path) -> Path:
        """Return a local copy of a file, or the file itself if it is local.

        Args:
            tape: Folder of a tape.
            name: A snapshot of it.
            file: A file of that.
            scratch: Where a copy may be made.
        """

    def room(self, tape: str, name: str, scratch: Path) -> Path:
        """Return an empty local folder in which a snapshot's files are to be put.

        Args:
            tape: Folder of the tape.
            name: Of the snapshot.
            scratch: Where it may be made.
        """

    def publish(self, tape: str, name: str, room: Path, manifest: bytes) -> None:
        """Make the snapshot in a room known, all of it or nothing."""

    def remove(self, tape: str, name: str) -> None:
        """Remove a snapshot, or what there is of one."""


class FolderDepot:
    """Snapshots in a folder.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def __str__(self) -> str:
        return str(self.root)

    def prepare(self) -> None:
        """See `Depot`."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root):
                pass
        except OSError as error:
            raise SettingsError(
                f"nothing can be put into {self.root} ({error.strerror or error}); name another folder",
                field="snapshots",
            ) from error

    def listing(self) -> Listing:
        """See `Depot`."""
        return {
            (folder.parent.name, folder.name): _sizes(folder)
            for folder in self.root.glob("*/*")
            if NAME.fullmatch(folder.name.removesuffix(_BEGUN)) and folder.is_dir()
        }

    def fetch(self, tape: str, name: str, file: str, scratch: Path) -> Path:
        """See `Depot`."""
        return self.root / tape / name / file

    def room(self, tape: str, name: str, scratch: Path) -> Path:
        """See `Depot`."""
        room = self.root / tape / (name + _BEGUN)
        room.mkdir(parents=True)
        return room

    def publish(self, tape: str, name: str, room: Path, manifest: bytes) -> None:
        """See `Depot`."""
        (room / MANIFEST).write_bytes(manifest)
        for path in (*room.iterdir(), room):
            _force(path)
        room.rename(room.with_name(name))
        _force(room.parent)

    def remove(self, tape: str, name: str) -> None:
        """See `Depot`."""
        folder = self.root / tape / name
        if NAME.fullmatch(name):
            # Cut short, what is left of it must not look complete.
            folder = folder.rename(folder.with_name(name + _BEGUN))
        shutil.rmtree(folder)


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


def depot(settings: Settings) -> Depot | None:
    """Return the place for snapshots that the settings name, None if they name none.

    Raises:
        SettingsError: It can't be one.
    """
    place = settings.snapshots
    if not place:
        return None
    if place.startswith("s3://"):
        try:
            return BucketDepot(settings, s3.Address.of(place))
        except InputError as error:
            raise SettingsError(str(error), field="snapshots") from error
    if re.match(r"[A-Za-z0-9]+:/", place):
        raise SettingsError(f"{place!r} is neither a folder nor s3://BUCKET/PREFIX", field="snapshots")
    return FolderDepot(Path(place))


def _sizes(folder: Path) -> dict[str, int]:
    try:
        return {file.name: file.stat().st_size for file in folder.iterdir()}
    except FileNotFoundError:  # removed just now by a stream
        return {}


def tape_folder(tape: str) -> str:
    """Return the name of a tape's folder.

    >>> tape_folder("3b/../x")
    '3b%2F..%2Fx'
    """
    return quote(tape, safe="")


def _force(path: Path) -> None:
    """Have a file, or a folder's list of files, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
