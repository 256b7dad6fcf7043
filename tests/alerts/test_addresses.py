"""Where a webhook may go, as people type it who want it to go elsewhere."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskcontrol.alerts.addresses import check_url, is_public
from riskcontrol.errors import AlertError

PRIVATE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",  # noqa: S104  typed, not bound
    "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "192.88.99.1",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:db8::1",
    "2002:7f00:1::", "2002:a00:1::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
    "5f00::1", "", "localhost", "127.1", "example.com",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "93.184.216.34", "192.169.0.1", "172.32.0.1", "100.128.0.1", "::ffff:8.8.8.8", "64:ff9b::808:808",
          "2606:4700::1111", "2a00:1450:4001:81b::200e"]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_not_everybody_means_the_same_by_are_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_internet_are_allowed(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_of_ipv4_counts_the_same_however_it_is_written(address: ipaddress.IPv4Address) -> None:
    plain = is_public(str(address))
    assert is_public(f"::ffff:{address}") == plain
    assert is_public(str(ipaddress.IPv6Address((0x64_FF9B << 96) | int(address)))) == plain
    assert not plain or (address.is_global and not address.is_multicast)


def test_loopback_counts_only_where_a_test_says_so_and_nothing_else_does() -> None:
    assert is_public("127.0.0.1", local=True)
    assert is_public("::1", local=True)
    assert not is_public("10.0.0.1", local=True)
    assert not is_public("169.254.169.254", local=True)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.com/", "begin with https"),
        ("ftp://example.com/", "begin with https"),
        ("file:///etc/passwd", "begin with https"),
        ("//example.com/", "begin with https"),
        ("https://ann:secret@example.com/", "before an '@'"),
        ("https://example.com@127.0.0.1/", "before an '@'"),
        ("https://example.com:22/", "port 443"),
        ("https://example.com:80/", "port 443"),
        ("https://example.com:65536/", "port from 1"),
        ("https://example.com:x/", "port from 1"),
        ("https://example.com/#x", "'#'"),
        ("https://example.com/\r\nHost: internal", "an address like"),
        ("https://example.com/ x", "an address like"),
        ("https://example.com\\@127.0.0.1/", "an address like"),
        ("https://exämple.com/", "an address like"),
        ("https://" + "a" * 500, "an address like"),
        ("https://[::1", "an address like"),
        ("https://", "host's name"),
        ("https://exa%6dple.com/", "host's name"),
        ("https://[fe80::1%25eth0]/", "host's name"),
        ("", "an address like"),
    ],
)
def test_other_schemes_ports_names_and_line_ends_are_refused(url: str, said: str) -> None:
    with pytest.raises(AlertError, match=r"^url: must") as caught:
        check_url(url)
    assert said in str(caught.value)


def test_the_header_names_the_host_as_it_was_typed() -> None:
    assert check_url("https://example.com/a?b=c").authority == "example.com"
    assert check_url("https://example.com:8443").authority == "example.com:8443"
    assert check_url("https://[2606:4700::1111]:8443/").authority == "[2606:4700::1111]:8443"
    assert check_url("http://127.0.0.1:99/", local=True).port == 99


@given(st.text(max_size=60))
def test_whatever_is_typed_either_leads_somewhere_plain_or_is_refused(text: str) -> None:
    try:
        target = check_url(f"https://{text}")
    except AlertError:
        return
    assert target.authority.isascii()
    assert not set(target.authority + target.path) & set(" \r\n\t@#\\")
