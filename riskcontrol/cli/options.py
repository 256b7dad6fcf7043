"""Options that commands share: `@with_settings(*TAPE)` adds flags for those settings."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from riskcontrol.errors import SettingsError
from riskcontrol.language.tokens import quoted
from riskcontrol.settings import DEFAULT_FILE, Settings, like, line_in, load, read_file

TOPIC = ("kafka", "topic")
"""Settings that say where the tape is."""

TAPE = (*TOPIC, "shards", "replication")
"""Settings of who may have to make the tape."""

DATABASE = ("cassandra", "cassandra_username", "cassandra_password", "keyspace")
"""Settings that say where the tables are."""

S3 = ("s3_endpoint", "s3_region")
"""Settings that say where trade files on S3 are."""

METAVARS = {
    "home": "FOLDER",
    "kafka": "HOST:PORT,...",
    "cassandra": "HOST,...",
    "s3_endpoint": "URL",
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
            values = {name: given.pop(f"setting_{name}") for name in flags}
            return function(settings=load(config, **values), **given)

        for name in reversed(flags):
            field = Settings.model_fields[name]
            said = field.description or ""
            # None as default: an absent flag leaves the environment and the TOML file their say.
            call = click.option(
                f"--{name.replace('_', '-')}",
                f"setting_{name}",
                type=int if field.annotation is int else str,
                default=None,
                envvar=[],
                metavar=METAVARS.get(name),
                help=f"{said[:1].upper()}{said[1:]} [default: {_shown(name, field.default)}].",
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
    file = config or DEFAULT_FILE
    path = [one.info_name or "" for one in _parents(ctx)]
    for depth, group in enumerate(_parents(ctx)[:-1]):
        known = group.command.list_commands(group) if isinstance(group.command, click.Group) else []
        # What isn't a table is, above all tables, a setting: `riskcontrol.settings` looks at those.
        for name in [name for name, value in table.items() if depth or isinstance(value, dict)]:
            if name not in known:
                raise _unknown(file, [*path[1 : depth + 1], name], "table", like(name, known, "commands"))
        table = table.get(path[depth + 1], {})
        if not isinstance(table, dict):
            return config
    options = {option: one for one in ctx.command.params for option in one.opts if option.startswith("--")}
    for name in table:
        if name in Settings.model_fields:
            raise SettingsError(
                "is a setting of all commands: put it above the tables",
                field=name,
                source=str(file),
                line=line_in(file, ".".join([*path[1:], name])),
            )
        if f"--{name.replace('_', '-')}" not in options:
            there = [option[2:].replace("-", "_") for option in options]
            raise _unknown(
                file,
                [*path[1:], name],
                "option",
                like(name, [one for one in there if one not in {*Settings.model_fields, "config"}], "known"),
            )
    if table:
        ctx.default_map = {str(options[f"--{name.replace('_', '-')}"].name): value for name, value in table.items()}
    return config


def _parents(ctx: click.Context) -> list[click.Context]:
    """Return the contexts from the program's own to this one."""
    return [*_parents(ctx.parent), ctx] if ctx.parent is not None else [ctx]


def _unknown(file: Path, keys: list[str], what: str, remedy: str) -> SettingsError:
    field = ".".join(keys)
    return SettingsError(
        f"unknown {what}; {remedy}", field=quoted(field)[1:-1], source=str(file), line=line_in(file, field)
    )


def _shown(name: str, default: object) -> str:
    """Return what holds where nothing is said, in words."""
    if name in ("kafka", "cassandra"):
        return "the local one of --home, where it runs"
    return str(default) if isinstance(default, int | Path) or (isinstance(default, str) and default) else "none"
