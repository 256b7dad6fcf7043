"""Environments of the peers: made on first use from a lock file with hashes, and a way to run a script in one.

They are no part of what the product or its tests need, and clash with it here and there: so each has a folder of its
own, named by its lock.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from riskcontrol.errors import RiskControlError

LONGEST = 3_600
"""Seconds that an installation or a run may take."""

_HERE = Path(__file__).parent
_COMPLETE = "complete"


class PeerError(RiskControlError):
    """A peer can't be installed or run.

    Args:
        message: Why.
        peer: Which one.
    """

    def __init__(self, message: str, *, peer: str) -> None:
        super().__init__(f"{peer}: {message}")
        self.message = message
        self.peer = peer


def folder_of(home: Path, peer: str) -> Path:
    """Return where a peer's environment is, or would be.

    Args:
        home: The settings' home.
        peer: Name of its lock file.
    """
    lock = (_HERE / f"{peer}.lock").read_bytes()
    return home.absolute() / "peers" / f"{peer}-{hashlib.sha256(lock).hexdigest()[:12]}"


def is_installed(home: Path, peer: str) -> bool:
    """Tell whether a peer's environment is there."""
    return (folder_of(home, peer) / _COMPLETE).is_file()


def install(home: Path, peer: str) -> Path:
    """Return the Python of a peer's environment, making it if it isn't there.

    Raises:
        PeerError: It can't be made.
    """
    folder = folder_of(home, peer)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if is_installed(home, peer):
        return python
    with Console(stderr=True).status(f"Installing {peer} for the comparison into {folder} ..."):
        shutil.rmtree(folder, ignore_errors=True)
        _call(peer, [sys.executable, "-m", "venv", str(folder)])
        uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
        pip = [uv, "pip", "install", "--python", str(python)] if uv else [str(python), "-m", "pip", "install"]
        _call(peer, [*pip, "--quiet", "--require-hashes", "-r", str(_HERE / f"{peer}.lock")])
        (folder / _COMPLETE).touch()
    return python


def run_peer(home: Path, peer: str, data: Mapping[str, NDArray], options: Mapping[str, object]) -> dict[str, Any]:
    """Run a peer's script on data, and return what it says.

    Args:
        home: The settings' home.
        peer: Name of its lock file; the script is with_NAME.py.
        data: Arrays, which the script finds as NAME.npy.
        options: What it finds in options.json.

    Raises:
        PeerError: It can't be installed, or fails.
    """
    python = install(home, peer)
    with tempfile.TemporaryDirectory(prefix="riskcontrol-bench-") as temporary:
        folder = Path(temporary)
        for name, array in data.items():
            np.save(folder / f"{name}.npy", array)
        (folder / "options.json").write_text(json.dumps(dict(options)))
        _call(peer, [str(python), "-I", str(_HERE / f"with_{peer}.py"), str(folder)])
        said: dict[str, Any] = json.loads((folder / "result.json").read_text())
        return said


def _call(peer: str, command: list[str]) -> None:
    # Our compiled code is not theirs.
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV", "NUMBA_CACHE_DIR")}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerError(str(error), peer=peer) from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"{Path(command[0]).name} gave {done.returncode}"]
        raise PeerError(lines[-1][:300], peer=peer)
