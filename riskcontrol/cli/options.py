"""Options that commands share: `@with_settings(*TAPE)` adds flags for those settings."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from riskcontrol.errors import SettingsError
from riskcontrol.settings import Settings, load, read_file

TOPIC = ("kafka", "topic")
"""Settings that say where the tape is."""

TAPE = (*TOPIC, "shards", "replication")
"""Settings of who may have to make the tape."""

DATABASE = ("cassandra", "cassandra_username", "cassandra_password", "keyspace")
"""Settings that say where the tables are."""

S3 = ("s3_endpoint", "s3_region")
"""Settings that say where trade files on S3 are."""

max_reject_share_option = click.option(
    "--max-reject-share",
    type=click.FloatRange(0, 1),
    default=0.01,
    show_default=True,
    help="Share of bad lines over which a trade file is refused.",
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
            values = {name: given.pop(f"setting_{name}") for name in flags}
            return function(settings=load(config, **values), **given)

        for name in reversed(flags):
            field = Settings.model_fields[name]
            # None as default: an absent flag leaves the environment and the TOML file their say.
            call = click.option(
                f"--{name.replace('_', '-')}",
                f"setting_{name}",
                type=int if field.annotation is int else str,
                default=None,
                envvar=[],
                help=f"{(field.description or '').capitalize()} [default: {_shown(field.default)}].",
            )(call)
        return click.option(
            "--config",
            type=click.Path(path_type=Path),
            default=None,
            is_eager=True,
            callback=_defaults,
            help="TOML file with settings [default: riskcontrol.toml, where there is one].",
        )(call)

    return decorate


def _defaults(ctx: click.Context, _: click.Parameter, config: Path | None) -> Path | None:
    """Take the command's own table of the TOML file, for instance ``[users.generate]``, as defaults of its options."""
    table: Any = read_file(config)
    for name in ctx.command_path.split()[1:]:
        table = table.get(name, {}) if isinstance(table, dict) else {}
    if isinstance(table, dict) and table:
        known = {name for option in ctx.command.params for name in option.opts}
        unknown = [name for name in table if f"--{name.replace('_', '-')}" not in known]
        if unknown:
            raise SettingsError(f"{ctx.command_path} has no such option", field=unknown[0])
        misplaced = [name for name in table if name in Settings.model_fields]
        if misplaced:
            raise SettingsError("is a setting of all commands: put it above the tables", field=misplaced[0])
        names = {name: option.name for option in ctx.command.params for name in option.opts}
        ctx.default_map = {str(names[f"--{name.replace('_', '-')}"]): value for name, value in table.items()}
    return config


def _shown(default: object) -> str:
    return str(default or "none, or the local one")
