"""Cores and messages of the mapper against a greedy fill and nengo-loihi's sequential rule.

Feed-forward networks, connectomes and the Brunel network on Loihi 1; the cortical microcircuit at
full scale on Loihi 2, as on Loihi 1 most of its neurons have more sources than a core has input
axons. Every neuron counts alike; no spikes are run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from benchmarks.harness import Omitted, Record
from neurosparse.data import find_data
from neurosparse.errors import DataError, ExportLimitError
from neurosparse.loihi.mapping import Mapping, map_network
from neurosparse.models import brunel, c_elegans, drosophila_larva, potjans_diesmann
from neurosparse.network import LIF, Network, Population, Projection, Synapses

NAME = "mapping"
CHIP, ROOMY_CHIP = "loihi1", "loihi2"
BASELINES = ("greedy", "sequential")
LAYERED = (
    ((784, 300, 100, 10), 0.02),
    ((784, 300, 100, 10), 0.05),
    ((784, 300, 100, 10), 0.1),
    ((784, 1000, 1000, 10), 0.05),
)
BRUNEL_NEURONS = 2500
MICROCIRCUIT_SCALE, QUICK_SCALE = 1.0, 0.02
PARAMETERS = ("connectomes", "potjans-diesmann", "pd14_params.json")


def run(quick: bool) -> Iterator[Record | Omitted]:
    """Yield cores, messages, their ratios to the baselines, and times."""
    map_network(_layered((10, 10), 0.5), CHIP)  # compiles
    for sizes, density in LAYERED[:2] if quick else LAYERED:
        case = f"{'-'.join(map(str, sizes))}, {density:.0%}"
        yield from _compared(case, _layered(sizes, density), CHIP)
    for case, build in _published(quick):
        try:
            network = build()
        except DataError as reason:
            yield Omitted(case, str(reason))
            continue
        yield from _compared(case, network, CHIP)
    yield from _microcircuit(QUICK_SCALE if quick else MICROCIRCUIT_SCALE)


def _layered(sizes: tuple[int, ...], density: float) -> Network:
    rng = np.random.default_rng(0)
    populations = {f"{i}": Population(size, LIF() if i else None) for i, size in enumerate(sizes)}
    projections = [
        Projection(f"{i}", f"{i + 1}", Synapses.random(pre, post, density=density, rng=rng))
        for i, (pre, post) in enumerate(pairwise(sizes))
    ]
    return Network(populations, projections)


def _published(quick: bool) -> list[tuple[str, Callable[[], Network]]]:
    def rng() -> np.random.Generator:
        return np.random.default_rng(0)

    found: list[tuple[str, Callable[[], Network]]] = [
        ("worm", lambda: c_elegans(find_data("connectomes", "c-elegans"), rng=rng()).network),
    ]
    if not quick:
        larva = ("connectomes", "drosophila-larva")
        found += [
            ("larva", lambda: drosophila_larva(find_data(*larva), rng=rng()).network),
            (
                f"brunel, {BRUNEL_NEURONS:,} neurons",
                lambda: brunel(BRUNEL_NEURONS, rng=rng()).network,
            ),
        ]
    return found


def _timed(network: Network, chip: str, method: str) -> tuple[Mapping, float]:
    began = time.perf_counter()
    mapping = map_network(network, chip, method=method)  # type: ignore[arg-type]
    return mapping, time.perf_counter() - began


def _compared(case: str, network: Network, chip: str) -> Iterator[Record]:
    ours, seconds = _timed(network, chip, "auto")
    ours.verify(network)
    yield Record.of(NAME, case, "cores", ours.n_cores, "1")
    yield Record.of(NAME, case, "messages between cores", ours.messages["between_cores"], "1")
    yield Record.of(NAME, case, "time", seconds, "s")
    if ours.dense.n_cores is not None:
        yield Record.of(NAME, case, "cores, dense", ours.dense.n_cores, "1")
    for method in BASELINES:
        theirs, _ = _timed(network, chip, method)
        yield Record.of(NAME, case, f"cores, {method}", theirs.n_cores, "1")
        ratio = ours.n_cores / theirs.n_cores
        yield Record.of(NAME, case, f"ratio cores, neurosparse / {method}", ratio, "1")
        messages = theirs.messages["between_cores"]
        yield Record.of(NAME, case, f"messages between cores, {method}", messages, "1")
        if messages:
            ratio = ours.messages["between_cores"] / messages
            yield Record.of(NAME, case, f"ratio messages, neurosparse / {method}", ratio, "1")


def _microcircuit(scale: float) -> Iterator[Record | Omitted]:
    case = f"microcircuit, scale {scale:g}, {ROOMY_CHIP}"
    try:
        parameters = find_data(*PARAMETERS)
    except DataError as reason:
        yield Omitted(case, str(reason))
        return
    network = potjans_diesmann(parameters, rng=np.random.default_rng(0), scale=scale).network
    mapping, seconds = _timed(network, ROOMY_CHIP, "auto")
    yield Record.of(NAME, case, "neurons", network.n_neurons, "1")
    yield Record.of(NAME, case, "synapses", network.n_synapses, "1")
    yield Record.of(NAME, case, "cores", mapping.n_cores, "1")
    yield Record.of(NAME, case, "time", seconds, "s")
    case = f"microcircuit, scale {scale:g}, {CHIP}"
    try:
        mapping, seconds = _timed(network, CHIP, "auto")
    except ExportLimitError as refusal:  # neurons that fit on no core, named
        yield Omitted(case, str(refusal))
        return
    yield Record.of(NAME, case, "cores", mapping.n_cores, "1")
    yield Record.of(NAME, case, "time", seconds, "s")
