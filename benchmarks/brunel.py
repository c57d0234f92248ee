"""Brunel 2000 (12,500 neurons, 15.6 M synapses) against Brian2 and NEST, one thread and two.

``constant`` drive shows delivery and neuron updates alone, ``poisson`` adds the random numbers of
the external drive. Every tool runs in a process of its own, in turns: 1 s of biological time after
100 ms, all spikes recorded. A synaptic event is one spike at one synapse; times per event include
the neuron updates and the drive. Memory is that of a fresh process of ours which builds the
network and simulates it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.harness import Omitted, Peer, Record, in_turns, start_or_omit

NAME = "brunel"
OURS = "neurosparse"
TWO_THREADS = "neurosparse, 2 threads"
PEERS = ("brian2", "nest")
DRIVES = ("constant", "poisson")
DT_MS = 0.1
WARM_MS, RUN_MS = 100.0, 1000.0
ROUNDS = 5
N_NEURONS, QUICK_N_NEURONS = 12_500, 500
QUICK_RUN_MS = 50.0


def run(quick: bool) -> Iterator[Record | Omitted]:
    """Yield times, ratios to the peers and between threads, rates and bytes per synapse."""
    for drive in DRIVES:
        options: dict[str, Any] = {
            "n_neurons": QUICK_N_NEURONS if quick else N_NEURONS,
            "drive": drive,
            "warm_ms": WARM_MS,
            "run_ms": QUICK_RUN_MS if quick else RUN_MS,
        }
        case = f"n={options['n_neurons']:,} {drive}"
        yield from _times(case, options, rounds=2 if quick else ROUNDS)
        yield from _memory(case, options)


def _times(case: str, options: dict[str, Any], *, rounds: int) -> Iterator[Record | Omitted]:
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(Peer(OURS, "brunel", **options))
        candidates: dict[str, Callable[[], dict[str, Any]]] = {
            OURS: ours.request,
            TWO_THREADS: partial(ours.request, threads=2),
        }
        for name in PEERS:
            peer = start_or_omit(stack, name, "brunel", **options)
            if isinstance(peer, Omitted):
                yield peer
            else:
                candidates[name] = peer.request
        trials = in_turns(candidates, rounds)
    n_neurons, run_ms = options["n_neurons"], options["run_ms"]
    wall = {tool: np.array([a["wall_s"] for a in answers]) for tool, answers in trials.items()}
    for tool, seconds in wall.items():
        events = np.array([answer["n_events"] for answer in trials[tool]])
        spikes = np.array([answer["n_spikes"] for answer in trials[tool]])
        neuron_steps = n_neurons * run_ms / DT_MS
        for metric, samples, unit in (
            ("per biological second", seconds / run_ms * 1000, "s"),
            ("per synaptic event", 1e9 * seconds / events, "ns"),
            ("per neuron-step", 1e9 * seconds / neuron_steps, "ns"),
            ("rate", spikes / n_neurons / run_ms * 1000, "Hz"),
        ):
            yield Record.of(NAME, case, f"{tool}, {metric}", samples, unit)
    for tool in [tool for tool in wall if tool in PEERS]:
        yield Record.of(NAME, case, f"ratio {tool} / {OURS}", wall[tool] / wall[OURS], "1")
    threads = wall[OURS] / wall[TWO_THREADS]
    yield Record.of(NAME, case, f"ratio 1 thread / 2 threads, {OURS}", threads, "1")


def _memory(case: str, options: dict[str, Any]) -> Iterator[Record | Omitted]:
    with Peer(OURS, "brunel", **options) as fresh:
        answer = fresh.request()
    if answer["peak_bytes"] is None:
        yield Omitted("memory", "resident memory is read from /proc, as Linux has it")
        return
    for metric, n_bytes in (
        ("growth of resident memory", answer["resident_bytes"] - answer["base_bytes"]),
        ("growth of peak memory", answer["peak_bytes"] - answer["base_bytes"]),
        ("peak of the whole process", answer["peak_bytes"]),
    ):
        per_synapse = n_bytes / answer["n_synapses"]
        yield Record.of(NAME, case, f"{OURS}, {metric} per synapse", per_synapse, "B")
