"""Tables of the TOML file of settings: ``[users.generate]`` has defaults of the options of that command."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from riskcontrol.errors import SettingsError
from riskcontrol.language.tokens import quoted
from riskcontrol.settings_file import DEFAULT_FILE, like, line_in, read_file

SETTING = "setting_"
"""What the names of parameters begin with that are settings of all commands."""

_SAID = f"{__name__}.said"
"""Where a context keeps the file, and the keys as written, of each parameter that a table gives."""


def config_option(*, expose_value: bool) -> Callable[[Any], Any]:
    """Return the decorator that adds `--config`, which takes the command's own table as defaults of its options.

    Args:
        expose_value: Whether the command gets the file as `config`.
    """
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        default=None,
        is_eager=True,
        expose_value=expose_value,
        callback=_defaults,
        help="TOML file with settings [default: riskcontrol.toml, where there is one].",
    )


def with_tables(command: click.Command) -> click.Command:
    """Return a command which has, as all within it, a `--config`."""
    if isinstance(command, click.Group):
        for one in command.commands.values():
            with_tables(one)
    elif not any(param.name == "config" for param in command.params):
        config_option(expose_value=False)(command)
    return command


def said_in(context: click.Context, name: str) -> tuple[Path, Sequence[str]]:
    """Return which file says a parameter of a command's table, and under which keys as written."""
    file, said = context.meta[_SAID]
    return file, said[name]


def _defaults(ctx: click.Context, _: click.Parameter, config: Path | None) -> Path | None:
    table: Any = read_file(config)
    file = config or DEFAULT_FILE
    groups = _parents(ctx)[:-1]
    path = [one.info_name or "" for one in _parents(ctx)[1:]]
    for depth, group in enumerate(groups):
        known = group.command.list_commands(group) if isinstance(group.command, click.Group) else []
        for name, value in table.items():
            keys = [*path[:depth], name]
            if name in known and not isinstance(value, dict):
                raise _wrong(f"is a command: write its options below a line [{'.'.join(keys)}]", file, keys)
            # What isn't a table is, above all tables, a setting: `riskcontrol.settings` looks at those.
            if name not in known and (depth or isinstance(value, dict)):
                raise _wrong(f"unknown table; {like(name, known, 'commands')}", file, keys)
        table = table.get(path[depth], {})
    options = {
        one[2:].replace("-", "_"): param
        for param in ctx.command.params
        if isinstance(param, click.Option) and param.name != "config" and not str(param.name).startswith(SETTING)
        for one in param.opts
    }
    given, said = {}, {}
    for name, value in table.items():
        keys = [*path, name]
        option = options.get(name.replace("-", "_"))
        if option is None:
            raise _wrong(_unknown(name, list(options)), file, keys)
        if not _fits(value, option):
            raise _wrong(f"{str(value)[:40]} is not accepted; write {_wanted(option)}", file, keys)
        given[str(option.name)], said[str(option.name)] = _texts(value, option), keys
    if given:
        ctx.default_map, ctx.meta[_SAID] = given, (file, said)
    return config


def _parents(ctx: click.Context) -> list[click.Context]:
    """Return the contexts from the program's own to this one."""
    return [*_parents(ctx.parent), ctx] if ctx.parent is not None else [ctx]


def _wrong(message: str, file: Path, keys: Sequence[str]) -> SettingsError:
    field = ".".join(quoted(key)[1:-1] for key in keys)
    return SettingsError(message, field=field, source=str(file), line=line_in(file, *keys))


def _unknown(name: str, options: Sequence[str]) -> str:
    """Return what to say of a name that is none of a command's own options."""
    from riskcontrol.settings import Settings

    if name.replace("-", "_") in Settings.model_fields:
        return "is a setting of all commands: put it above the tables"
    return f"unknown option; {like(name, options, 'options')}"


def _fits(value: object, option: click.Option) -> bool:
    """Return whether a value is of a kind that an option takes; whether it is a good one, the option's type tells."""
    if option.is_flag or isinstance(value, bool):
        return option.is_flag and isinstance(value, bool)
    if isinstance(value, list):
        return option.multiple and not any(isinstance(one, list) or not _fits(one, option) for one in value)
    if isinstance(value, dict):
        return False
    if isinstance(option.type, click.Path | click.types.StringParamType):
        return isinstance(value, str)
    number = isinstance(option.type, click.types.IntParamType | click.types.FloatParamType)
    return not (number and isinstance(value, dt.date | dt.time))


def _texts(value: object, option: click.Option) -> object:
    """Return a value as the command line would give it: types take that."""
    if option.multiple:
        return [str(one) for one in (value if isinstance(value, list) else [value])]
    return value if isinstance(value, bool) else str(value)


def _wanted(option: click.Option) -> str:
    if option.is_flag:
        return "true or false"
    whole, number = (isinstance(option.type, kind) for kind in (click.types.IntParamType, click.types.FloatParamType))
    one = "a whole number" if whole else "a number" if number else "text in quotes"
    return f"{one}, or a list of them" if option.multiple else one
