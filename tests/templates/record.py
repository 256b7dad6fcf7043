"""Write `expected.json` anew: `python -m tests.templates.record`, after a change that was meant to change fills.

It says which templates changed, so that the commit can say why.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click

from tests.templates.catalogue import EXPECTED, expected, found, week


@click.command()
def main() -> None:
    """Run all templates, keep what they come to, and list those that came to something else before."""
    before = expected() if EXPECTED.exists() else {"tape": "", "templates": {}}
    with tempfile.TemporaryDirectory() as folder:
        after = found(week(Path(folder)))
    EXPECTED.write_text(json.dumps(after, indent=2) + "\n", encoding="utf-8")
    if before["tape"] != after["tape"]:
        click.echo("the tape itself has changed")
    names = sorted(before["templates"].keys() | after["templates"].keys())
    changed = [name for name in names if before["templates"].get(name) != after["templates"].get(name)]
    click.echo(f"{EXPECTED}: {len(changed)} of {len(names)} templates changed {' '.join(changed)}".rstrip())


if __name__ == "__main__":
    main()
