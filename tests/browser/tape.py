"""What lies on the tape."""

from __future__ import annotations

from collections.abc import Iterator

from riskcontrol.blocks import decode
from riskcontrol.rows import Openings
from riskcontrol.settings import Settings


def openings_on_the_tape(settings: Settings) -> list[Openings]:
    """Every block of openings on the tape."""
    return [block for value, headers in records(settings) if isinstance(block := decode(value, headers), Openings)]


def records(settings: Settings) -> Iterator[tuple[bytes, list[tuple[str, bytes]]]]:
    from kafka import KafkaConsumer

    consumer = KafkaConsumer(
        settings.topic, bootstrap_servers=settings.kafka, auto_offset_reset="earliest", consumer_timeout_ms=2_000
    )
    try:
        for record in consumer:
            yield record.value, record.headers
    finally:
        consumer.close()
