"""The form's elements."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import html

from frontend import form
from frontend.controls import unfolding
from frontend.form import Problem, element
from riskcontrol.strategy import NAME_LENGTH, USERNAME_LENGTH
from riskcontrol.strategy_file import EVERY
from riskcontrol.strategy_options import AMOUNTS, FEES
from riskcontrol.templates import names, summary
from riskcontrol.terms import Session
from riskcontrol.trades import TICKER_LENGTH

MARKED = tuple(name for name in form.FIELDS if name not in ("template", "sizing", "fill", "session"))
"""Fields that can be marked as wrong; the others are a choice among a few."""
PASTED = 10_000
"""Characters that a rule's field takes: more than a rule may have, so that a longer one is told so."""

SIZE_LABELS = {"all": "How much", "fraction": "Of the cash, %", "shares": "Shares"}
"""What the field of the size asks for, by what each buy takes."""

_AMOUNT_LABELS = {
    "stop_loss": ("Stop loss, %", "Below the entry"),
    "take_profit": ("Take profit, %", "Above the entry"),
    "trailing_stop": ("Trailing stop, %", "Below the highest price since the entry"),
    "slippage_basis_points": ("Slippage, bp", "A buy is dearer by it, a sale cheaper"),
}
_FEE_LABELS = {
    "per_share": ("Fee a share, $", "Of each fill"),
    "per_order": ("Fee an order, $", "Of each fill"),
    "minimum": ("Least fee, $", "Of each fill"),
    "basis_points": ("Fee, bp", "Of what is paid"),
}


def rules(values: dict[str, str]) -> list[Any]:
    """Return the elements of what it trades, and when.

    Args:
        values: What they hold at first, by field.
    """
    return [
        dmc.Select(
            id=element("template"),
            label="Begin with",
            description=html.Span(id="new-template-about"),
            inputWrapperOrder=["label", "input", "description", "error"],
            value=values["template"],
            data=[{"value": name, "label": name} for name in _templates()],
            placeholder="a template",
            searchable=True,
            clearable=False,
            allowDeselect=False,
            nothingFoundMessage="No template of this name",
            **unfolding("Templates"),
            renderOption={"function": "template", "options": {name: summary(name) for name in names()}},
        ),
        _row(
            _text("username", "Username", values, maxLength=USERNAME_LENGTH, autoCapitalize="none"),
            dmc.Autocomplete(
                id=element("ticker"),
                label="Ticker",
                placeholder="symbol, like IBM",
                value=values["ticker"],
                data=[],
                limit=20,
                **unfolding("Tickers", _input(maxLength=TICKER_LENGTH, autoCapitalize="characters")),
            ),
        ),
        html.Div(id="new-ticker-warning", role="status"),
        _rule("buy", "Buy when", values, "price <= reference - 0.10"),
        _rule("sell", "Sell when", values, "nothing: only its stops sell"),
        _row(
            dmc.Select(
                id=element("every"),
                label="Bars of",
                value=values["every"],
                data=list(EVERY),
                allowDeselect=False,
                **unfolding("Lengths of bars"),
            ),
            _text("cash", "Cash, $", values, inputMode="decimal"),
            _text("name", "Name", values, placeholder="made for you", maxLength=NAME_LENGTH),
            columns=3,
        ),
    ]


def options(values: dict[str, str]) -> dmc.Accordion:
    """Return the elements of what is hardly ever needed, folded.

    Args:
        values: What they hold at first, by field.
    """
    amounts = [_amount(name, *_AMOUNT_LABELS[name], values) for name in AMOUNTS]
    fees = [_amount(name, *_FEE_LABELS[name], values) for name in FEES]
    panel = [
        _row(*amounts[:3], columns=3),
        _row(
            _choice("sizing", "Each buy takes", values, form.SIZES),
            _amount("size", SIZE_LABELS[values["sizing"]], "", values),
            wide=True,
        ),
        _row(*fees, columns=4),
        _row(
            amounts[3],
            _choice("fill", "Fills on", values, form.FILLS),
            wide=True,
            turned=True,
        ),
        _choice(
            "session",
            "Driven by trades of",
            values,
            {Session.REGULAR.name.lower(): "09:30–16:00 New York", Session.EXTENDED.name.lower(): "All day"},
        ),
    ]
    control = dmc.AccordionControl(["Options ", html.Span("none", id="new-options-said", className="said")])
    return dmc.Accordion(
        dmc.AccordionItem([control, dmc.AccordionPanel(dmc.Stack(panel, gap="md"))], value="options"),
        id="new-options",
        variant="contained",
        chevronPosition="left",
    )


def error(problem: Problem | None) -> Any:
    """Return what a field shows of what is wrong with it; nothing if nothing is."""
    if problem is None:
        return None
    if not problem.pointed:
        return problem.message
    text, _, caret = problem.pointed.partition("\n")
    unspoken: dict[str, Any] = {"aria-hidden": "true"}  # the message has the column
    pointed = html.Span([text, "\n", html.Span(caret, className="caret")], className="pointed", **unspoken)
    return [pointed, html.Span(problem.message)]


def _templates() -> list[str]:
    return [form.FIRST_TEMPLATE, *(name for name in names() if name != form.FIRST_TEMPLATE)]


def _row(*elements: Any, columns: int = 2, wide: bool = False, turned: bool = False) -> html.Div:
    """Return elements beside each other, if there is room; with `wide`, one of the two is wider."""
    kind = f"row-wide{' row-turned' if turned else ''}" if wide else f"row-{columns}"
    return html.Div(list(elements), className=f"row {kind}")


def _input(**attributes: Any) -> dict[str, Any]:
    return {"autoComplete": "off", "spellCheck": "false", **attributes}


def _text(name: str, label: str, values: dict[str, str], placeholder: str = "", **attributes: Any) -> dmc.TextInput:
    return dmc.TextInput(
        id=element(name),
        label=label,
        value=values[name],
        placeholder=placeholder,
        attributes={"input": _input(**{"maxLength": 40, **attributes})},
    )


def _amount(name: str, label: str, description: str, values: dict[str, str]) -> dmc.TextInput:
    return dmc.TextInput(
        id=element(name),
        label=label,
        description=description,
        inputWrapperOrder=["label", "input", "description", "error"],
        value=values[name],
        placeholder="none" if name != "size" else "",
        disabled=name == "size" and values["sizing"] == "all",
        attributes={"input": _input(maxLength=40, inputMode="decimal")},
    )


def _rule(name: str, label: str, values: dict[str, str], placeholder: str) -> dmc.Textarea:
    return dmc.Textarea(
        id=element(name),
        label=label,
        value=values[name],
        placeholder=placeholder,
        autosize=True,
        minRows=2,
        maxRows=10,
        className="rule-field",
        attributes={"input": _input(maxLength=PASTED, autoCapitalize="none")},
    )


def _choice(name: str, label: str, values: dict[str, str], choices: dict[str, str]) -> dmc.InputWrapper:
    control = dmc.SegmentedControl(
        id=element(name),
        value=values[name],
        data=[{"value": value, "label": words} for value, words in choices.items()],
        fullWidth=True,
        size="sm",
        attributes={"root": {"aria-label": label}},
    )
    return dmc.InputWrapper(control, label=label, labelElement="div")
