"""`docs/statistics.md` and `docs/verdict.md`, written from the registry and the rules.

After a change: ``python -m riskcontrol.statistics.reference``, in the project's folder; a test compares.
"""

from __future__ import annotations

import doctest
import inspect
import re
from dataclasses import fields
from pathlib import Path

from riskcontrol.statistics import STATISTICS, Statistic, Unit
from riskcontrol.verdict import DEFAULT, RULES, Limits

FOLDER = Path("docs")

UNITS: dict[Unit, str] = {
    "money": "dollars (micro-dollars inside)",
    "percent": "percent (a fraction inside)",
    "ratio": "number",
    "count": "count",
    "duration": "time",
    "days": "trading days",
}

_PARTS = ("Formula", "None", "Source")
_SHOWN = {"Formula": "Formula", "None": "“—”", "Source": "Source"}

_STATISTICS = """\
# Statistics

Written by `python -m riskcontrol.statistics.reference` from the docstrings; change those.

Equity is marked to the market: cash + shares × price. *Daily* equity is the last value of each New York trading day;
a day on which there is an equity point is a trading day, a point on a weekend counts to its Friday, midnight to the day
that it ends. A year has 252 days. The risk-free rate is zero. A *profit* is of a round trip (one purchase and the sale
of all of it), after fees; a round trip still open is none.

"—" stands where there is no honest number: each entry says when. It also does where fills or a benchmark aren't known,
where a statistic of days has fewer than two, and where a number has no place in 64 bits. What compounds a run's growth
to a year (annualised return, Calmar ratio, alpha) takes 30 trading days: a good Monday is no good year.

From two trading days on, the Sharpe ratio has a number, and so have volatility, Sortino ratio, probabilistic Sharpe
ratio and beta. Two are few: where the true ratio is zero, its standard error is √(252 / (days − 1)), 15.9 of two days.
Under 30 days that is said beside it.

Packages differ on one and the same run, by their conventions; hence one written definition each. Those of
[empyrical-reloaded](https://github.com/stefan-jansen/empyrical-reloaded) are its own to 10⁻⁹, which the tests check; it
isn't called, since it brings pandas and SciPy, and a backtest should print at once.

| | name | unit | from | days |
|---|---|---|---|---|
"""

_VERDICT = """\
# The verdict

Written by `python -m riskcontrol.statistics.reference` from `riskcontrol/verdict.py`; change that.

Each rule looks at one thing and points one way, with the number behind it. If one points to **pull**, that is the
verdict; else, if one points to **keep testing**, that is; a strategy is to be **scaled up** only when no rule has
anything against it. So a handful of round trips, a few days or one lucky day never scale a strategy up.

| rule | pull | keep testing |
|---|---|---|
"""

_LIMITS = """
A rule says nothing where its number doesn't exist: no benchmark, no profit to share out, no fees.

## Limits

| limit | default | meaning |
|---|---|---|
"""

_CAUTION = """
## What it can't know

- The probabilistic Sharpe ratio takes daily returns as independent. Whoever looks every day and stops at the first
  good one fools it: decide before how long you test.
- The best of many variants looks good by chance: say how many there were (`trials`).
- What has been tested is one stretch of one market. Nothing here promises that the next one is like it.
"""


def statistics_page() -> str:
    """Return docs/statistics.md."""
    rows = [
        f"| [{one.title}](#{_anchor(one.title)}) | `{one.name}` | {UNITS[one.unit]} | {one.needs} | "
        f"{'daily' if one.needs_days else ''} |"
        for one in STATISTICS.values()
    ]
    return _STATISTICS + "\n".join([*rows, ""]) + "".join(_entry(one) for one in STATISTICS.values())


def verdict_page() -> str:
    """Return docs/verdict.md."""
    rules = [f"| {rule.name} | {rule.pulls or '—'} | {rule.keeps or '—'} |" for rule in RULES]
    meanings = _attributes(Limits)
    limits = [
        f"| `{field.name}` | {getattr(DEFAULT, field.name)} | {meanings[field.name]} |" for field in fields(Limits)
    ]
    return _VERDICT + "\n".join([*rules, ""]) + _LIMITS + "\n".join([*limits, ""]) + _CAUTION


def parts(statistic: Statistic) -> dict[str, str]:
    """Return a docstring's first line ("") and its parts: Formula, None, Source.

    >>> parts(STATISTICS["fees"])["Formula"]
    'sum of the fees of all fills.'
    """
    text = inspect.getdoc(statistic.function) or ""
    head, _, rest = text.partition("\n\n")
    found = {"": " ".join(head.split())}
    for name, body in re.findall(
        rf"^({'|'.join(_PARTS)}): (.*?)(?=^(?:{'|'.join(_PARTS)}): |\n\n|\Z)", rest, re.M | re.S
    ):
        found[name] = " ".join(body.split())
    return found


def _entry(statistic: Statistic) -> str:
    said = parts(statistic)
    first = said[""].removeprefix("Return ")
    lines = [f"\n## {statistic.title}\n", f"{first[0].upper()}{first[1:]}\n"]
    lines += [f"- {_SHOWN[part]}: {said[part]}" for part in _PARTS]
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(statistic.function) or "")
    code = "".join(f"    >>> {one.source}    {one.want}" for one in examples if one.want)
    return "\n".join([*lines, "", code])


def _attributes(described: type) -> dict[str, str]:
    """Return what a class's docstring says of its attributes."""
    _, _, rest = (inspect.getdoc(described) or "").partition("Attributes:\n")
    found = re.findall(r"^    (\w+): (.*?)(?=^    \w+: |\Z)", rest, re.M | re.S)
    return {name: " ".join(text.split()) for name, text in found}


def _anchor(title: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def write(folder: Path = FOLDER) -> None:
    """Write both pages."""
    (folder / "statistics.md").write_text(statistics_page(), encoding="utf-8")
    (folder / "verdict.md").write_text(verdict_page(), encoding="utf-8")


if __name__ == "__main__":
    write()
