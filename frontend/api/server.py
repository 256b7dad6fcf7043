"""The API on the pages' server: how an address is added, how errors become problems, and what OpenAPI says."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from fastapi import Depends, FastAPI, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic.fields import FieldInfo
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match

from frontend.api import document, problems
from frontend.api.problems import ProblemError, Wrong, problem
from frontend.api.wrong_values import wrong_values
from frontend.context import in_thread
from riskcontrol.errors import ServerError, StrategyError
from riskcontrol.settings_file import like

API = "/api/v1"
ABOUT = (
    "Paper strategies on the tape: open, read and stop them, follow their fills, read the market.\n\n"
    "A program sends a key, which its owner makes on the page of the account, as `Authorization: Bearer rc_...`; a "
    "browser has the session of the pages.\n\n"
    "Money is US dollars as text, times are ISO 8601 in UTC, days are New York's. "
    "Errors are `application/problem+json` (RFC 9457). A ticker may have a slash in it, as such or as `%2F`."
)
RETRY = {"retry-after": "2"}
_KEY = HTTPBearer(auto_error=False, scheme_name="key", description="A key of the account, `rc_...`.")
_CALLED = {"cassandra": "the database", "kafka": "the tape"}
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

Handler = TypeVar("Handler", bound=Callable[..., Any])


class ApiRoute(APIRoute):
    """An address whose errors are problems."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        handle = super().get_route_handler()
        known = [param.alias for param in self.dependant.query_params]
        fields = {param.alias: param.field_info for param in self.dependant.query_params + self.dependant.path_params}

        async def answer(request: Request) -> Response:
            try:
                _check_query(request.query_params.multi_items(), known)
                return await handle(request)
            except ProblemError as error:
                return error.response
            except RequestValidationError as error:
                return _invalid(error.errors(), fields)
            except HTTPException as error:
                return problem(error.status_code, str(error.detail), headers=error.headers)
            except StrategyError as error:
                return problem(422, str(error), [Wrong(error.field, error.message)])
            except ServerError as error:
                return problem(503, f"{_CALLED.get(error.server, error.server)} is away: {error}", headers=RETRY)
            except ArithmeticError as error:  # rows that can't be put together, values beyond 64 bits
                return problem(500, str(error))

        return answer


@dataclass(frozen=True, slots=True)
class Addresses:
    """Adds addresses to a server.

    Attributes:
        server: The pages'.
    """

    server: FastAPI

    def add(
        self,
        method: str,
        path: str,
        *,
        tag: str,
        errors: Iterable[int] = (),
        status: int = 200,
        open_: bool = False,
        responses: Mapping[int | str, dict[str, Any]] | None = None,
        **more: Any,
    ) -> Callable[[Handler], Handler]:
        """Return a decorator for what answers an address.

        Args:
            method: Of the requests.
            path: Below `API`.
            tag: Under which OpenAPI lists it.
            errors: Statuses of errors beyond those that every address may answer.
            status: Of the answer where all is well.
            open_: Whether it answers those who haven't signed in as well.
            responses: What else it may answer.
            more: What FastAPI takes.
        """

        def register(function: Handler) -> Handler:
            named = (404,) if "{" in path else ()
            said = {} if open_ else problems.documented(*named, *errors)
            # FastAPI goes into threads twice for a function that isn't one of `async`: for it, and to check its answer.
            self.server.router.add_api_route(
                f"{API}{path}",
                function if iscoroutinefunction(function) else in_thread(function),
                methods=[method],
                tags=[tag],
                status_code=status,
                operation_id=function.__name__.strip("_"),
                responses={**said, **(responses or {})},
                dependencies=[] if open_ else [Depends(_KEY)],
                route_class_override=ApiRoute,
                **more,
            )
            return function

        return register


def finish(server: FastAPI) -> None:
    """Add what answers all other addresses below `/api`, and the description; after all others are there."""
    routes = [route for route in server.router.routes if isinstance(route, ApiRoute)]

    @server.api_route("/api/{rest:path}", methods=list(_METHODS), include_in_schema=False)
    def nothing(request: Request, rest: str) -> Response:
        """Say that there is no such address, or what it takes."""
        taken: set[str] = set()
        for route in routes:
            if route.matches(request.scope)[0] is not Match.NONE:
                taken |= route.methods or set()
        if taken:
            allow = ", ".join(sorted(taken))
            return problem(405, f"this address takes {allow}", headers={"allow": allow})
        return problem(404, f"there is no such address; {API}/openapi.json lists those that there are")

    async def refused(request: Request, error: Exception) -> Response:
        """Answer what no address takes, as a path with a line's end in it."""
        assert isinstance(error, HTTPException)  # noqa: S101  what this handles
        if request.url.path.startswith("/api/"):
            return problem(error.status_code, str(error.detail), headers=error.headers)
        return await http_exception_handler(request, error)

    async def failed(request: Request, error: Exception) -> Response:
        """Answer what shouldn't be; the error is raised on and printed."""
        if request.url.path.startswith("/api/"):
            return problem(500, "the server failed at this; its own output says how")
        return PlainTextResponse("Internal Server Error", 500)

    server.add_exception_handler(HTTPException, refused)
    server.add_exception_handler(Exception, failed)

    def described() -> dict[str, Any]:
        if server.openapi_schema is None:
            found = get_openapi(title="RiskControl", version="1", description=ABOUT, routes=routes)
            schemas = found["components"]["schemas"]
            schemas["Problem"] = problems.SCHEMA
            schemas["StrategyDocument"] = document.SCHEMA
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            server.openapi_schema = found
        return server.openapi_schema

    server.openapi = described  # type: ignore[method-assign]


def _check_query(given: Sequence[tuple[str, str]], known: Sequence[str]) -> None:
    """Refuse parameters that an address doesn't have, as misspelt ones would do nothing, and those said twice.

    Raises:
        ProblemError: There is one.
    """
    names = [name for name, _ in given]
    wrong = {}
    for name in names:
        if name not in known:
            wrong[name] = f"unknown; {like(name, known, 'parameters')}" if known else "this address takes no parameters"
        elif names.count(name) > 1:
            wrong[name] = "is said twice; say it once"
    if wrong:
        errors = [Wrong(name[:40], detail) for name, detail in wrong.items()]
        raise ProblemError(422, "; ".join(f"{one.field}: {one.detail}" for one in errors), errors)


def _invalid(errors: Sequence[Mapping[str, Any]], known: Mapping[str, FieldInfo]) -> Response:
    """Return the answer to parameters that aren't what they should be; of such an address, there is none."""
    wrong = wrong_values(errors, known)
    status = 404 if all(error["loc"][0] == "path" for error in errors) else 422
    return problem(status, "; ".join(f"{one.field}: {one.detail}" for one in wrong), wrong)
