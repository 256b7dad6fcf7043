"""The load of viewers and programs, in a process of its own: browsers that refresh their pages, requests with keys."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import random
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import quote, urlsplit

import psutil
import uvloop

from bench.pages_load import CALLBACKS, GRACE, HEADERS, Outcome, Recorded
from bench.viewers_http import BrokenError, Client
from riskcontrol.errors import ServerError

CLOCK = "clock.n_intervals"
"""What makes a page ask whether anything has changed."""
MARKET = "market.data"
"""What its answer changes, and with that the page's own callbacks ask."""
INTERVAL = "clock.interval"
"""How long the clock waits after an answer, milliseconds; its answer changes that, where the server is busy."""
CONTENT = "_pages_content.children"
"""What is asked for when a link of ours is followed."""
_ONE = "/users/{user}/strategies/{ticker}/{name}"
ADDRESSES = (
    "/me", "/users/{user}/strategies", "/users/{user}/positions", _ONE, f"{_ONE}/fills", f"{_ONE}/equity",
    f"{_ONE}/statistics", f"{_ONE}/verdict", "/bars/{ticker}", "/leaders",
)  # fmt: skip
"""What programs ask for, in turn."""
_JSON = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody with an account.

    Attributes:
        names: By placeholder: user, ticker, name.
        cookie: Of the session, as it is sent.
        key: With which a program reads the API.
    """

    names: Mapping[str, str]
    cookie: str = field(repr=False, default="")
    key: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is asked for, and when.

    Attributes:
        address: Of the pages, without a slash at the end.
        pages: By name, each callback's first request when the page was opened; the order is that of looking at them.
        viewers: Who looks.
        interval: Seconds between a page's last answer and its next question, until the server tells another number.
        stay: Seconds on a page.
        requests: Of the API, a second.
        begin: When viewers begin to come, on the machine's monotonic clock, one after the other.
        measure: From when on requests count; all have come by the middle of the time before.
        end: Until when they are sent.
        seed: Of when who comes.
    """

    address: str
    pages: Mapping[str, Sequence[Recorded]]
    viewers: Sequence[Viewer]
    interval: float
    stay: float
    requests: float
    begin: float
    measure: float
    end: float
    seed: int


@dataclass(slots=True)
class Told:
    """What came of a plan; seconds from when a request was due to the end of its answer."""

    pages: Outcome = field(default_factory=Outcome)
    api: Outcome = field(default_factory=Outcome)
    between: list[float] = field(default_factory=list)
    """Seconds between what one saw and what one saw next: from a page's answer to its next one."""


class OpenPage:
    """A page in somebody's browser: what its callbacks send next, from what they were answered.

    Args:
        requests: Each callback's first request.
        names: Whose, by placeholder.
        frame: What the frame around it knows already; nothing in a browser that was just opened.
    """

    def __init__(
        self, requests: Sequence[Recorded], names: Mapping[str, str], frame: Mapping[str, Any] | None = None
    ) -> None:
        self._bodies = [json.loads(request.written_for(names)) for request in requests]
        self._known: dict[str, Any] = dict(frame or {})
        self._wanted = {_key(each) for body in self._bodies for each in _values(body)}
        self._elements = {key.partition(".")[0] for key in self._wanted}

    @property
    def frame(self) -> dict[str, Any]:
        """What the frame knows."""
        return {key: self._known[key] for key in (MARKET, INTERVAL) if key in self._known}

    def interval(self, usual: float) -> float:
        """Return how long the clock waits after an answer, seconds: as told, or `usual`."""
        told = self._known.get(INTERVAL)
        return usual if told is None else float(told) / 1_000

    def content(self) -> list[bytes]:
        """Return what is sent when a link to the page is followed."""
        return [json.dumps(body).encode() for body in self._bodies if CONTENT in body["output"]]

    def first(self) -> list[bytes]:
        """Return what is sent once the content is there."""
        parts = [body for body in self._bodies if CONTENT not in body["output"] and not _asks(body, CLOCK)]
        return [self._written(body) for body in parts]

    def tick(self, number: int) -> list[bytes]:
        """Return what is sent when the clock ticks.

        Args:
            number: So often it has.
        """
        self._known[CLOCK] = number
        return [self._written(body, CLOCK) for body in self._bodies if _asks(body, CLOCK)]

    def again(self) -> list[bytes]:
        """Return what is sent when the market has changed."""
        return [self._written(body, MARKET) for body in self._bodies if _asks(body, MARKET)]

    def answered(self, answer: bytes) -> bool:
        """Keep what later requests send of an answer; returns whether the market has changed."""
        text, before = answer.decode(), self._known.get(MARKET)
        for element in self._elements:
            # Of 40 kB, some hundred bytes are sent again: the rest needs no taking apart.
            if (at := text.find(found := f'"{element}":{{')) >= 0:
                changes, _ = _JSON.raw_decode(text, at + len(found) - 1)
                self._known |= {
                    key: value for name, value in changes.items() if (key := f"{element}.{name}") in self._wanted
                }
        return bool(self._known.get(MARKET) != before)

    def _written(self, body: dict[str, Any], changed: str = "") -> bytes:
        for each in _values(body):
            if (key := _key(each)) in self._known:
                each["value"] = self._known[key]
        return json.dumps({**body, "changedPropIds": [changed]} if changed else body).encode()


