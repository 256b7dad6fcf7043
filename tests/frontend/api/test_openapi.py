"""What OpenAPI says of the API, and that it holds: each address is called as it says, and as it doesn't."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from frontend.api import models
from frontend.api.document import EXAMPLE
from frontend.preview import Preview, Previews
from riskcontrol.leaders import LEAST_TRIPS
from riskcontrol.strategy_document import read_document
from riskcontrol.strategy_file import KEYS, of_document
from riskcontrol.strategy_options import FEES
from tests.frontend.accounts import House
from tests.frontend.api.conftest import Program
from tests.frontend.conftest import Tape
from tests.frontend.fake import OPEN

EXAMPLES = int(os.environ.get("RISKCONTROL_CALLS", "10"))
"""Calls of an address of each kind."""
DOCUMENTED = Path(__file__).parents[3] / "docs" / "api.md"


@pytest.fixture
def description(ann: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = ann.get("/openapi.json").json()
    return found


def operations(description: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_address_has_an_example_and_says_which_errors_it_answers(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    for method, path, operation in operations(description):
        assert operation["description"], path
        answers = operation["responses"]
        good = next(answers[status] for status in ("200", "202") if status in answers)
        for media, content in good["content"].items():
            name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
            assert "example" in content or schemas.get(name, {}).get("examples") or "parquet" in media, (method, path)
        if path in ("/api/v1/health", "/api/v1/ready"):
            assert "security" not in operation
            continue
        assert operation["security"] == [{"key": []}]
        assert {"401", "403", "422", "429", "503"} <= set(answers)
        for status, answer in answers.items():
            if status >= "400":
                assert list(answer["content"]) == ["application/problem+json"], (path, status)
                assert answer["content"]["application/problem+json"]["example"]["status"] == int(status)
        if method == "POST":
            assert operation["requestBody"]["content"]["application/json"]["example"]


def test_every_field_is_described_or_speaks_for_itself(description: dict[str, Any]) -> None:
    plain = {"ticker", "name", "username", "title", "words", "rule", "trades", "interval", "place", "share"}
    for name, schema in description["components"]["schemas"].items():
        for field, about in schema.get("properties", {}).items():
            if about.get("type") in ("integer", "number") or "anyOf" in about:
                assert "description" in about or field in plain | {"shares", "volume", "round_trips", "status"}, (
                    name,
                    field,
                )


def test_examples_are_what_they_are_examples_of() -> None:
    for model in vars(models).values():
        if isinstance(model, type) and issubclass(model, models.BaseModel) and model is not models.BaseModel:
            for example in (model.model_config.get("json_schema_extra") or {}).get("examples", []):  # type: ignore[union-attr]
                model.model_validate(example)
    assert of_document(read_document(json.dumps(EXAMPLE), "json")).name == "dip"


def test_the_posted_document_has_the_keys_of_a_strategy_file(description: dict[str, Any]) -> None:
    said = description["components"]["schemas"]["StrategyDocument"]["properties"]
    assert set(said) == set(KEYS)
    assert set(said["fees"]["properties"]) == set(FEES)


def test_the_documentation_lists_every_address(description: dict[str, Any]) -> None:
    written = set(re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", DOCUMENTED.read_text(), re.MULTILINE))
    there = {f"{method} {path.removeprefix('/api/v1')}" for method, path, _ in operations(description)}
    assert written == there


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
@pytest.mark.filterwarnings("default")  # those of the tool
def test_no_call_makes_the_server_fail(
    home: House,
    program: Program,
    tape: Tape,
    description: dict[str, Any],
    mode: GenerationMode,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    curve = {name: np.array([OPEN, 1]) for name in ("time", "price", "value", "held")}
    fills = {name: np.array([OPEN]) for name in ("time", "price", "shares")}
    made = Preview(2, OPEN, OPEN, curve, fills, ["buy"], {"days": 1, "sharpe": None}, "pull", [("pull", "It loses.")])
    monkeypatch.setattr(Previews, "run", lambda self, job: made)
    headers = {"Authorization": program().headers["authorization"]}
    schema = schemathesis.openapi.from_dict(description)
    plain = [
        path for _, path, operation in operations(description) if not {"parameters", "requestBody"} & set(operation)
    ]
    left = len(operations(description))
    for operation in [result.ok() for result in schema.get_all_operations()]:
        left -= 1
        if mode is GenerationMode.NEGATIVE and operation.path in plain:
            continue  # there is nothing to get wrong

        call(operation, mode, home.address, headers)
    assert left == 0


def call(operation: APIOperation, mode: GenerationMode, address: str, headers: dict[str, str]) -> None:
    """Call an address many times, and check each answer against what OpenAPI says of it."""
    # Beyond its schema, a strategy has a language, and bars have days in their order.
    beyond = operation.method.upper() == "POST" or "/bars/" in operation.path
    # What is made wrong may be lost on its way: an empty list as a parameter isn't sent, the key is put back.
    excluded = [negative_data_rejection, *([positive_data_acceptance] if beyond else [])]

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def once(case: Case) -> None:
        case.call_and_validate(base_url=address, headers=headers, excluded_checks=excluded)

    once()


def test_a_leader_with_a_probability_of_skill_has_the_round_trips_that_it_takes(description: dict[str, Any]) -> None:
    (example,) = description["components"]["schemas"]["Leaders"]["examples"][0]["ranking"]
    assert example["probability"] is not None
    assert example["round_trips"] >= LEAST_TRIPS
    told = description["components"]["schemas"]["Leader"]["properties"]["probability"]["description"]
    by = description["paths"]["/api/v1/leaders"]["get"]["parameters"][0]["description"]
    for text in (told, by):
        assert "probability of skill" in text.lower()
        assert f"{LEAST_TRIPS} round trips" in text
