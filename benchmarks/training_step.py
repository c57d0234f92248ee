"""A step of sparse training against dense snnTorch and SpikingJelly: time, memory, DEEP R's share.

Forward, backward and Adam on the same spikes, batch and number of steps, on two threads, every tool
in a process of its own, in turns. Ours is sparse and rewired by DEEP R after every step; the peers
are dense, as a mask would not make them faster. Memory is what a process takes on top of what it
takes once everything is imported, compiled and warm.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks.harness import Omitted, Peer, Record, in_turns, start_or_omit

NAME = "training_step"
OURS = "neurosparse"
DENSITIES = (0.05, 0.01)
ROUNDS = 7
ROUND_STEPS = 300  # of simulated time in a round: 3 to 12 steps of training
MIB = 2**20


@dataclass(frozen=True)
class Case:
    """A network that is trained, and the tools that can say it."""

    name: str
    options: dict[str, Any]
    peers: tuple[str, ...]


def _feed_forward(n_steps: int, sizes: tuple[int, ...] = (784, 1000, 1000, 10)) -> Case:
    return Case(
        f"{'-'.join(map(str, sizes))}, T = {n_steps}",
        {"sizes": sizes, "n_steps": n_steps, "batch": 64, "du": 1.0, "dv": 0.1, "gain": 3.0},
        ("snntorch", "spikingjelly"),
    )


def _recurrent(n_steps: int, sizes: tuple[int, ...] = (700, 512)) -> Case:
    return Case(
        f"{sizes[0]} inputs, {sizes[1]} recurrent CUBA neurons, T = {n_steps}",
        {
            "sizes": sizes,
            "n_steps": n_steps,
            "batch": 64,
            "du": 0.5,
            "dv": 0.1,
            "gain": 1.2,
            "recurrent": True,
        },
        ("snntorch",),
    )


CASES = (_feed_forward(100), _feed_forward(25), _recurrent(250))
QUICK_CASES = (_feed_forward(50, (30, 20, 10)), _recurrent(50, (30, 20)))


def run(quick: bool) -> Iterator[Record | Omitted]:
    """Yield times, ratios to the peers, memory, and what DEEP R takes of a step."""
    rounds = 2 if quick else ROUNDS
    for case in QUICK_CASES if quick else CASES:
        yield from _measure(case, rounds)


def _measure(case: Case, rounds: int) -> Iterator[Record | Omitted]:
    with contextlib.ExitStack() as stack:
        tools: dict[str, Peer] = {}
        for density in DENSITIES:
            options = {"density": density, **case.options}
            tools[_ours(density)] = stack.enter_context(Peer(OURS, "training", **options))
        for name in case.peers:
            peer = start_or_omit(stack, name, "training", **case.options)
            if isinstance(peer, Omitted):
                yield peer
            else:
                tools[name] = peer
        n = max(3, ROUND_STEPS // case.options["n_steps"])
        candidates = {name: partial(tool.request, n=n) for name, tool in tools.items()}
        answers = in_turns(candidates, rounds)
    yield from _records(case, answers)


def _ours(density: float) -> str:
    return f"{OURS} {density:.0%}"


def _records(case: Case, answers: dict[str, list[dict[str, Any]]]) -> Iterator[Record]:
    # the median step of a round
    seconds = {
        name: np.array([np.median(a["step_s"]) for a in said]) for name, said in answers.items()
    }
    memory = {
        name: np.array([a["peak_bytes"] - a["base_bytes"] for a in said]) / MIB
        for name, said in answers.items()
        if said[-1]["peak_bytes"] is not None
    }
    for name, times in seconds.items():
        yield Record.of(NAME, case.name, f"{name}, step", 1e3 * times, "ms")
        if name in memory:
            yield Record.of(NAME, case.name, f"{name}, peak memory", memory[name], "MiB")
    for density in DENSITIES:
        ours = _ours(density)
        for name in [name for name in seconds if not name.startswith(OURS)]:
            ratio = seconds[name] / seconds[ours]
            yield Record.of(NAME, case.name, f"ratio {name} / {ours}", ratio, "1")
            if {name, ours} <= set(memory):
                ratio = memory[name] / memory[ours]
                yield Record.of(NAME, case.name, f"memory ratio {name} / {ours}", ratio, "1")
        said = answers[ours]
        shares = 100 * np.array([a["rewiring_share"] for a in said])
        yield Record.of(NAME, case.name, f"{ours}, DEEP R's share of a step", shares, "%")
        rewired = np.array([a["rewired"] / a["synapses"] for a in said])
        yield Record.of(NAME, case.name, f"{ours}, rewired per step", 100 * rewired, "%")
        for index, rate in enumerate(said[-1]["rates"]):
            metric = f"{ours}, rate of layer {index}"
            yield Record.of(NAME, case.name, metric, 100 * rate, "% of steps")
