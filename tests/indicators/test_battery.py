"""One battery for every indicator that is registered: a new one is in it by being registered."""

from __future__ import annotations

import doctest
import importlib
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskcontrol.indicators.batch import compute
from riskcontrol.indicators.kernel import scale, update
from riskcontrol.indicators.registry import COLUMNS, INDICATORS, SOURCES, state_size, warm_up
from tests.indicators.cases import Bars, Case, cases, made_bars, table, walk
from tests.indicators.definitions import DEFINITIONS, Outputs

NAMES = sorted(INDICATORS)
every = pytest.mark.parametrize("name", NAMES)


def definition(case: Case, bars: Bars, count: int) -> Outputs:
    """Return what an indicator's outputs at bar number `count` are by its plain definition."""
    parameters = [int(v) if p.integer else v for p, v in zip(case.indicator.parameters, case.parameters, strict=True)]
    columns = {name: column[:count] for name, column in bars.items()}
    source = SOURCES[case.indicator.column(case.source)]
    of = columns[source] if case.indicator.sources else columns
    return DEFINITIONS[case.indicator.name](of, *parameters)


def test_all_have_a_definition_and_a_code_of_their_own() -> None:
    assert set(DEFINITIONS) == set(INDICATORS)
    assert all(name == indicator.name for name, indicator in INDICATORS.items())
    assert len({indicator.code for indicator in INDICATORS.values()}) == len(INDICATORS)


@every
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_bar_at_a_time_equals_the_definition_at_every_step(name: str, data: st.DataObject) -> None:
    case, bars = data.draw(cases(name)), data.draw(made_bars())
    state, out, rows = case.state(), np.zeros(len(case.indicator.outputs)), table(bars)
    largest = max(1.0, *(abs(value) for column in COLUMNS[:6] for value in bars[column]))
    for i, bar in enumerate(rows):
        update(case.indicator.code, case.vector, state, bar, case.indicator.column(case.source), out)
        expected = [math.nan if value is None else value for value in definition(case, bars, i + 1)]
        # Relative to the largest value there is: a deviation of nearly nothing is but its rounding.
        assert out.tolist() == pytest.approx(expected, rel=1e-9, abs=1e-11 * largest, nan_ok=True)


@every
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_value_comes_exactly_with_the_end_of_the_warm_up(name: str, data: st.DataObject) -> None:
    case, bars = data.draw(cases(name)), data.draw(made_bars())
    bars["volume"] = [volume or 1.0 for volume in bars["volume"]]
    rows = case.run(table(bars))
    for at, output in enumerate(case.indicator.outputs):
        first = warm_up(name, case.parameters, output)
        assert np.isnan(rows[:, at]).tolist() == [i + 1 < first for i in range(len(rows))]
    assert warm_up(name, case.parameters) == max(warm_up(name, case.parameters, o) for o in case.indicator.outputs)


