"""Money stays exact."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskcontrol.money import to_dollars, to_micros


@given(st.integers(-(10**17), 10**17))
def test_micros_survive_the_way_through_dollars(micros: int) -> None:
    assert to_micros(str(to_dollars(micros))) == micros


@pytest.mark.parametrize("text", ["", "abc", "nan", "inf", "1e400", "0.0000001", "1,000"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"number|decimal"):
        to_micros(text)
