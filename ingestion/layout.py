"""What the columns of a trade file are for, as its header line tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingestion import kernel
from riskcontrol.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """How to read the lines of a file.

    Attributes:
        name: The layout's name, for messages.
        delimiter: The byte between fields.
        roles: What each column is for, one of `ingestion.kernel`'s roles: ``int8[columns]``.
        quoted: Fields may stand in quotation marks.
        trailer: A trailer with day and count must end the file.
    """

    name: str
    delimiter: bytes
    roles: NDArray[np.int8]
    quoted: bool
    trailer: bool

    @property
    def dated(self) -> bool:
        """Whether each line tells its day."""
        return bool((self.roles == kernel.DATE).any())


def columns(header: str, delimiter: str, known: Mapping[str, int], optional: set[int], source: str) -> NDArray[np.int8]:
    """Return the role of each column of a header.

    Args:
        header: The header line.
        delimiter: What stands between names.
        known: Role by column name, in lower-case letters and digits only.
        optional: Roles that a file may lack.
        source: Name of the file, for errors.

    Raises:
        InputError: A column is missing, or there twice.

    >>> columns("Time|Trade Price", "|", {"time": 2, "tradeprice": 9}, set(), "x").tolist()
    [2, 9]
    """
    names = [name.strip().strip('"') for name in header.split(delimiter)]
    roles = [known.get(re.sub("[^a-z0-9]", "", name.lower()), kernel.OTHER) for name in names]
    for role in set(known.values()):
        named = [name for name, found in zip(names, roles, strict=True) if found == role]
        if len(named) > 1:
            raise InputError(f"two columns say the same: {' and '.join(named)}", source=source, line=1)
        if not named and role not in optional:
            wanted = next(name for name, found in known.items() if found == role)
            raise InputError(
                f"no column for {wanted!r} in the header; its columns are: {', '.join(names)[:300]}",
                source=source,
                line=1,
                field=wanted,
            )
    return np.array(roles, np.int8)
