"""Settings: a flag beats the environment (`RISKCONTROL_…`), which beats a TOML file; secrets are never printed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from riskcontrol.errors import SettingsError
from riskcontrol.language.tokens import quoted
from riskcontrol.nearest import likest
from riskcontrol.settings_file import DEFAULT_FILE, like, line_in, read_file

PREFIX = "RISKCONTROL_"
"""What the names of settings begin with in the environment."""

SECRET = f"{PREFIX}SECRET"
"""Variable of the environment with what signs sessions (`riskcontrol.secret`). It is no setting: those go to Spark's
workers and into messages."""

_ALIKE = 0.8
"""How alike two names are, of which one is taken for the other misspelt."""


class Settings(BaseSettings):
    """Where the parts are and how they are reached.

    An address left empty means: the local server that `riskcontrol up` started.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    home: Path = Field(Path(".riskcontrol"), description="folder of local servers, state and logs")
    kafka: str = Field("", description="bootstrap servers, HOST:PORT[,HOST:PORT...]")
    topic: str = Field("tape", pattern=r"^[A-Za-z0-9._-]{1,200}$", description="topic that holds the tape")
    shards: int = Field(4, ge=1, le=1024, description="partitions of a tape that is made anew")
    cassandra: str = Field("", description="contact points, HOST[:PORT][,HOST...]")
    cassandra_username: str = Field("", description="user of the database, if it asks for one")
    cassandra_password: SecretStr = Field(SecretStr(""), description="password of that user")
    password_memory: int = Field(65_536, ge=8, le=1 << 22, description="KiB that hashing a password takes")
    password_rounds: int = Field(3, ge=1, le=100, description="passes over that memory")
    keyspace: str = Field("riskcontrol", pattern=r"^[a-z][a-z0-9_]{0,47}$", description="keyspace of the tables")
    replication: int = Field(1, ge=1, le=9, description="replicas of topic and keyspace, where made anew")
    snapshots: str = Field("", description="folder, or s3://BUCKET/PREFIX, for snapshots of the stream's state")
    s3_endpoint: str = Field(
        "", description="S3 endpoint; without one, the local server where it runs, or else Amazon's"
    )
    s3_access_key: str = Field("", description="access key; empty: boto3's usual ways")
    s3_secret_key: SecretStr = Field(SecretStr(""), description="secret key")
    s3_region: str = Field("us-east-1", description="region")
    smtp: str = Field("", description="mail server for alerts, HOST[:PORT]; without one, none go by e-mail")
    smtp_tls: str = Field(
        "starttls", pattern=r"^(starttls|tls|none)$", description="how it is spoken to: starttls, tls or none"
    )
    smtp_username: str = Field("", description="user of the mail server, if it asks for one")
    smtp_password: SecretStr = Field(SecretStr(""), description="password of that user")
    smtp_from: str = Field("", description="address that alerts come from")


def load(file: Path | None = None, **flags: Any) -> Settings:
    """Load the settings.

    Args:
        file: TOML file; without one, `riskcontrol.toml` of this folder where there is one.
        flags: Values from the command line; None means not given.

    Raises:
        SettingsError: A setting is wrong, or `file` isn't there.
    """
    _refuse_misspelt()
    # Tables are the options of single commands: `riskcontrol.cli.tables` takes those.
    values = {name: value for name, value in read_file(file).items() if not isinstance(value, dict)}

    class Located(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, values)

    try:
        found = Located(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        raise _told(dict(error.errors(include_url=False)[0]), file or DEFAULT_FILE, flags) from None
    # A plain `Settings`: what is pickled for Spark's workers must be a class that they can import.
    return Settings.model_construct(**{name: getattr(found, name) for name in Settings.model_fields})


def _refuse_misspelt() -> None:
    """Refuse a variable of the environment that looks like a setting misspelt: it would be left out silently.

    Raises:
        SettingsError: There is one.
    """
    known = [*(name.upper() for name in Settings.model_fields), SECRET.removeprefix(PREFIX)]
    for written in os.environ:
        name = written.upper()  # lower case is read as well
        # The prefix is alike in any two: what is behind it decides.
        close = likest(name.removeprefix(PREFIX), known, _ALIKE) if name.startswith(PREFIX) else None
        if close and name != PREFIX + close:
            message = f"unknown variable of the environment; did you mean '{PREFIX}{close}'?"
            raise SettingsError(message, field=written)


def _told(error: dict[str, Any], file: Path, flags: Mapping[str, Any]) -> SettingsError:
    """Return what is wrong with a setting, and where that was said."""
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        message = f"unknown setting; {like(name, Settings.model_fields, 'known')}"
        if PREFIX + name.upper() == SECRET:
            message = (
                f"a file like this is no place for it; leave it out, and it is kept in HOME/secret, or set {SECRET}"
            )
        return SettingsError(message, field=quoted(name)[1:-1], source=str(file), line=line_in(file, name))
    message = f"{_value(name, error['input'])} is not accepted; write {_wanted(name)}"
    if flags.get(name) is not None:
        return SettingsError(message, field=f"--{name.replace('_', '-')}")
    variable = PREFIX + name.upper()
    if variable in map(str.upper, os.environ):
        return SettingsError(message, field=variable)
    return SettingsError(message, field=name, source=str(file), line=line_in(file, name))


def _value(name: str, value: object) -> str:
    secret = Settings.model_fields[name].annotation is SecretStr
    return "what is there" if secret else quoted(value) if isinstance(value, str) else str(value)[:40]


def _wanted(name: str) -> str:
    """Return what a setting takes, in words."""
    field = Settings.model_fields[name]
    if field.annotation is int:
        limits = {kind: getattr(one, kind) for one in field.metadata for kind in ("ge", "le") if hasattr(one, kind)}
        return f"a whole number from {limits['ge']} to {limits['le']:,}"
    return _FORMS.get(name, "text in quotes")


_FORMS = {
    "smtp_tls": "'starttls', 'tls' or 'none'",
    "topic": "1 to 200 letters, digits, '.', '_' or '-' in quotes",
    "keyspace": "a letter and up to 47 more of a-z, 0-9 and '_', in quotes",
}
"""How texts that have a pattern are written."""
