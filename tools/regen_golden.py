"""Rewrite ``tests/golden/spikes.txt``: ``python -m tools.regen_golden``, from the top folder.

The spikes come from the dense reference in float64, never from the engine under test. Run it only
after a change that is meant to alter spikes, and name that change in CHANGELOG.md under Numerics.
"""

from __future__ import annotations

import argparse
import platform
import sys

import numpy as np

from neurosparse import __version__
from neurosparse.network.atomic import atomic_write
from tests.golden.network import GOLDEN_FILE, N_STEPS, SEED, golden_network, sorted_events
from tests.reference.dense import run_dense

# float32 keeps some seven digits and u and v are of order 1: rounding over the run is far below
LEAST_MARGIN = 1e-4


def render() -> str:
    """Return the text of the file.

    Raises
    ------
    SystemExit
        If a membrane comes closer to its threshold than rounding can tell apart.
    """
    network, drive = golden_network()
    dense = run_dense(network, {"in": drive}, N_STEPS, dtype=np.float64)
    if dense.margin < LEAST_MARGIN:
        sys.exit(f"margin {dense.margin:.2e} < {LEAST_MARGIN:.0e}: choose another SEED")
    events = sorted_events(network, dense.rasters)
    python = platform.python_version()
    versions = f"neurosparse {__version__}, numpy {np.__version__}, python {python}"
    header = [
        "spikes of tests/golden/network.py: step, neuron (in: 0-19, exc: 20-59, inh: 60-69)",
        "command: python -m tools.regen_golden",
        f"seed: {SEED}",
        f"steps: {N_STEPS}",
        f"versions: {versions}",
        f"smallest distance to threshold: {dense.margin:.3e}",
    ]
    lines = [f"# {line}" for line in header] + [f"{step} {neuron}" for step, neuron in events]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the file, or with --check say whether it would change."""
    parser = argparse.ArgumentParser(description="Rewrite tests/golden/spikes.txt.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    check = parser.parse_args().check
    text = render()
    if check:

        def body(content: str) -> list[str]:
            return [line for line in content.splitlines() if not line.startswith("#")]

        sys.exit(0 if body(text) == body(GOLDEN_FILE.read_text()) else 1)
    with atomic_write(GOLDEN_FILE) as file:
        file.write(text.encode())


if __name__ == "__main__":
    main()
