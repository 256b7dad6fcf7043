"""Texts that would be HTML, headers or log lines if they were not taken as texts, on the pages and over HTTP."""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.responses import HTMLResponse

from frontend import door
from frontend.door import Trouble
from frontend.keys import keys_page
from riskcontrol.accounts.links import Published
from riskcontrol.errors import TablesMissing
from tests.accounts.fake import PASSWORD
from tests.frontend.accounts import House, house
from tests.hostile import HOSTILE, MARK

FRONTEND = Path(door.__file__).parent
ROWS = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerously")


class Tags(HTMLParser):
    """Notes the tags of a page with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one."""
        self.found.append((tag, tuple(name for name, _ in attrs)))
        self.targets += [value or "" for name, value in attrs if name in ("href", "src", "action", "formaction")]


def tags(page: HTMLResponse) -> Tags:
    """Return the tags of a page."""
    found = Tags()
    found.feed(bytes(page.body).decode())
    return found


def published(text: str) -> Published:
    """Return a page of somebody with this name."""
    return Published(text, text, text, text, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))


PAGES: dict[str, Callable[[str], HTMLResponse]] = {
    "sign in": lambda text: door.sign_in_page(text, {"username": text}, Trouble("username", text), told=text),
    "sign in, all of it wrong": lambda text: door.sign_in_page(text, {"username": text}, Trouble("", text)),
    "register": lambda text: door.register_page({"username": text}, Trouble("password", text)),
    "account": lambda text: door.account_page(text, True, [published(text)], Trouble("old", text), told=text),
    "share": lambda text: door.share_page(text, text, text, published(text), text),
    "keys": lambda text: keys_page(text, [], token=text, told=text, trouble=Trouble("old", text)),
    "message": lambda text: door.message_page(text, text, 400),
    "away": lambda text: door.away_page(TablesMissing(text, server="cassandra")),
}


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_at_the_door_has_the_tags_that_it_has_for_plain_texts(name: str, text: str) -> None:
    made, plain = tags(PAGES[name](text)), tags(PAGES[name]("plain"))
    assert made.found == plain.found
    assert all(target.startswith("/") for target in made.targets)


def test_no_script_of_ours_makes_html_of_a_text() -> None:
    sources = [path for path in FRONTEND.rglob("*") if path.suffix in (".py", ".js")]
    assert len(sources) > 50
    assert [path.name for path in sources if ROWS.search(path.read_text(encoding="utf-8"))] == []


@pytest.fixture(scope="module")
def home() -> Iterator[House]:
    with house() as one:
        yield one


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_sent_becomes_no_page_no_header_and_no_line_of_the_log(
    home: House, text: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)
    ann, visitor, written = home.signed_in("ann"), home.visitor(), quote(text, safe="")
    home.store.noted.clear()
    form = {"username": text, "password": PASSWORD, "again": PASSWORD, "next": text, "ticker": text, "name": text}
    answers = [
        visitor.post("/sign-in", data=form),
        visitor.post("/register", data=form),
        visitor.get("/sign-in", params={"next": text, "told": text}),
        visitor.get(f"/shared/{written}"),
        visitor.get(f"/user/{written}"),
        ann.get(f"/user/{written}/{written}/{written}"),
        ann.get(f"/market/{written}"),
        ann.get("/share", params=form),
        ann.post("/share", data={**form, "do": "publish"}),
        ann.get(f"/api/v1/users/{written}/strategies/{written}/{written}/fills.csv"),
    ]
    page = home.page(ann)
    named = text if text.isprintable() else written  # as browsers write an address; Dash fails over a line's end in one
    for path in (f"/user/{named}", f"/user/ann/{named}/{named}", f"/market/{named}", f"/shared/{named}", f"/{named}"):
        for output in ("_pages_content.children", "_pages_store.data"):
            answers.append(page.post(output, "_pages_location.pathname", _pages_location__pathname=path))
    for answer in answers:
        assert answer.status_code < 500, answer.request.url
        assert f"<script>{MARK}" not in answer.text
        assert "<img" not in answer.text
        for name, value in answer.headers.items():
            assert MARK not in name
            assert MARK not in value or (name == "location" and value.startswith("/sign-in?next=")), name
    said = capfd.readouterr()
    assert MARK not in said.out + said.err + caplog.text
