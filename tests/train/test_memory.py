"""A large sparse layer trains in memory of its active synapses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 64  # bytes per active synapse, from the first weight to the last rewiring


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells the peak")
def test_peak_memory_of_a_layer_of_400_million_potential_synapses() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.train.large_layer"],
        cwd=ROOT,
        # other arenas of glibc have address space of their own in reserve
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answer = json.loads(done.stdout)
    assert answer["synapses"] == 400_000
    assert answer["capped"], "one bit per potential synapse could have been allocated"
    assert answer["grown"] > 1000  # it was rewired
    assert answer["slope"] > 0  # and learnt
    assert answer["bytes_per_synapse"] <= LIMIT
