"""What the API says of parameters that aren't what they should be: the field, what was given, what is expected."""

from __future__ import annotations

import httpx
import pytest

LIST = "/users/ann/strategies"
ONE = f"{LIST}/IBM/dip"


@pytest.mark.parametrize(
    ("path", "field", "detail"),
    [
        (f"{LIST}?limit=99999", "limit", "'99999' is given; a whole number from 1 to 1,000 is expected"),
        (f"{LIST}?limit=0", "limit", "'0' is given; a whole number from 1 to 1,000 is expected"),
        (f"{LIST}?limit=many", "limit", "'many' is given; a whole number from 1 to 1,000 is expected"),
        (f"{LIST}?limit=1.5", "limit", "'1.5' is given; a whole number from 1 to 1,000 is expected"),
        (f"{LIST}?limit={'9' * 5_000}", "limit", f"'{'9' * 40}' is given; a whole number from 1 to 1,000 is expected"),
        (f"{ONE}/equity?points=1", "points", "'1' is given; a whole number from 4 to 2,000 is expected"),
        (f"{ONE}/equity?since=today", "since", "'today' is given; one like 2013-10-07T13:30:00Z is expected"),
        (f"{ONE}/fills?order=any", "order", "'any' is given; 'oldest' or 'newest' is expected"),
        (f"{ONE}/fills?cursor=x", "cursor", "'x' is given; one like 1381152600000000000-3 is expected"),
        ("/bars/IBM?first=monday", "first", "'monday' is given; a date like 2013-10-07 is expected"),
        ("/users/Ann/strategies", "username", "'Ann' is given; one like ann is expected"),
        ("/users/<b>/strategies", "username", "one like ann is expected"),
    ],
)
def test_a_wrong_value_is_told_in_our_words(ann: httpx.Client, path: str, field: str, detail: str) -> None:
    answer = ann.get(path)
    assert answer.status_code == (404 if field == "username" else 422)
    assert answer.json()["errors"] == [{"field": field, "detail": detail}]
    assert answer.json()["detail"] == f"{field}: {detail}"