@every
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_any_cut_of_the_bars_gives_the_same_bits(name: str, data: st.DataObject) -> None:
    case, rows = data.draw(cases(name)), table(data.draw(made_bars()))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=5)))
    state = case.state()
    parts = [case.run(rows[a:b], state) for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    assert np.concatenate(parts).tobytes() == case.run(rows).tobytes()


@every
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_a_state_that_was_stored_goes_on_as_if_nothing_had_happened(name: str, data: st.DataObject) -> None:
    case, rows = data.draw(cases(name)), table(data.draw(made_bars()))
    cut = data.draw(st.integers(0, len(rows)))
    state = case.state()
    before = case.run(rows[:cut], state)
    stored = pickle.dumps(state)
    after = case.run(rows[cut:], pickle.loads(stored))  # noqa: S301 - our own
    assert np.concatenate([before, after]).tobytes() == case.run(rows).tobytes()


@every
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_split_gives_what_adjusted_bars_would_have_given_all_along(name: str, data: st.DataObject) -> None:
    case, rows = data.draw(cases(name)), table(data.draw(made_bars()))
    cut = data.draw(st.integers(0, len(rows)))
    price = data.draw(st.sampled_from([0.5, 1 / 3, 2 / 3, 1 / 7, 10.0, 0.05]))
    shares = data.draw(st.sampled_from([1 / price, 1.0]))
    adjusted = rows * np.array([price] * 4 + [shares, price * shares, 1])
    state = case.state()
    case.run(rows[:cut], state)
    scale(case.indicator.code, case.vector, state, price, shares, case.indicator.column(case.source))
    largest = np.abs(adjusted[:, :6]).max()
    expected = case.run(adjusted)[cut:]
    assert case.run(adjusted[cut:], state) == pytest.approx(expected, rel=1e-9, abs=1e-11 * largest, nan_ok=True)


@every
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_a_bar_without_what_it_is_of_has_no_value_and_changes_nothing(name: str, data: st.DataObject) -> None:
    case, rows = data.draw(cases(name)), table(data.draw(made_bars()))
    cut = data.draw(st.integers(0, len(rows)))
    empty = np.full((1, len(COLUMNS)), data.draw(st.sampled_from([np.nan, np.inf, -np.inf])))
    out = case.run(np.concatenate([rows[:cut], empty, rows[cut:]]))
    assert np.isnan(out[cut]).all()
    assert np.delete(out, cut, axis=0).tobytes() == case.run(rows).tobytes()


@every
def test_parameters_out_of_range_are_refused(name: str) -> None:
    indicator = INDICATORS[name]
    defaults = indicator.complete([])
    assert indicator.complete(defaults) == defaults
    with pytest.raises(ValueError, match="numbers given"):
        indicator.complete([*defaults, 1])
    for at, parameter in enumerate(indicator.parameters):
        wrong = [parameter.least - 1, parameter.most + 1, math.nan, math.inf, -math.inf]
        wrong += [parameter.least + 0.5] if parameter.integer else []
        for value in wrong:
            given_values = [*defaults[:at], value, *defaults[at + 1 :]]
            with pytest.raises(ValueError, match=f"^{name}: {parameter.name} is .* is expected$"):
                indicator.complete(given_values)
            with pytest.raises(ValueError, match="is expected"):
                state_size(name, given_values)
            with pytest.raises(ValueError, match="is expected"):
                compute(name, given_values, walk(5, 0))


@every
def test_what_it_cannot_be_of_is_refused(name: str) -> None:
    wrong = ["notional", "day", "Close", "x"] + ([] if INDICATORS[name].sources else list(SOURCES))
    for source in wrong:
        with pytest.raises(ValueError, match=f"^{name}: can't be of {source!r}"):
            compute(name, [], walk(5, 0), source)


@every
def test_only_the_columns_that_it_reads_are_asked_for(name: str) -> None:
    bars, columns = walk(60, 1), INDICATORS[name].columns()
    whole = compute(name, [], bars)
    for output, values in compute(name, [], {column: bars[column] for column in columns}).items():
        assert values.tobytes() == whole[output].tobytes()
    for missing in columns:
        with pytest.raises(ValueError, match=f"^{name}: needs the column '{missing}'"):
            compute(name, [], {column: values for column, values in bars.items() if column != missing})


@every
def test_the_bars_and_parameters_are_left_as_they_are(name: str) -> None:
    case = Case(INDICATORS[name], INDICATORS[name].complete([]), "")
    rows, parameters = table(walk(60, 2)), case.vector
    kept = rows.copy(), parameters.copy()
    out, state = np.zeros(len(case.indicator.outputs)), case.state()
    for bar in rows:
        update(case.indicator.code, parameters, state, bar, case.indicator.column(), out)
    assert rows.tobytes() == kept[0].tobytes()
    assert parameters.tobytes() == kept[1].tobytes()


@every
def test_its_file_says_formula_source_and_warm_up_with_an_example_on_six_numbers(name: str) -> None:
    text = importlib.import_module(f"riskcontrol.indicators.{name}").__doc__ or ""
    for part in ("Parameters", "Formula: ", "Source: ", "Warm-up: ", "Example:"):
        assert f"\n{part}" in text
    examples = doctest.DocTestParser().get_examples(text)
    assert any(f'compute("{name}"' in example.source for example in examples)
    # One value a bar, so six between the brackets.
    assert all(line.count(",") == 5 for line in "".join(e.want for e in examples).splitlines())
    assert all(parameter.name in text for parameter in INDICATORS[name].parameters)
    assert all(output in text for output in INDICATORS[name].outputs)
