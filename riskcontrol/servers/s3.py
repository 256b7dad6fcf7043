"""A local S3 server: moto's, which keeps buckets in memory while it runs."""

from __future__ import annotations

import sys
from pathlib import Path

from riskcontrol.servers.node import HOST, Node, ports, touch

ACCESS_KEY, SECRET_KEY = "riskcontrol", "riskcontrol-local"  # it takes any
REGION = "us-east-1"

# moto's own command line, without a line in the log for each request.
_RUN = (
    "from riskcontrol.heap import roomy; roomy(); "
    "import logging, sys; logging.getLogger('werkzeug').setLevel(logging.ERROR); "
    "from moto.server import main; main(sys.argv[1:])"
)


def s3(home: Path) -> Node:
    """Prepare the server; it keeps its port while that is free."""
    folder = (home / "s3").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    (port,) = ports(folder, 1)
    return Node(
        name="s3",
        folder=folder,
        command=(sys.executable, "-c", _RUN, "-H", HOST, "-p", str(port)),
        address=f"http://{HOST}:{port}",
        ready=lambda: _answer(port),
        environment={"MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": str(64 << 20)},
    )


def _answer(port: int) -> None:
    touch(port)
    import boto3  # noqa: PLC0415  the core has no boto3 in it
    from botocore.config import Config  # noqa: PLC0415

    once = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{HOST}:{port}",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        region_name=REGION,
        config=once,
    )
    client.list_buckets()
    client.close()
