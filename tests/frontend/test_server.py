"""The server around the pages: addresses, headers, limits, and the command that starts it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from starlette.types import Message

from frontend.guard import MAX_BODY, Guard, is_loopback
from riskcontrol.cli.dashboard import command, listen
from tests.awaiting import awaited
from tests.frontend.conftest import Page
from tests.frontend.fake import FakeReader
from tests.frontend.serving import client_of


def test_health_tells_of_the_server_and_of_the_database(client: httpx.Client, tables: FakeReader) -> None:
    assert client.get("/api/v1/health").json() == {"ok": True, "database": True}
    tables.away = True
    assert client.get("/api/v1/health").json() == {"ok": True, "database": False}


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/user/ann",
        "/user/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/user/ann/..%2F..%2Fetc/passwd",
        "/market/BRK%2FB",
        "/no/such/page",
    ],
)
def test_pages_hold_everything_they_need_and_nothing_of_their_address(client: httpx.Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 200
    assert "alert(1)" not in response.text
    sources = re.findall(r"(?:src|href)=\"([^\"]+)\"", response.text)
    assert any("riskcontrol.css" in source for source in sources)
    assert all(source.startswith(("/", "#content")) for source in sources)
    assert "default-src 'self'" in response.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/", "RiskControl"),
        ("/user/ann", "ann · RiskControl"),
        ("/user/ann/BRK%2FB/dip", "dip on BRK/B · RiskControl"),
        ("/leaders", "Leaders · RiskControl"),
        ("/market", "Market · RiskControl"),
        ("/market/BRK%2FB", "BRK/B · RiskControl"),
        ("/health", "Health · RiskControl"),
        ("/new", "New strategy · RiskControl"),
        ("/user/%3Cb%3E", "RiskControl"),
        ("/user/ann/IBM/%3Cb%3E", "RiskControl"),
        ("/market/%3Cb%3E", "RiskControl"),
        ("/no/such/page", "Not found · RiskControl"),
    ],
)
def test_each_page_has_a_title_of_its_own(page: Page, path: str, title: str) -> None:
    answer = page.call("_pages_store.data", "_pages_location.pathname", _pages_location__pathname=path)
    assert answer["_pages_store.data"] == {"title": title}


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/user/<script>", "No such user"),
        ("/user/%00", "No such user"),
        ("/user/Ann", "No such user"),
        ("/x", "There is no such page"),
    ],
)
def test_addresses_of_nobody_get_a_message(page: Page, address: str, said: str) -> None:
    answer = page.post("_pages_content.children", "_pages_location.pathname", _pages_location__pathname=address)
    assert said in answer.text or said in str(answer.json())
    assert "<script>" not in answer.text


def test_bodies_that_no_page_sends_are_refused(client: httpx.Client) -> None:
    update = "/_dash-update-component"
    assert client.post(update, content=b"x=1", headers={"content-type": "text/plain"}).status_code == 415
    json = {"content-type": "application/json"}
    assert client.post(update, content=b" " * (MAX_BODY + 1), headers=json).status_code == 413
    assert client.post(update, content=iter([b"{}"]), headers=json).status_code == 411


PATHS = ["/", "/_dash-update-component", "/_dash-layout", "/_dash-dependencies", "/api/v1/health", "/assets/x",
         "/user/ann", "/no/such/page"]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "length", "status"),
    [
        ("POST", f"Content-Length: {MAX_BODY + 1}", 413),
        ("PUT", f"Content-Length: {MAX_BODY + 1}", 413),
        ("GET", f"Content-Length: {1 << 40}", 400),
        ("GET", "Transfer-Encoding: chunked", 400),
        ("HEAD", "Content-Length: 1", 400),
        ("POST", "Transfer-Encoding: chunked\r\nContent-Length: 2", 400),
        ("POST", f"Content-Length: {'9' * 19}", 413),
        ("POST", f"Content-Length: {'9' * 5_000}", 400),
        ("POST", "Content-Length: -1", 400),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_body_that_is_too_large_is_refused_before_it_is_read(
    client: httpx.Client, method: str, length: str, status: int
) -> None:
    for path in PATHS:
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{length}\r\n\r\n"
        with socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=60) as connection:
            connection.sendall(head.encode())
            assert connection.recv(64).startswith(f"HTTP/1.1 {status} ".encode()), path


BROKEN = [b"", b"{", b"[]", b"1", b"{}", b'{"output": 1}', b'{"output": "x.y", "inputs": 1}']
DEEP = [b"[" * 100_000, b'{"output": ' * 80_000, b'{"output": "x.y", "inputs": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_deep_bodies_are_the_fault_of_who_sends_them(client: httpx.Client, method: str, kind: str) -> None:
    for path in (*PATHS, "/sign-in", "/share"):
        for body in DEEP:
            response = client.request(method, path, content=body, headers={"content-type": kind})
            assert 400 <= response.status_code < 500, (path, response.status_code)
    assert client.get("/api/v1/health").status_code == 200


def calls(page: Page) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each callback of the pages, and a call of it without values."""
    for known in page.dependencies:
        many, names = known["output"].startswith(".."), known["output"].strip(".").split("...")
        outputs = [{"id": name.rpartition(".")[0], "property": name.rpartition(".")[2]} for name in names]
        call = {"output": known["output"], "outputs": outputs if many else outputs[0]}
        yield known, call | {"inputs": known["inputs"], "state": known["state"], "changedPropIds": []}


