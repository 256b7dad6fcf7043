"""`riskcontrol strategy`: check strategy files, open them; list the words of the language; print templates."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from riskcontrol.errors import InputError
    from riskcontrol.language.tree import Node
    from riskcontrol.strategy_file import Definition

from riskcontrol.cli.strategy_stream import open_, stop

_WIDTH = 12


@click.group(
    name="strategy",
    epilog="Examples: riskcontrol strategy templates sma-cross > my.toml;  riskcontrol strategy check my.toml;  "
    "riskcontrol strategy open my.toml --user ann --ticker IBM",
)
def command() -> None:
    """Check strategy files, open them in the stream; list the words of the language; print templates."""


command.add_command(open_)
command.add_command(stop)


@command.command(
    short_help="Check strategy files, and print what they come to.",
    epilog="Example: riskcontrol strategy check dip.toml cross.json",
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a list with an object for each file.")
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Check strategy files (TOML or JSON) and print what they come to, or all that is wrong; exit with 1 then."""
    from riskcontrol.errors import InputError
    from riskcontrol.strategy_file import load_or_errors

    reports: list[dict[str, Any]] = []
    for file in files:
        try:
            found = load_or_errors(file)
        except InputError as error:
            found = [error]
        if isinstance(found, list):
            errors = [_error_report(error) for error in found]
            reports.append({"file": str(file), "ok": False, **errors[0], "errors": errors})
            if not as_json:
                click.echo("\n".join(map(_error_text, found)), err=True)
        else:
            reports.append({"file": str(file), "ok": True, **_report(found)})
            if not as_json:
                click.echo(_text(file, found))
    if as_json:
        click.echo(json.dumps(reports, indent=2))
    if not all(report["ok"] for report in reports):
        sys.exit(1)


@command.command(short_help="List the words of the language.", epilog="Example: riskcontrol strategy words")
def words() -> None:
    """List the words, functions and indicators of the language, with what they mean."""
    from riskcontrol.vocabulary import sections

    formatter = click.HelpFormatter(width=110)
    for title, rows in sections().items():
        with formatter.section(title):
            formatter.write_dl(list(rows.items()), col_max=44)
    click.echo(formatter.getvalue().rstrip())


@command.command(
    short_help="List the template strategies, or print one.",
    epilog="Example: riskcontrol strategy templates sma-cross > my.toml;  "
    "riskcontrol backtest EQY_US_ALL_TRADE_20131007.gz --strategy my.toml --ticker IBM",
)
@click.argument("name", required=False)
def templates(name: str | None) -> None:
    """List the template strategies, or print the file of the one of this NAME: a strategy to begin with.

    Their tickers are the simulator's: change them for trades of your own, or give backtest a --ticker.
    """
    from riskcontrol.templates import names, read, summary

    if name is not None:
        click.echo(read(name), nl=False)
        return
    formatter = click.HelpFormatter(width=120)
    formatter.write_dl([(each, summary(each)) for each in names()], col_max=24)
    click.echo(formatter.getvalue(), nl=False)


def _report(definition: Definition) -> dict[str, Any]:
    return {"strategy": definition.document(), "warm_up_bars": definition.warm_up()}


def _error_report(error: InputError) -> dict[str, Any]:
    from riskcontrol.language.errors import LanguageError

    report: dict[str, Any] = {"error": str(error), "line": error.line, "field": error.field}
    cause = error.__cause__
    if isinstance(cause, LanguageError):
        report |= {"rule": cause.text, "column": cause.column or None, "expected": cause.expected}
    return report


def _error_text(error: InputError) -> str:
    from riskcontrol.language.errors import LanguageError

    cause = error.__cause__
    pointed = cause.pointed() if isinstance(cause, LanguageError) else ""
    return "\n".join([str(error), *(f"    {line}" for line in pointed.splitlines())])


def _text(file: Path, definition: Definition) -> str:
    """Return a strategy in words."""
    rows = [
        ("trades", f"{definition.ticker} from {_dollars(definition.cash)}, {definition.session.name.lower()} session"),
        ("bars", definition.document()["every"]),
        *_rule_rows("buys when", definition.buy),
        *_rule_rows("sells when", definition.sell),
        *_option_rows(definition),
    ]
    warm_up = definition.warm_up()
    if warm_up:
        bars = ", ".join(f"{name} {count}" for name, count in warm_up.items())
        rows.append(("warm-up", f"bars until there is a value: {bars}"))
    lines = [f"{file}: {definition.name}", *(f"  {name:<{_WIDTH}}{value}" for name, value in rows)]
    return "\n".join(lines)


def _rule_rows(name: str, rule: Node | None) -> list[tuple[str, str]]:
    from riskcontrol.language.text import text
    from riskcontrol.language.tree import Or

    if rule is None:
        return [(name, "never by a rule")]
    parts = rule.parts if isinstance(rule, Or) else (rule,)
    return [(name if number == 0 else "or when", text(part)) for number, part in enumerate(parts)]


def _option_rows(definition: Definition) -> list[tuple[str, str]]:
    """Return a strategy's options in words."""
    from riskcontrol.terms import PPM, FillMode

    terms = definition.terms
    rows = [
        ("stop loss", terms.stop_loss, "below the entry"),
        ("take profit", terms.take_profit, "above the entry"),
        ("trailing", terms.trailing_stop, "below the highest price since the entry"),
    ]
    lines = [(name, f"sells {_plain(ppm, 10_000)} % {where}") for name, ppm, where in rows if ppm]
    spends = "all cash" if terms.fraction == PPM else f"{_plain(terms.fraction, 10_000)} % of the cash"
    lines.append(("size", f"{terms.shares:,} shares" if terms.shares else spends))
    fees = [
        (terms.fee_per_share, f"{_dollars(terms.fee_per_share)} a share"),
        (terms.fee_per_order, f"{_dollars(terms.fee_per_order)} an order"),
        (terms.fee_rate, f"{_plain(terms.fee_rate, 100)} basis points"),
        (terms.fee_minimum, f"at least {_dollars(terms.fee_minimum)}"),
    ]
    said = [words for amount, words in fees if amount]
    lines.append(("fees", ", ".join(said) if said else "none"))
    if terms.slippage:
        lines.append(("slippage", f"{_plain(terms.slippage, 100)} basis points"))
    fills = "the deciding trade itself" if terms.fill is FillMode.SAME else "the next trade"
    return [*lines, ("fills on", fills)]


def _dollars(micros: int) -> str:
    from riskcontrol.money import to_dollars

    return f"${to_dollars(micros):,}"


def _plain(value: int, scale: int) -> str:
    return f"{value / scale:.4f}".rstrip("0").rstrip(".")
