"""Strategy files: TOML and JSON of one shape, one canonical text, and errors that name file, line, key and remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from riskcontrol.errors import InputError, StrategyError
from riskcontrol.language.errors import LanguageError
from riskcontrol.language.text import text
from riskcontrol.language.tree import Node
from riskcontrol.strategy_document import MOST_BYTES, read_document
from riskcontrol.strategy_file import EVERY, KEYS, Definition, load, load_or_errors, of_document, of_text
from riskcontrol.terms import MAX_SHARES, PPM, FillMode, Session, Terms
from tests.language.trees import PATIENT, conditions

LEAST = {"name": "dip", "ticker": "IBM", "buy": "price <= reference - 0.10"}
TOML = """\
name = "dip"
ticker = "IBM"
cash = 10_000.50
every = "5m"
session = "extended"
fill = "same"
buy = "price <= reference - a"
sell = ["price >= reference + 0.20", "price < peak * 97%"]
stop_loss = 2.5
take_profit = "10"
trailing_stop = 0.0001
size = { fraction = "0.5" }
slippage_basis_points = 1.5

[parameters]
a = 0.10

[fees]
per_share = 0.005
per_order = 1
minimum = "1.25"
basis_points = 0.5
"""
CANONICAL = (
    '{"buy":"price <= reference - 0.1","cash":"10000.5","every":"5m",'
    '"fees":{"basis_points":"0.5","minimum":"1.25","per_order":"1","per_share":"0.005"},"fill":"same","name":"dip",'
    '"sell":"price < peak * 0.97 or price >= reference + 0.2","session":"extended","size":{"fraction":"0.5"},'
    '"slippage_basis_points":"1.5","stop_loss":"2.5","take_profit":"10","ticker":"IBM","trailing_stop":"0.0001"}'
)


def made(**keys: Any) -> Definition:
    return of_document(LEAST | keys)


def test_a_file_means_what_it_says() -> None:
    found = of_text(TOML, "toml")
    assert (found.name, found.ticker, found.cash, found.every) == ("dip", "IBM", 10_000_500_000, 300)
    assert found.session is Session.EXTENDED
    assert text(found.buy) == "price <= reference - 0.1"
    assert found.sell is not None
    assert text(found.sell) == "price < peak * 0.97 or price >= reference + 0.2"
    assert found.parameters == (("a", "0.1"),)
    assert found.terms == Terms(
        stop_loss=25_000,
        take_profit=100_000,
        trailing_stop=1,
        fraction=500_000,
        fee_per_share=5_000,
        fee_per_order=1_000_000,
        fee_minimum=1_250_000,
        fee_rate=50,
        slippage=150,
        fill=FillMode.SAME,
    )


def test_what_is_not_said_is_as_usual() -> None:
    found = made()
    assert (found.cash, found.every, found.session, found.sell) == (10_000_000_000, 60, Session.REGULAR, None)
    assert found.terms == Terms()


def test_toml_and_json_of_the_same_shape_are_the_same() -> None:
    found = of_text(TOML, "toml")
    assert found.canonical_json() == CANONICAL
    assert of_text(found.to_toml(), "toml") == found
    assert of_text(found.to_json(), "json") == found
    assert of_text(CANONICAL, "json") == found


def test_numbers_of_a_file_are_exact() -> None:
    for form, written in (("toml", "cash = 0.000001"), ("json", '{"cash": 0.000001}')):
        assert of_document(LEAST | read_document(written, form)).cash == 1
    with pytest.raises(StrategyError, match="more than 6 decimal places"):
        made(**read_document("cash = 1." + "0" * 40 + "1", "toml"))


def test_other_values_of_parameters_may_be_given() -> None:
    assert text(of_text(TOML, "toml", {"a": "0.35"}).buy) == "price <= reference - 0.35"
    with pytest.raises(StrategyError, match="b: there is no such parameter; the file has a"):
        of_text(TOML, "toml", {"b": "1"})
    with pytest.raises(StrategyError, match=r"the file has no \[parameters\]"):
        of_document(LEAST, {"b": "1"})


def test_a_parameter_may_be_an_indicators() -> None:
    rule = "crosses_above(sma(fast), sma(slow))"
    found = made(buy=rule, parameters={"fast": 5, "slow": "20"})
    assert text(found.buy) == "crosses_above(sma(close, 5), sma(close, 20))"


sizes = st.one_of(
    st.just({}),
    st.integers(1, PPM).map(lambda n: {"fraction": n}),
    st.integers(1, MAX_SHARES).map(lambda n: {"shares": n}),
)
amounts = st.fixed_dictionaries(
    {},
    optional={
        "stop_loss": st.integers(0, PPM - 1),
        "take_profit": st.integers(0, 1000 * PPM),
        "trailing_stop": st.integers(0, PPM - 1),
        "fee_per_share": st.integers(0, 10**13),
        "fee_per_order": st.integers(0, 10**13),
        "fee_minimum": st.integers(0, 10**13),
        "fee_rate": st.integers(0, PPM // 2),
        "slippage": st.integers(0, PPM // 2),
        "fill": st.sampled_from(FillMode),
    },
)


@PATIENT
@given(
    conditions(leaves=2),
    st.sampled_from([*EVERY.values()]),
    st.integers(1, 10**15),
    st.sampled_from(Session),
    sizes,
    amounts,
)
def test_a_strategy_survives_both_kinds_of_file(
    sell: Node, every: int, cash: int, session: Session, size: dict[str, int], options: dict[str, int]
) -> None:
    buy = of_document(LEAST).buy
    try:
        definition = Definition("n", "BRK.B", cash, every, session, buy, sell, Terms(**(size | options)))
    except LanguageError:
        assume(False)
    assert of_text(definition.to_toml(), "toml") == definition
    assert of_text(definition.to_json(), "json") == definition
    assert of_text(definition.canonical_json(), "json").canonical_json() == definition.canonical_json()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"nmae": "x"}, "nmae: unknown key; did you mean 'name'?"),
        ({"qqq": 1}, "qqq: unknown key; known are name, ticker, cash, every, session, buy, sell, fill, stop_loss"),
        ({"\x1b[31m": 1}, "\\u001b[31m: unknown key; known are"),
        ({"name": "a b"}, "name: must be 1 to 24 letters"),
        ({"name": 3}, 'name: a number is no text; write name = "dip"'),
        ({"ticker": "ibm"}, "ticker: must be a ticker like IBM"),
        ({"cash": "ten"}, "cash: 'ten' is no number; write one like 2.5"),
        ({"cash": "1e5"}, "cash: '1e5' is no number"),
        ({"cash": True}, "cash: true or false is no number"),
        ({"cash": 0}, "cash: must be more than 0"),
        ({"cash": -1}, "cash: -1 is out of range; 0 to 1,000,000,000 dollars are accepted"),
        ({"cash": 10**30}, "cash: the number is too large"),
        (
            {"every": "3m"},
            "every: '3m' is not accepted; write one of 1s, 5s, 15s, 30s, 1m, 5m, 15m, 30m, 1h, 2h, 4h, 1d",
        ),
        ({"every": 60}, "every: a number is not accepted; write one of 1s"),
        ({"session": "night"}, "session: 'night' is not accepted; write one of regular, extended"),
        ({"fill": "now"}, "fill: 'now' is not accepted; write one of next, same"),
        ({"buy": "price"}, "buy: 'price' alone is no condition at 1"),
        ({"buy": ["price > 3", "price"]}, "buy 2: 'price' alone is no condition at 1"),
        ({"buy": []}, "buy: write a condition as text, or a list of 1 to 8 of them"),
        ({"buy": [["price > 3"]]}, "buy: write a condition as text"),
        ({"buy": "price < peak"}, "buy: 'peak' in a rule for buying at 9; it has no value until something is held"),
        ({"buy": ["price > 3", "HELD > 5m"]}, "buy 2: 'held' in a rule for buying at 1"),
        ({"sell": None}, "sell: write a condition as text"),
        ({"sell": "low > high / (vwap * 0)"}, "sell: division by zero; a number other than 0"),
        ({"sell": [f"price > entry + {i}" for i in range(8)] + ["low > 1"]}, "sell: write a condition as text"),
        ({"stop_loss": 100}, "stop_loss: 100 is out of range; 0 to 99.9999 percent are accepted"),
        ({"stop_loss": "2.5%"}, "stop_loss: '2.5%' is no number; write one like 2.5"),
        ({"stop_loss": "0.00001"}, "stop_loss: 0.00001 has more than 4 decimal places"),
        ({"trailing_stop": -1}, "trailing_stop: -1 is out of range"),
        ({"slippage_basis_points": 5001}, "slippage_basis_points: 5001 is out of range; 0 to 5,000 basis points"),
        ({"size": "half"}, 'size: \'half\' is no size; write "all", { fraction = "0.5" } or { shares = 100 }'),
        ({"size": {"fraction": "0.5", "shares": 3}}, "size: a table is no size"),
        ({"size": {"fraction": 0}}, "size.fraction: a strategy that spends nothing never buys"),
        ({"size": {"fraction": 2}}, "size.fraction: 2 is out of range; 0 to 1 of the cash are accepted"),
        ({"size": {"shares": "1.5"}}, "size.shares: write a whole number from 1 to 1,000,000,000"),
        ({"size": {"share": 3}}, "size.share: unknown key; did you mean 'shares'?"),
        ({"fees": 3}, "fees: a number is no table; write [fees] and its keys below"),
        ({"fees": {"per_shares": 3}}, "fees.per_shares: unknown key; did you mean 'per_share'?"),
        ({"fees": {"per_share": "x"}}, "fees.per_share: 'x' is no number"),
        ({"fees": {"per_share": "0.0000001"}}, "fees.per_share: 0.0000001 has more than 6 decimal places"),
        ({"parameters": 3}, "parameters: a number is no table"),
        ({"parameters": {"price": 3}}, "parameters.price: a parameter's name is a letter"),
        ({"parameters": {"and": 3}}, "parameters.and: a parameter's name is a letter"),
        ({"parameters": {"A": 3}}, "parameters.A: a parameter's name is a letter"),
        ({"parameters": {"a": "0.1234567891"}}, "parameters.a: at most 12 digits before the point and 9 after it"),
    ],
)
def test_what_is_wrong_is_named(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(StrategyError) as caught:
        made(**keys)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("key", ["name", "ticker", "buy"])
def test_what_is_missing_is_named(key: str) -> None:
    with pytest.raises(StrategyError, match=f"{key}: is missing; add it: {key} = "):
        of_document({name: value for name, value in LEAST.items() if name != key})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.toml", b'name = "a"\nname = "b"\n', "a.toml, line 2: is no TOML: Cannot overwrite a value"),
        ("a.toml", b'name = "a"\nticker = \n', "a.toml, line 2: is no TOML: Invalid value"),
        ("a.json", b'{"name": "a",\n "name": "b"}', "a.json: the key 'name' is said twice; say it once"),
        ("a.json", b'{"name": \n}', "a.json, line 2: is no JSON: Expecting value"),
        ("a.json", b'{"cash": NaN}', "a.json: NaN is no number that a strategy can have"),
        ("a.json", b"[1]", "a.json: a strategy in JSON is an object"),
        ("a.json", b"[" * 60_000, "a.json: is nested too deeply"),
        ("a.toml", b"a = " + b"[" * 60_000, "a.toml: is nested too deeply"),
        ("a.json", b'{"cash": ' + b"9" * 5000 + b"}", "a.json: is no JSON: Exceeds the limit"),
        ("a.json", b"\n\n\xff", "a.json, line 3: is no text in UTF-8; save it as such"),
        ("a.toml", b"#" * (MOST_BYTES + 1), "a.toml: larger than 65,536 bytes"),
        ("a.yaml", b"name: a", "a.yaml: the name of a strategy file ends in .toml or .json"),
        (
            "a.toml",
            b'name = "a"\nticker = "IBM"\n\nbuy = "price <= refrence"\n',
            "a.toml, line 4, buy: unknown word 'refrence' at 10; did you mean 'reference'?",
        ),
        (
            "a.json",
            b'{"name": "a", "ticker": "IBM",\n "buy": ["price > 1",\n "price"]}',
            "a.json, line 2, buy 2: 'price' alone",
        ),
        (
            "a.toml",
            b'name = "a"\nticker = "IBM"\nbuy = "price > 1"\n[fees]\n\nper_share = -1\n',
            "a.toml, line 6, fees.per_share: -1 is out of range",
        ),
        ("a.toml", b'name = "a"\nbuy = "price > 1"\n', "a.toml, ticker: is missing; add it"),
        (
            "a.toml",
            b'name = "a"\nticker = "I"\nbuy = "price > 1"\ncash = 0e99999999\n',
            "a.toml, line 4, cash: must be",
        ),
        ("a.toml", b'name = "a"\nticker = "I"\nbuy = "price > 1"\ncash = inf\n', "a.toml, line 4, cash: the number is"),
        ("a.toml", b'name = "a"\nticker = "I"\nbuy = 2024-01-01\n', "a.toml, line 3, buy: write a condition as text"),
    ],
)
def test_a_bad_file_is_an_error_with_its_place(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        load(tmp_path / name)
    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(message)


def test_a_wrong_parameter_is_told_and_no_rule_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    rules = 'buy = ["macd(12, slow, 9).line > 0", "price > pric"]\nsell = "prce > SLOW"\n'
    path.write_text(f'name = "a"\nticker = "IBM"\n{rules}[parameters]\nslow = "2O"\n')
    found = load_or_errors(path)
    assert isinstance(found, list)
    assert [(error.line, error.field) for error in found] == [(3, "buy 2"), (6, "parameters.slow")]
    with pytest.raises(InputError, match=r"a\.toml, line 6, parameters\.slow: '2O' is no number"):
        load(path)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be read: No such file"):
        load(tmp_path / "a.toml")


@PATIENT
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)), st.sampled_from(["toml", "json"]))
def test_any_content_is_a_strategy_or_an_error(content: bytes | str, form: str) -> None:
    try:
        found = of_text(content.encode("utf-8", "replace") if isinstance(content, str) else content, form)
    except (InputError, StrategyError):
        return
    assert of_text(found.to_toml(), "toml") == found


values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(["all", "1", "-1"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["fraction", "shares", "per_share", "minimum", "a", "x"]), inner, max_size=2),
    ),
    max_leaves=4,
)


@PATIENT
@given(st.sampled_from([key for key in KEYS if key != "name"]), values)
def test_any_value_of_any_key_is_accepted_or_an_error_that_names_it(key: str, value: object) -> None:
    try:
        found = of_text(json.dumps(LEAST | {key: value}), "json")
    except StrategyError as error:
        named = error.field
    except InputError as error:
        named = str(error)
    else:
        assert of_text(found.to_json(), "json") == found
        return
    assert named.startswith(key) or "is no number that a strategy can have" in named