def test_calls_that_leave_something_out_or_add_it_are_refused_in_words(page: Page) -> None:
    part = {"id": "x", "property": "y", "value": 1}
    tried = 0
    for known, whole in calls(page):
        wrong: list[dict[str, Any]] = [
            *({name: whole[name][1:]} for name in ("inputs", "state") if whole[name]),
            *({name: [*whole[name], part]} for name in ("inputs", "state")),
            {"inputs": whole["inputs"][::-1], "state": [*whole["state"], *whole["inputs"]]},
            {"inputs": [[one] for one in whole["inputs"]]},
            {"outputs": [part, part, part]},
            {"inputs": whole["inputs"][0]},
            {"outputs": {}},
            {"outputs": [whole["outputs"]]},
            {"outputs": None},
            {"changedPropIds": ["{"]},
            {"changedPropIds": ["nothing.ofit"]},
        ]
        for each in wrong if known["clientside_function"] is None else [{}]:
            response = page.client.post("/_dash-update-component", json={**whole, **each})
            assert response.status_code == 400, (known["output"], each, response.text[:200])
            assert response.json()["detail"].startswith("a call of one of the page's callbacks is expected, with all")
            tried += 1
    assert tried > 100


def test_calls_without_values_are_never_the_servers_fault(page: Page) -> None:
    for known, whole in calls(page):
        if known["clientside_function"] is None:
            response = page.client.post("/_dash-update-component", json=whole)
            assert response.status_code < 500, (known["output"], response.text[:200])


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_calls_are_answered_only_where_they_are_posted(page: Page, method: str) -> None:
    for _, whole in calls(page):
        response = page.client.request(method, "/_dash-update-component", json=whole)
        assert response.status_code == 405, whole["output"]


def test_a_websocket_is_closed_at_once() -> None:
    said: list[Message] = []

    async def never(*_: Any) -> None:
        raise AssertionError("it came in")

    async def send(message: Message) -> None:
        said.append(message)

    awaited(Guard(never), {"type": "websocket"}, never, send)
    assert said == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize("body", [*BROKEN, *DEEP], ids=lambda body: body[:40].decode())
def test_broken_callbacks_leave_the_server_well(client: httpx.Client, body: bytes) -> None:
    response = client.post("/_dash-update-component", content=body, headers={"content-type": "application/json"})
    assert response.status_code >= 400
    assert body not in DEEP or response.status_code == 400
    assert "Traceback" not in response.text
    assert client.get("/api/v1/health").status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8050", "127.0.0.1.evil.example", "localhost@evil.example", "10.0.0.1", ""]
)
def test_a_name_that_leads_here_by_rebinding_is_refused(client: httpx.Client, host: str) -> None:
    for method, address in (("GET", "/"), ("POST", "/_dash-update-component"), ("GET", "/api/v1/health")):
        response = client.request(method, address, headers={"host": host})
        assert response.status_code == 400
        assert "loopback name" in response.text
        assert response.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8050", "localhost:1", "LocalHost", "[::1]:8050", "[::1]"])
def test_every_loopback_name_is_answered(client: httpx.Client, host: str) -> None:
    assert client.get("/api/v1/health", headers={"host": host}).status_code == 200


def test_only_one_host_header_counts_as_a_name() -> None:
    assert not is_loopback(["localhost", "evil.example"])


