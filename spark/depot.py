"""Where snapshots are kept: a folder or a bucket (`spark.bucket`), in it a folder a tape, in that a folder a snapshot.

A snapshot is there when its manifest is: in a folder everything is written aside, forced onto the disk and renamed;
in a bucket the manifest is the last object to come and the first to go.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

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


def depot(settings: Settings) -> Depot | None:
    """Return the place for snapshots that the settings name, None if they name none.

    Raises:
        SettingsError: It can't be one.
    """
    place = settings.snapshots
    if not place:
        return None
    if place.startswith("s3://"):
        # Imported here, for it brings boto3, and most streams have no bucket.
        from spark.bucket import bucket_depot  # noqa: PLC0415

        try:
            return bucket_depot(settings, place)
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
