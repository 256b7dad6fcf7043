"""docs/strategies.md: every example in it is run, and there is one of everything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from riskcontrol.cli import cli
from riskcontrol.language.calls import CALLED, example
from riskcontrol.language.canonical import canonical
from riskcontrol.language.clauses import clauses
from riskcontrol.language.contents import walk
from riskcontrol.language.errors import LanguageError
from riskcontrol.language.limits import MOST_CHARACTERS, MOST_CLAUSES, MOST_CONDITIONS, MOST_DEPTH, MOST_NODES
from riskcontrol.language.parser import parse
from riskcontrol.language.text import text
from riskcontrol.language.tree import Cross, Function, Indicator, Word
from riskcontrol.language.words import FUNCTIONS, MARKET, POSITION
from riskcontrol.strategy_document import read_document
from riskcontrol.strategy_file import EVERY, KEYS, of_text
from riskcontrol.strategy_options import FEES

PAGE = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```([a-z]+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def blocks(kind: str) -> list[str]:
    return [body for found, body in BLOCKS if found == kind]


def examples(kind: str) -> list[list[str]]:
    """Return the examples of all blocks of a kind, as lines; blank lines are between them."""
    return [example.splitlines() for body in blocks(kind) for example in body.strip("\n").split("\n\n")]


@pytest.mark.parametrize(("written", "expected"), examples("rule"))
def test_a_rule_comes_to_the_form_shown(written: str, expected: str) -> None:
    node = canonical(parse(written))
    assert f"= {text(node)}" == expected
    assert clauses(node)


@pytest.mark.parametrize("lines", examples("error"), ids=lambda lines: lines[0])
def test_a_mistake_gets_the_message_shown(lines: list[str]) -> None:
    with pytest.raises(LanguageError) as caught:
        parse(lines[0])
    assert [*caught.value.pointed().splitlines(), caught.value.message] == lines


@pytest.mark.parametrize("body", blocks("console"))
def test_a_command_prints_what_is_shown(body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in blocks("toml"):
        (tmp_path / file.splitlines()[0].removeprefix("# ")).write_text(file)
    monkeypatch.chdir(tmp_path)
    command, _, shown = body.partition("\n")
    assert CliRunner().invoke(cli, command.split()[2:]).output == shown


def test_commands_that_build_on_each_other_work_as_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for line in "".join(blocks("sh")).splitlines():
        command, _, file = line.partition(" > ")
        result = CliRunner().invoke(cli, command.split()[1:])
        assert result.exit_code == 0, result.output
        if file:
            Path(file).write_text(result.stdout)
    assert "sma-cross on TVNV" in result.stdout


@pytest.mark.parametrize("body", blocks("json"))
def test_json_is_a_strategy(body: str) -> None:
    assert of_text(body, "json").terms.shares == 100


def test_there_is_an_example_of_every_word_function_and_value() -> None:
    nodes = [node for written, _ in examples("rule") for node in walk(parse(written))]
    assert {node.name for node in nodes if isinstance(node, Word)} == {*MARKET, *POSITION}
    used = {node.name for node in nodes if isinstance(node, Function)}
    used |= {f"crosses_{'above' if node.above else 'below'}" for node in nodes if isinstance(node, Cross)}
    assert used == set(FUNCTIONS)
    indicators = {(node.name, node.output) for node in nodes if isinstance(node, Indicator)}
    assert indicators == {(name, output) for name, known in CALLED.items() for output in known.outputs}


def test_there_is_an_example_of_every_key() -> None:
    documents = [read_document(body, "toml") for body in blocks("toml")]
    assert {key for document in documents for key in document} == set(KEYS)
    assert {key for document in documents for key in document.get("fees", {})} == set(FEES)
    for key in KEYS:
        assert f"| `{key}` |" in PAGE


def test_the_tables_say_what_the_registries_say() -> None:
    for name, meaning in (MARKET | POSITION).items():
        assert f"| `{name}` | {meaning} |" in PAGE
    for name, known in CALLED.items():
        first, *others = known.outputs
        written = f"`{example(name, first)}`" + "".join(f" `.{output}`" for output in others)
        assert f"| {written} | {known.summary} |" in PAGE
    assert f": {' '.join(EVERY)} |" in PAGE


def test_the_limits_said_are_the_limits() -> None:
    paragraph = " ".join(PAGE.partition("### Limits")[2].partition("##")[0].split())
    for limit in (
        f"{MOST_CHARACTERS:,} characters",
        f"{MOST_NODES} words",
        f"{MOST_DEPTH} levels",
        f"{MOST_CLAUSES} alternatives",
        f"{MOST_CONDITIONS} comparisons",
    ):
        assert limit in paragraph
