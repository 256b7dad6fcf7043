"""Settings: a flag beats the environment (`RISKCONTROL_…`), which beats a TOML file; secrets are never printed."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from riskcontrol.errors import SettingsError

DEFAULT_FILE = Path("riskcontrol.toml")


class Settings(BaseSettings):
    """Where the parts are and how they are reached.

    An address left empty means: the local server that `riskcontrol up` started.
    """

    model_config = SettingsConfigDict(env_prefix="RISKCONTROL_", extra="forbid", frozen=True)

    home: Path = Field(Path(".riskcontrol"), description="folder of local servers, state and logs")
    kafka: str = Field("", description="bootstrap servers, HOST:PORT[,HOST:PORT...]")
    topic: str = Field("tape", pattern=r"^[A-Za-z0-9._-]{1,200}$", description="topic that holds the tape")
    shards: int = Field(4, ge=1, le=1024, description="partitions of a tape that is made anew")
    cassandra: str = Field("", description="contact points, HOST[:PORT][,HOST...]")
    cassandra_username: str = Field("", description="user of the database, if it asks for one")
    cassandra_password: SecretStr = Field(SecretStr(""), description="password of that user")
    secret: SecretStr = Field(
        SecretStr(""), description="signs sessions, 32 characters or more; empty: made once, kept in HOME/secret"
    )
    password_memory: int = Field(65_536, ge=8, le=1 << 22, description="KiB that hashing a password takes")
    password_rounds: int = Field(3, ge=1, le=100, description="passes over that memory")
    keyspace: str = Field("riskcontrol", pattern=r"^[a-z][a-z0-9_]{0,47}$", description="keyspace of the tables")
    replication: int = Field(1, ge=1, le=9, description="replicas of topic and keyspace, where made anew")
    snapshots: str = Field("", description="folder, or s3://BUCKET/PREFIX, for snapshots of the stream's state")
    s3_endpoint: str = Field("", description="S3 endpoint URL; empty: the local server, or else Amazon's")
    s3_access_key: str = Field("", description="access key; empty: boto3's usual ways")
    s3_secret_key: SecretStr = Field(SecretStr(""), description="secret key")
    s3_region: str = Field("us-east-1", description="region")


def load(file: Path | None = None, **flags: Any) -> Settings:
    """Load the settings.

    Args:
        file: TOML file; without one, `riskcontrol.toml` of this folder where there is one.
        flags: Values from the command line; None means not given.

    Raises:
        SettingsError: A setting is wrong, or `file` isn't there.
    """
    # Tables are the options of single commands: `riskcontrol.cli.options` takes those.
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
        first = error.errors(include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        where = f"flag --{field.replace('_', '-')}, RISKCONTROL_{field.upper()}, or {file or DEFAULT_FILE}"
        raise SettingsError(f"{first['msg']} ({where})", field=field) from None
    # A plain `Settings`: what is pickled for Spark's workers must be a class that they can import.
    return Settings.model_construct(**{name: getattr(found, name) for name in Settings.model_fields})


def read_file(file: Path | None = None) -> dict[str, Any]:
    """Return what a TOML file says; the default one need not be there.

    Raises:
        SettingsError: A file that was named isn't there, or isn't TOML.
    """
    path = file or DEFAULT_FILE
    if not path.is_file():
        if file is None:
            return {}
        raise SettingsError(f"{file} is not a file", field="config")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}", field="config") from None
