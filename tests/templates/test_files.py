"""The templates' files: together they use everything there is, and each says in a line what it does."""

from __future__ import annotations

import pytest

from riskcontrol import templates
from riskcontrol.errors import InputError
from riskcontrol.language.calls import CALLED
from riskcontrol.language.contents import walk
from riskcontrol.language.tree import Cross, Indicator, Word
from riskcontrol.language.words import CROSSES, MARKET, POSITION
from riskcontrol.strategy_document import read_document
from riskcontrol.strategy_file import KEYS
from riskcontrol.strategy_options import FEES
from tests.templates.catalogue import definitions

DEFINITIONS = definitions()
DOCUMENTS = {name: read_document(templates.read(name), "toml") for name in templates.names()}
NODES = [node for one in DEFINITIONS.values() for rule in (one.buy, one.sell) if rule for node in walk(rule)]


@pytest.mark.parametrize("name", templates.names())
def test_a_template_has_its_files_name_and_a_line_that_says_what_it_does(name: str) -> None:
    assert DEFINITIONS[name].name == name
    assert templates.read(name).startswith("# ")
    assert templates.summary(name).endswith(".")
    assert len(templates.summary(name)) <= 98


def test_together_they_use_every_key_option_and_fee() -> None:
    assert {key for document in DOCUMENTS.values() for key in document} == set(KEYS)
    assert {key for document in DOCUMENTS.values() for key in document.get("fees", {})} == set(FEES)
    assert {key for document in DOCUMENTS.values() for key in document.get("size", {})} == {"fraction", "shares"}
    assert {document.get("every") for document in DOCUMENTS.values()} >= {"1m", "5m", "15m", "30m"}


def test_together_they_use_every_indicator_word_and_cross() -> None:
    indicators = {(node.name, node.output) for node in NODES if isinstance(node, Indicator)}
    assert indicators == {(name, output) for name, known in CALLED.items() for output in known.outputs}
    assert {node.name for node in NODES if isinstance(node, Word)} == {*MARKET, *POSITION}
    assert {f"crosses_{'above' if node.above else 'below'}" for node in NODES if isinstance(node, Cross)} == set(
        CROSSES
    )


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("sma-crss", "did you mean 'sma-cross'?"), ("SMA-Cross", "did you mean 'sma-cross'?"), ("zzz", "there are atr")],
)
def test_an_unknown_name_gets_the_nearest(name: str, remedy: str) -> None:
    with pytest.raises(InputError) as caught:
        templates.read(name)
    assert remedy in str(caught.value)


@pytest.mark.parametrize("name", ["../__init__", "", "sma-cross.toml", "\x1b[31m", "a" * 10_000])
def test_only_a_templates_name_is_read(name: str) -> None:
    with pytest.raises(InputError) as caught:
        templates.read(name)
    assert len(str(caught.value)) < 500
    assert "\x1b" not in str(caught.value)
