"""Errors in a command as it was given, in the words and the form of all others."""

from __future__ import annotations

import click
from click.core import ParameterSource

_WORDS = {
    "is not a valid integer range": "is no whole number",
    "is not a valid integer": "is no whole number",
    "is not a valid float range": "is no number",
    "is not a valid float": "is no number",
}
"""What Click calls types, and how people do."""


def usage_text(error: click.ClickException) -> str:
    """Return in one line what is wrong: where it was said, what, and where to read on.

    >>> usage_text(click.BadParameter("'7' is not a day.", param_hint="--day"))
    "--day: '7' is not a day"
    >>> usage_text(click.NoSuchOption("--sped", possibilities=["--speed"]))
    "no such option '--sped'; did you mean '--speed'?"
    """
    context = error.ctx if isinstance(error, click.UsageError) else None
    place = _place(error, context) if isinstance(error, click.BadParameter) else ""
    text = error.message if place else error.format_message()
    text = " ".join(text.split()).rstrip(".").replace(". Did you mean", "; did you mean")
    for theirs, ours in _WORDS.items():
        text = text.replace(theirs, ours)
    read_on = f" (see {context.command_path} --help)" if context is not None else ""
    return f"{place}: {text}{read_on}" if place else f"{text[:1].lower()}{text[1:]}{read_on}"


def _place(error: click.BadParameter, context: click.Context | None) -> str:
    """Return what gave a parameter its value: a flag, a variable of the environment, a line of the file of settings."""
    if isinstance(error, click.MissingParameter):
        return ""
    param = error.param
    if isinstance(param, click.Option) and context is not None and error.param_hint is None:
        return _origin(param, context) or param.opts[-1]
    return error.param_hint if isinstance(error.param_hint, str) else ""


def _origin(option: click.Option, context: click.Context) -> str:
    """Return where an option's value comes from if not from the command line."""
    name = option.name or ""
    source = context.get_parameter_source(name)
    if source is ParameterSource.ENVIRONMENT:
        return f"{context.auto_envvar_prefix}_{name.upper()}"
    if source is ParameterSource.DEFAULT_MAP:
        from riskcontrol.cli.tables import said_in
        from riskcontrol.settings_file import line_in

        file, keys = said_in(context, name)
        line = line_in(file, *keys)
        return f"{file}{f', line {line}' if line else ''}, {'.'.join(keys)}"
    return ""
