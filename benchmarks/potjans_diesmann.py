"""The cortical microcircuit (77,169 neurons, 0.3 billion synapses) at full scale, two threads.

Building, peak memory and time per biological second of a fresh process that does nothing else,
and the rates of the eight populations against the published ones. A run that is measured follows
on the one before; the first 500 ms are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Omitted, Peer, Record
from neurosparse.data import find_data
from neurosparse.models.microcircuit import REFERENCE_RATES_HZ

NAME = "potjans_diesmann"
PARAMETERS = ("connectomes", "potjans-diesmann", "pd14_params.json")
WARM_MS, RUN_MS = 500.0, 1000.0
ROUNDS = 5
QUICK_SCALE, QUICK_RUN_MS = 0.02, 50.0
THREADS = 2
WITHIN = 0.10


def run(quick: bool) -> Iterator[Record | Omitted]:
    """Yield build time, memory, wall time and rates."""
    parameters = find_data(*PARAMETERS)
    run_ms = QUICK_RUN_MS if quick else RUN_MS
    options: dict[str, Any] = {
        "parameters": str(parameters),
        "scale": QUICK_SCALE if quick else 1.0,
        "warm_ms": WARM_MS,
        "run_ms": run_ms,
    }
    case = f"scale {options['scale']:g}, {THREADS} threads"
    with Peer("neurosparse", NAME, **options) as worker:
        trials = [
            worker.request(threads=THREADS, onward=True) for _ in range(2 if quick else ROUNDS)
        ]
    last = trials[-1]
    seconds = np.array([trial["wall_s"] for trial in trials])
    events = np.array([trial["n_events"] for trial in trials])
    yield Record.of(NAME, case, "synapses", last["n_synapses"], "1")
    yield Record.of(NAME, case, "building", trials[0]["build_s"], "s")
    yield Record.of(NAME, case, "per biological second", seconds / run_ms * 1000, "s")
    yield Record.of(NAME, case, "per synaptic event", 1e9 * seconds / events, "ns")
    if last["peak_bytes"] is None:
        yield Omitted("memory", "resident memory is read from /proc, as Linux has it")
    else:
        yield Record.of(NAME, case, "peak memory", last["peak_bytes"] / 2**30, "GiB")
        per_synapse = last["peak_bytes"] / last["n_synapses"]
        yield Record.of(NAME, case, "peak memory per synapse", per_synapse, "B")
    yield from _rates(case, parameters, [trial["rates_hz"] for trial in trials])


def _rates(case: str, parameters: Path, rates: list[dict[str, float]]) -> Iterator[Record]:
    """Compare with the rates in the parameter file, and with those NEST gives for itself."""
    table = json.loads(parameters.read_text())
    published = dict(zip(table["populations"], table["full_mean_rates_hz"], strict=True))
    measured = {name: np.array([rate[name] for rate in rates]) for name in published}
    for name, samples in measured.items():
        yield Record.of(NAME, case, f"rate {name}", samples, "Hz")
    for source, given in (("published", published), ("NEST's", REFERENCE_RATES_HZ)):
        # these are means over time: so is what is compared with them
        off = {name: samples.mean() / given[name] - 1 for name, samples in measured.items()}
        for name, relative in off.items():
            yield Record.of(NAME, case, f"rate {name}, {source}", given[name], "Hz")
            yield Record.of(NAME, case, f"rate {name}, mean / {source} - 1", relative, "1")
        n_within = sum(abs(relative) <= WITHIN for relative in off.values())
        yield Record.of(NAME, case, f"rates within {WITHIN:.0%} of {source}", n_within, "1")
