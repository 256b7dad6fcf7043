"""What is not loaded at the start of what has no use for it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from riskcontrol.absent import absent

_STARTS = """
import sys
import pyarrow
import ingestion.ingest, riskcontrol.engine, spark.task, spark.job
assert pyarrow.array(["A"]).to_pylist() == ["A"]
heavy = {"pandas", "scipy.linalg", "boto3", "plotly", "fastapi"} & sys.modules.keys()
assert not heavy, heavy
frame = pyarrow.table({"a": [1]}).to_pandas()
assert frame.a.tolist() == [1] and pyarrow.Table.from_pandas(frame).to_pydict() == {"a": [1]}
import scipy.linalg
"""


def test_a_stream_and_a_producer_start_without_frames_and_algebra_and_have_them_when_asked() -> None:
    done = subprocess.run([sys.executable, "-c", _STARTS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_only_the_named_library_is_absent_and_only_meanwhile() -> None:
    finders = list(sys.meta_path)
    with absent("no_such"):
        assert importlib.util.find_spec("json.tool")
        with pytest.raises(ModuleNotFoundError, match="no no_such for the moment"):
            importlib.import_module("no_such.part")
    assert sys.meta_path == finders