def test_a_taken_port_is_said_with_the_way_out() -> None:
    with listen("127.0.0.1", 0) as taken:
        result = CliRunner().invoke(command, ["--port", str(taken.getsockname()[1])])
    assert result.exit_code != 0
    assert "name another with --port" in str(result.exception)


def test_a_foreign_address_is_said_with_the_way_out() -> None:
    result = CliRunner().invoke(command, ["--host", "203.0.113.7"])
    assert "as --host" in str(result.exception)


@pytest.mark.parametrize(
    "flags",
    [["--host", "0.0.0.0"], ["--public-host", "risk.example"], ["--behind-proxy", "127.0.0.1"]],  # noqa: S104
)
def test_without_sign_in_the_pages_are_for_this_machine_alone(flags: list[str]) -> None:
    result = CliRunner().invoke(command, ["--port", "0", "--no-sign-in", *flags])
    assert result.exit_code == 2
    assert "--no-sign-in is for loopback alone" in result.stderr


@pytest.mark.parametrize("proxy", ["*", "proxy.example", "10.0.0.1/8", "127.0.0.1,*"])
def test_only_addresses_are_proxies_that_are_believed(proxy: str) -> None:
    result = CliRunner().invoke(command, ["--port", "0", "--behind-proxy", proxy])
    assert result.exit_code == 2
    assert "--behind-proxy takes addresses" in result.stderr


@pytest.mark.parametrize(
    ("host", "flags", "warned", "start"),
    [
        ("127.0.0.1", [], False, 303),
        ("0.0.0.0", [], True, 303),  # noqa: S104
        ("127.0.0.1", ["--no-sign-in", "--simulated"], False, 200),
    ],
)
def test_the_command_serves_until_it_is_interrupted(
    tmp_path: Path, host: str, flags: list[str], warned: bool, start: int
) -> None:
    code = "import sys; from riskcontrol.cli import main; sys.argv[0] = 'riskcontrol'; main()"
    arguments = ["dashboard", "--port", "0", "--host", host, "--home", str(tmp_path), *flags]
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = re.search(r"http://\S+:(\d+)/", process.stdout.readline())
        assert said is not None
        with client_of(f"http://127.0.0.1:{said[1]}") as client:
            health = "/api/v1/health"
            assert client.get(health).json() == {"ok": True, "database": False}
            assert client.get("/").status_code == start
            named = client.get(health, headers={"host": "dashboard.example"})
            assert named.status_code == (200 if warned else 400)
            frame = client.get("/_dash-layout").text
        assert ("Simulated" in frame) == ("--simulated" in flags)
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read()
        assert process.wait(20) == 130
    assert ("without TLS" in errors) == warned
    secret = tmp_path / "secret"
    assert secret.exists() == (start == 303)
    assert not secret.exists() or secret.read_text().strip() not in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    "body",
    [
        "", "[]", "{}", "null", "1", '"x"', "{", "\x00", "[[]]", '{"output": "OUT"}', '{"output": 1, "inputs": []}',
        '{"output": ["OUT"], "inputs": []}', '{"output": "OUT", "inputs": {}}', '{"output": "OUT", "inputs": [1]}',
        '{"output": "OUT", "inputs": [[1]]}', '{"output": "OUT", "inputs": [{"id": "a"}]}',
        '{"output": "OUT", "inputs": [], "state": 1}', '{"output": "OUT", "inputs": [], "outputs": 1}',
        '{"output": "OUT", "inputs": [], "changedPropIds": [[]]}', '{"output": "none.such", "inputs": []}',
        '{"output": "OUT", "inputs": [{"id": null, "property": "value"}]}', '{"output": ' + "9" * 5_000 + "}",
    ],
)  # fmt: skip
def test_a_call_that_is_none_is_the_fault_of_who_sends_it(page: Page, body: str) -> None:
    output = page.dependencies[0]["output"]
    kind = {"content-type": "application/json"}
    answer = page.client.post("/_dash-update-component", content=body.replace("OUT", output), headers=kind)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("a call of one of the page's callbacks is expected, with all")


@pytest.mark.parametrize(
    "path", ["x/y.js", "dash/y.js", "dash/%2E%2E/x.js", "os/path.js", "%00/y.js", "dash/%00.js", "dash/"]
)
def test_a_script_that_there_is_not_is_not_found(client: httpx.Client, path: str) -> None:
    assert client.get(f"/_dash-component-suites/{path}").status_code == 404
