"""Where partitions end, while another broker comes to lead them."""

from __future__ import annotations

from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError

from riskcontrol.errors import ServerError
from riskcontrol.settings import Settings
from spark.source import Tape

SETTINGS = Settings(kafka="127.0.0.1:1", topic="tape")


class Consumer:
    """A client that says, or raises, one thing."""

    def __init__(self, answer: dict[int, int] | Exception) -> None:
        self.answer = answer
        self.closed = False

    def partitions_for_topic(self, _topic: str) -> set[int]:
        """Return the partitions."""
        return {0, 1}

    def end_offsets(self, _partitions: list[TopicPartition], timeout_ms: int) -> dict[TopicPartition, int]:
        """Say where they end, or fail."""
        assert timeout_ms > 0
        if isinstance(self.answer, Exception):
            raise self.answer
        return {TopicPartition("tape", number): offset for number, offset in self.answer.items()}

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True


def tape(monkeypatch: pytest.MonkeyPatch, *consumers: Consumer) -> Tape:
    left: Any = iter(consumers)
    monkeypatch.setattr("spark.source.connected", lambda *_, **__: next(left))
    return Tape(SETTINGS)


@pytest.mark.parametrize("error", [KafkaTimeoutError("asked the wrong one"), KeyError("nobody leads it")])
def test_a_client_that_does_not_learn_who_leads_is_replaced(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    old, new = Consumer(error), Consumer({0: 5, 1: 7})
    found = tape(monkeypatch, old, new)
    assert found.ends() == {0: 5, 1: 7}
    assert found.ends() == {0: 5, 1: 7}
    assert (old.closed, new.closed) == (True, False)


@pytest.mark.parametrize(
    ("error", "said"), [(KafkaTimeoutError("silence"), "no answer from 127"), (KeyError(0), "nobody leads a partition")]
)
def test_brokers_that_do_not_answer_are_told_and_asked_anew(
    monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    silent = [Consumer(error) for _ in range(4)]
    found = tape(monkeypatch, *silent, Consumer({0: 1, 1: 1}))
    with pytest.raises(ServerError, match=said):
        found.ends()
    assert all(consumer.closed for consumer in silent)
    assert found.ends() == {0: 1, 1: 1}
