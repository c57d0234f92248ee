"""CUBA (Brette et al. 2007, benchmark 2) against Brian2 and NEST, one thread each.

Every tool runs in a process of its own, in turns: 1 s of biological time after 100 ms, all spikes
recorded. The clock covers the whole of our `simulate`, and of the peers only the loop. Brian2's
binary and ours draw a new network in every trial, so that the same trials, and some more, show
whether rate, irregularity and correlation of the spikes agree; NEST goes on with one network.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Omitted, Peer, Record, in_turns, start_or_omit
from benchmarks.harness.statistics import STATISTICS, Estimate, spike_statistics

NAME = "cuba"
OURS = "neurosparse"
PEERS = ("brian2", "nest")
DT_MS = 0.1
WARM_MS, RUN_MS = 100.0, 1000.0
ROUNDS = 5
SIZES = {4_000: 20, 40_000: 8}  # neurons: networks that the statistics are taken from
QUICK_SIZES = {400: 2}
QUICK_RUN_MS = 300.0


class Statistics:
    """Runs trials that also leave their spikes, and keeps what describes them."""

    def __init__(self, n_neurons: int, run_ms: float, folder: Path) -> None:
        self.samples: dict[str, list[dict[str, float]]] = defaultdict(list)
        self._recorded = {"n_neurons": n_neurons, "n_steps": round(run_ms / DT_MS)}
        self._file = folder / "spikes.npz"

    def trial(self, tool: str, peer: Peer, **options: object) -> dict[str, Any]:
        """Run one trial of one tool."""
        answer = peer.request(spikes=str(self._file), **options)
        with np.load(self._file) as spikes:
            described = spike_statistics(
                spikes["step"],
                spikes["neuron"],
                **self._recorded,
                dt_ms=DT_MS,
                rng=np.random.default_rng(0),
            )
        self.samples[tool].append(described)
        return answer

    def records(self, case: str) -> Iterator[Record]:
        """Yield means, standard errors and how far the peers are from us."""
        for statistic, unit in STATISTICS.items():
            estimates = {}
            for tool in self.samples:
                values = self._finite(tool, statistic)
                if values.size < 2:
                    continue  # too small a network for this statistic
                estimates[tool] = estimate = Estimate.of(values)
                spread = (values.size, float(values.min()), float(values.max()))
                metric = f"{statistic}, {tool}"
                yield Record(NAME, case, f"{metric}, mean", estimate.mean, unit, *spread)
                yield Record.of(NAME, case, f"{metric}, standard error", estimate.error, unit)
            ours = estimates.pop(OURS, None)
            if ours is None:
                continue
            for tool, theirs in estimates.items():
                metric = f"{statistic}, ({OURS} - {tool}) / its standard error"
                yield Record.of(NAME, case, metric, ours.difference(theirs), "1")

    def _finite(self, tool: str, statistic: str) -> NDArray[np.float64]:
        values = np.array([sample[statistic] for sample in self.samples[tool]])
        finite: NDArray[np.float64] = values[np.isfinite(values)]
        return finite


def run(quick: bool) -> Iterator[Record | Omitted]:
    """Yield times, ratios to the peers and the comparison of statistics."""
    run_ms = QUICK_RUN_MS if quick else RUN_MS
    for n_neurons, n_networks in (QUICK_SIZES if quick else SIZES).items():
        yield from _measure(n_neurons, n_networks, run_ms, rounds=2 if quick else ROUNDS)


def _measure(
    n_neurons: int, n_networks: int, run_ms: float, *, rounds: int
) -> Iterator[Record | Omitted]:
    case = f"n={n_neurons:,}"
    options = {"n_neurons": n_neurons, "warm_ms": WARM_MS, "run_ms": run_ms}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        tools = {OURS: stack.enter_context(Peer(OURS, "cuba", **options))}
        for name in PEERS:
            peer = start_or_omit(stack, name, "cuba", **options)
            if isinstance(peer, Omitted):
                yield peer
            else:
                tools[name] = peer
        statistics, seeds = Statistics(n_neurons, run_ms, folder), count(1)

        def ours() -> dict[str, Any]:
            return statistics.trial(OURS, tools[OURS], seed=next(seeds))

        candidates: dict[str, Callable[[], dict[str, Any]]] = {OURS: ours}
        if "brian2" in tools:
            candidates["brian2"] = partial(statistics.trial, "brian2", tools["brian2"])
        independent = dict(candidates)
        if "nest" in tools:
            candidates["nest"] = tools["nest"].request
        trials = in_turns(candidates, rounds)
        in_turns(independent, max(1, n_networks - rounds), warmup=0)
        yield from _times(case, trials, n_neurons, run_ms)
        yield from statistics.records(case)


def _times(
    case: str, trials: dict[str, list[dict[str, Any]]], n_neurons: int, run_ms: float
) -> Iterator[Record]:
    wall = {tool: np.array([a["wall_s"] for a in answers]) for tool, answers in trials.items()}
    neuron_steps = n_neurons * run_ms / DT_MS
    for tool, seconds in wall.items():
        per_second = seconds / run_ms * 1000
        events = np.array([answer["n_events"] for answer in trials[tool]])
        yield Record.of(NAME, case, f"{tool}, per biological second", 1e3 * per_second, "ms")
        yield Record.of(NAME, case, f"{tool}, per neuron-step", 1e9 * seconds / neuron_steps, "ns")
        yield Record.of(NAME, case, f"{tool}, per synaptic event", 1e9 * seconds / events, "ns")
    for tool in [tool for tool in wall if tool != OURS]:
        yield Record.of(NAME, case, f"ratio {tool} / {OURS}", wall[tool] / wall[OURS], "1")
