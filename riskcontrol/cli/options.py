"""Options that commands share: `@with_settings(*TAPE)` adds flags for those settings."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from riskcontrol.cli.tables import SETTING, config_option
from riskcontrol.settings import Settings, load

TOPIC = ("kafka", "topic")
"""Settings that say where the tape is."""

TAPE = (*TOPIC, "shards", "replication")
"""Settings of who may have to make the tape."""

DATABASE = ("cassandra", "cassandra_username", "cassandra_password", "keyspace")
"""Settings that say where the tables are."""

S3 = ("s3_endpoint", "s3_region")
"""Settings that say where trade files on S3 are."""

MAIL = ("smtp", "smtp_tls", "smtp_username", "smtp_password", "smtp_from")
"""Settings that say how e-mail is sent."""

METAVARS = {
    "home": "FOLDER",
    "kafka": "HOST:PORT,...",
    "cassandra": "HOST,...",
    "s3_endpoint": "URL",
    "smtp": "HOST:PORT",
    "snapshots": "PLACE",
    "shards": "COUNT",
    "replication": "COUNT",
}
"""What help calls the values of settings."""

max_reject_share_option = click.option(
    "--max-reject-share",
    type=click.FloatRange(0, 1),
    default=0.01,
    show_default=True,
    help="Share of bad lines (0.01 is 1 %) over which a trade file is refused.",
)
"""Decorator of the commands that read trade files."""

splits_option = click.option(
    "--splits",
    "splits_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=None,
    help="CSV of splits for prices that aren't adjusted: ticker,ex_date,ratio and lines like AAPL,2020-08-31,4:1.",
)
"""Decorator of the commands that take splits beside trades."""


def with_settings(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add a flag for each named setting, and `--config`; the command gets `settings` instead.

    Args:
        names: Fields of `riskcontrol.settings.Settings`; `home` is always among them.
    """
    flags = [*names, "home"]

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(config: Path | None, **given: Any) -> Any:
            values = {name: given.pop(SETTING + name) for name in flags}
            return function(settings=load(config, **values), **given)

        for name in reversed(flags):
            field = Settings.model_fields[name]
            said = field.description or ""
            # None as default: an absent flag leaves the environment and the TOML file their say.
            call = click.option(
                f"--{name.replace('_', '-')}",
                SETTING + name,
                type=int if field.annotation is int else str,
                default=None,
                envvar=[],
                metavar=METAVARS.get(name),
                help=f"{said[:1].upper()}{said[1:]} [default: {_shown(name, field.default)}].",
            )(call)
        return config_option(expose_value=True)(call)

    return decorate


def _shown(name: str, default: object) -> str:
    """Return what holds where nothing is said, in words."""
    if name in ("kafka", "cassandra"):
        return "the local one of --home, where it runs"
    return str(default) if isinstance(default, int | Path) or (isinstance(default, str) and default) else "none"
