"""Cards: a figure with its label above it, and what there is to say of it below."""

from __future__ import annotations

from dash import html


def card(
    label: str, figure: str, below: str = "", *, tone: str = "", below_tone: str = "", about: str | None = None
) -> html.Div:
    """Return a card.

    Args:
        label: What the figure is.
        figure: The figure, as it is shown.
        below: What is said of it.
        tone: Of the figure; one of `formats.tone`.
        below_tone: Of what is said of it, likewise.
        about: What pointing at the card tells.
    """
    parts = [html.Div(label, className="label"), html.Div(figure, className=f"figure {tone}".rstrip())]
    if below:
        parts.append(html.Div(below, className=f"below {below_tone}".rstrip()))
    return html.Div(parts, className="card", title=about)
