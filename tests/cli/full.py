"""Standard output on a disk that is full."""

from __future__ import annotations

import errno
import io
import os


class Full(io.StringIO):
    """Takes nothing."""

    def write(self, text: str) -> int:
        """Fail."""
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
