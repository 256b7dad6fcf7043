"""Options that commands share: `@with_settings("kafka", "topic")` adds flags for those settings."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from riskcontrol.settings import Settings, load


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
                default=None,
                envvar=[],
                help=f"{(field.description or '').capitalize()} [default: {_shown(field.default)}].",
            )(call)
        return click.option(
            "--config",
            type=click.Path(path_type=Path),
            default=None,
            help="TOML file with settings [default: riskcontrol.toml, where there is one].",
        )(call)

    return decorate


def _shown(default: object) -> str:
    return str(default) if default != "" else "the local one"