def _values(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for part in [*body.get("inputs", ()), *body.get("state", ())]:
        yield from part if isinstance(part, list) else [part]


def _key(value: Mapping[str, Any]) -> str:
    return f"{value['id']}.{value['property']}"


def _asks(body: dict[str, Any], key: str) -> bool:
    """Return whether a callback is sent when something changes."""
    return any(_key(each) == key for each in _values({"inputs": body["inputs"]}))


class _Load:
    """Sends what a plan says, and notes what comes of it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.told = Told()

    async def run(self) -> Told:
        plan, rng = self.plan, random.Random(self.plan.seed)
        coming = (plan.measure - plan.begin) / 2 / len(plan.viewers)
        comings = [plan.begin + coming * number for number in range(len(plan.viewers))]
        programs = self._client({})
        tasks = [
            self._look(viewer, number, coming, rng.random() * plan.stay)
            for number, (viewer, coming) in enumerate(zip(plan.viewers, comings, strict=True))
        ]
        began = time.perf_counter()
        try:
            await asyncio.gather(self._programs(programs), *tasks)
        finally:
            programs.close()
        self.told.pages.took = self.told.api.took = time.perf_counter() - began
        return self.told

    async def _look(self, viewer: Viewer, number: int, coming: float, first: float) -> None:
        """Look at one page after the other; a page's clock waits for the answers, as in a browser."""
        plan, ticks, at = self.plan, 0, number % len(self.plan.pages)
        frame: dict[str, Any] = {}
        names, client = list(plan.pages), self._client({"cookie": viewer.cookie, "sec-fetch-site": "same-origin"})
        due, stay = coming, first
        try:
            while due < plan.end:
                name, leaves, stay = names[at], due + stay, plan.stay
                page = OpenPage(plan.pages[name], viewer.names, frame)
                await self._until(due)
                await self._all(client, "opening", page, page.content(), due)
                await self._all(client, "opening", page, page.first(), time.monotonic())
                seen = None
                while (due := time.monotonic() + page.interval(plan.interval)) < min(leaves, plan.end):
                    await self._until(due)
                    ticks += 1
                    changed = await self._all(client, "clock", page, page.tick(ticks), due)
                    if not changed:
                        continue
                    await self._all(client, name, page, page.again(), time.monotonic())
                    now = time.monotonic()
                    if seen is not None and due >= plan.measure:
                        self.told.between.append(now - seen)
                    seen = now
                at, frame = (at + 1) % len(names), page.frame
        finally:
            client.close()

    async def _all(self, client: Client, name: str, page: OpenPage, bodies: Sequence[bytes], due: float) -> bool:
        """Send some callbacks at a time; returns whether the market has changed."""

        async def one(body: bytes) -> bool:
            answer = await self._sent(client, self.told.pages, name, "POST", CALLBACKS, due, body)
            return answer is not None and page.answered(answer)

        return any(await asyncio.gather(*map(one, bodies)))

    async def _programs(self, client: Client) -> None:
        """Send requests with keys at a steady rate, whatever becomes of those before them."""
        plan, tasks = self.plan, []
        for number in range(int((plan.end - plan.begin) * plan.requests)):
            due = plan.begin + number / plan.requests
            viewer = plan.viewers[number % len(plan.viewers)]
            # Another address each time that it is a viewer's turn.
            address = ADDRESSES[(number + number // len(plan.viewers)) % len(ADDRESSES)]
            path = address.format(**{name: quote(value, safe="") for name, value in viewer.names.items()})
            key = {"authorization": f"Bearer {viewer.key}"}
            await self._until(due)
            name = address.removeprefix(_ONE) or "/one"
            sending = self._sent(client, self.told.api, name, "GET", f"/api/v1{path}", due, headers=key)
            tasks.append(asyncio.create_task(sending))
        await asyncio.gather(*tasks)

    async def _sent(
        self, client: Client, outcome: Outcome, name: str, method: str, path: str, due: float, body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> bytes | None:  # fmt: skip
        """Send a request, note what it took, and return its answer; None for an error."""
        late, answer = time.monotonic() - due, None
        try:
            answer = await client.ask(method, path, body, headers)
            failure = "" if answer.status in (200, 204) else f"{answer.status} {answer.body[:200]!r}"
        except BrokenError as error:
            failure = str(error)
        if due >= self.plan.measure:
            outcome.late = max(outcome.late, late)
            times = outcome.seconds.setdefault(name, [])
            if failure:
                outcome.errors[name] = outcome.errors.get(name, 0) + 1
                outcome.first_error = outcome.first_error or f"{name}: {failure}"
            else:
                times.append(time.monotonic() - due)
        return answer.body if answer is not None and not failure else None

    def _client(self, headers: Mapping[str, str]) -> Client:
        where = urlsplit(self.plan.address)
        sent = {name: value for name, value in HEADERS.items() if name != "accept-encoding"}
        return Client(where.hostname or "", where.port or 80, {**sent, **headers}, patience=GRACE)

    async def _until(self, due: float) -> None:
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def follow(plan: Plan) -> Told:
    """Do what a plan says, in this process."""
    return await _Load(plan).run()


def _work(pipe: Connection) -> None:
    # Ctrl-C in our terminal reaches whoever started us, who then ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe.send(None)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        pipe.send(runner.run(follow(pipe.recv())))


class Working:
    """A process that follows a plan.

    Args:
        process: It.
        pipe: The way to it.
    """

    def __init__(self, process: psutil.Process, pipe: Connection) -> None:
        self.process = process
        self._pipe = pipe

    def begin(self, plan: Plan) -> None:
        """Give it a plan, whose times count from now on."""
        now = time.monotonic()
        self._pipe.send(replace(plan, begin=now + plan.begin, measure=now + plan.measure, end=now + plan.end))

    def told(self, seconds: float) -> Told:
        """Return what came of the plan.

        Args:
            seconds: How long to wait for it at most.

        Raises:
            ServerError: The process has ended, or takes too long.
        """
        with suppress(EOFError):
            if self._pipe.poll(seconds):
                told: Told = self._pipe.recv()
                return told
        raise ServerError("their process ended, or doesn't end", server="viewers")


@contextmanager
def working() -> Iterator[Working]:
    """Start a process that follows a plan, so that making trades beside it doesn't make its requests late."""
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=_work, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        with suppress(EOFError):
            ours.recv()  # it has been loaded
        yield Working(psutil.Process(process.pid), ours)
    finally:
        process.kill()
        process.join()
        ours.close()
