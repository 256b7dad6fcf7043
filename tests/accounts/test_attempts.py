from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskcontrol.accounts.attempts import HERE, NAME, NETWORK, REGISTER, Limit, network_of

LIMITS = st.builds(
    Limit,
    free=st.integers(0, 10),
    first=st.floats(0.5, 100),
    most=st.floats(100, 5_000),
    window=st.floats(100, 100_000),
)
TIMES = st.lists(st.floats(0, 10_000), max_size=80)


@given(LIMITS, TIMES, st.floats(0, 12_000))
def test_waiting_as_long_as_said_is_enough_and_less_is_not(limit: Limit, times: list[float], now: float) -> None:
    past = [at for at in times if at <= now]
    wait = limit.wait(past, now)
    assert 0 <= wait <= limit.most
    assert limit.wait(past, now + wait) <= 1e-6
    if wait > 1e-6 and all(now + wait / 2 - at < limit.window for at in past):
        assert limit.wait(past, now + wait / 2) > 0


@given(LIMITS, st.integers(1, 70))
def test_each_further_attempt_never_shortens_the_wait(limit: Limit, count: int) -> None:
    waits = [limit.wait([50.0] * number, 50.0) for number in range(count)]
    assert waits == sorted(waits)
    assert all(wait == 0 for wait in waits[: limit.free + 1])


@given(LIMITS, TIMES)
def test_old_attempts_are_forgiven(limit: Limit, times: list[float]) -> None:
    assert limit.wait(times, 10_000 + limit.window) == 0


def test_the_wait_doubles_up_to_its_most() -> None:
    limit = Limit(free=2, first=1, most=10, window=3_600)
    assert [limit.wait([0.0] * count, 0.0) for count in range(8)] == [0, 0, 0, 1, 2, 4, 8, 10]


def test_a_clock_that_went_back_makes_nobody_wait_longer_than_the_most() -> None:
    assert HERE.wait([10_000.0] * 30, 5_000.0) == HERE.most


def guesses(limit: Limit, seconds: float) -> int:
    """Return how many attempts can be made in so many seconds by somebody who always waits."""
    now, made = 0.0, []
    while now < seconds:
        made.append(now)
        now += limit.wait(made, now)
        if len(made) > 100_000:
            break
    return len(made)


@pytest.mark.parametrize(("limit", "most"), [(HERE, 130), (NETWORK, 2_100), (NAME, 3_000), (REGISTER, 40)])
def test_few_guesses_can_be_made_in_a_day(limit: Limit, most: int) -> None:
    assert guesses(limit, 86_400) <= most


@given(st.integers(0, (1 << 128) - 1))
def test_a_network_of_ipv6_is_its_first_64_bits(bits: int) -> None:
    address = ipaddress.IPv6Address(bits)
    if address.ipv4_mapped is None:
        assert int(ipaddress.IPv6Address(network_of(str(address)))) == bits >> 64 << 64


@pytest.mark.parametrize("address", ["", "unix:", "unknown", "1.2.3", "999.1.1.1", "\n"])
def test_what_is_no_address_counts_as_one_network(address: str) -> None:
    assert network_of(address) == ""
