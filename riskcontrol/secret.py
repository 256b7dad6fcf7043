"""The installation's secret: from the environment, or made once and kept in a file that only we can read.

It is asked for where it is used, and is no setting: nothing that carries settings carries it.
"""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from pydantic import SecretStr

from riskcontrol.claim import make_folder
from riskcontrol.errors import SettingsError
from riskcontrol.settings import PREFIX, SECRET, Settings

SHORTEST = 32
"""Characters of a secret."""


def secret_of(settings: Settings) -> bytes:
    """Return the secret; where there is none yet, it is made.

    Args:
        settings: Where the file is (`home`).

    Raises:
        SettingsError: It is too short, others can read its file, or the file can't be read or made.
    """
    for name in _variables(SECRET):
        if given := os.environ[name]:
            return _checked(given, name)
    path = settings.home / "secret"
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SettingsError(
                f"{path} can be read by others of this machine: chmod 600 {path}, or remove it to have a new one made, "
                "which ends all sessions",
                field="secret",
            )
        return _checked(path.read_text(encoding="ascii").strip(), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} can't be used ({error}); set {SECRET}", field="secret") from error


def withhold(settings: Settings) -> Settings:
    """Take the secret, and the mail server's password, out of our environment: what we start doesn't get them.

    Returns:
        The settings without that password.
    """
    for name in [*_variables(SECRET), *_variables(f"{PREFIX}SMTP_PASSWORD")]:
        del os.environ[name]
    return settings.model_copy(update={"smtp_password": SecretStr("")})


def _variables(setting: str) -> list[str]:
    """Return under which names the environment has one: those of settings are read in small letters as well."""
    return [name for name in os.environ if name.upper() == setting]


def _checked(secret: str, where: str) -> bytes:
    if len(secret) < SHORTEST:
        made = "python3 -c 'import secrets; print(secrets.token_hex(32))'"
        raise SettingsError(f"{where} has less than {SHORTEST} characters; make one with: {made}", field="secret")
    return secret.encode()


def _make(path: Path) -> None:
    """Make the file, all of it at once; if another process does so at the same time, its secret stays."""
    make_folder(path.parent)
    handle, new = tempfile.mkstemp(dir=path.parent, prefix=".secret-")  # for us alone: 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(f"{secrets.token_hex(32)}\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(new, path)
    finally:
        Path(new).unlink()
