"""What is typed about alerts, and what a rule goes on from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskcontrol.alerts.rules import Contact, Rule, asked, check_email, percent_text, read_cap, read_drawdown
from riskcontrol.errors import AlertError, StrategyError


@given(st.integers(1, 999_999))
def test_a_limit_is_read_as_it_is_written(limit: int) -> None:
    assert read_drawdown(percent_text(limit)) == limit
    assert read_drawdown(f" {percent_text(limit)} % ") == limit


@pytest.mark.parametrize("typed", ["0", "-5", "100", "1e999999999", "nan", "ten", "0.00001", "", "١٠%%", "1_0_0_0"])
def test_what_is_no_limit_is_refused(typed: str) -> None:
    with pytest.raises(AlertError, match=r"^drawdown: must be more than 0"):
        read_drawdown(typed)


@pytest.mark.parametrize("typed", ["0", "101", "-1", "x", "1.5", "٥", "9" * 5_000])
def test_what_is_no_cap_is_refused(typed: str) -> None:
    with pytest.raises(AlertError, match=r"^cap: must be a whole number"):
        read_cap(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "ann", "ann@example", "@example.com", "ann@@example.com", "ann@example.com\nBcc: bob@example.com",
        "ann@example.com\r", "ann@example.com, bob@example.com", '"ann"@example.com', "Ann <ann@example.com>",
        "ann @example.com", "änn@example.com", "ann@[127.0.0.1]", ".ann@example.com", "a..b@example.com",
        "a" * 65 + "@example.com", "ann@" + "a." * 130 + "com", "ann%example.com", "ann@example.com>",
    ],
)  # fmt: skip
def test_what_is_no_address_or_more_than_one_is_refused(typed: str) -> None:
    with pytest.raises(AlertError, match=r"^email: must be an address"):
        check_email(typed)


def test_addresses_as_people_have_them_are_taken() -> None:
    for typed in ("ann@example.com", "ann.lee+risk@mail.example.co.uk", "o'neil@example.org", "a@b.museum"):
        assert check_email(typed) == typed


def test_a_contact_reaches_only_what_is_there_and_confirmed() -> None:
    assert not Contact("ann").reaches("webhook")
    assert Contact("ann", url="https://example.com/").reaches("webhook")
    assert not Contact("ann", email="ann@example.com").reaches("email")
    assert Contact("ann", email="ann@example.com", confirmed=True).reaches("email")
    for bad in ({"url": "http://example.com/"}, {"email": "x"}, {"cap": 0}, {"cap": 101}):
        with pytest.raises(AlertError):
            Contact("ann", **bad)  # type: ignore[arg-type]
    with pytest.raises(StrategyError):
        Contact("no spaces")


def test_a_rule_tells_from_now_on_and_goes_on_when_it_is_set_again() -> None:
    wanted = Rule("ann", "IBM", "dip")
    first = asked(wanted, None, fills=True, verdict=True, count=7, now=2.0)
    assert (first.fills, first.verdict) == (7, 2_000_000_000)
    again = asked(wanted, first, fills=True, verdict=True, count=9, now=3.0)
    assert again == first
    off = asked(wanted, again, fills=False, verdict=False, count=9, now=3.0)
    assert off.empty
    assert asked(wanted, off, fills=True, verdict=False, count=9, now=3.0).fills == 9
    with pytest.raises(AlertError, match="less than 100"):
        Rule("ann", "IBM", "dip", drawdown=1_000_000)
