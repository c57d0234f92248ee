"""Cost against number of neurons (10^3 to 10^6), fan-out and rate, and against the roofline.

One population that fires by a constant drive, at a rate of its own choosing: weights are random
of both signs and so small that they change no rate. Time is split into neuron updates (the same
network with one synapse) and delivery (the rest), and delivery is compared with its roofline: the
same rows read and scattered in the same order by a loop that does nothing else. One thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Record, side_by_side
from benchmarks.harness.roofline import scatter
from neurosparse import LIF, Network, Population, Projection, Synapses
from neurosparse.errors import BackendMissingError
from neurosparse.simulate import State, simulate

NAME = "scaling"
ROUNDS = 7
DT_MS = 0.1
STEPS_OF_DELAY = 15


@dataclass(frozen=True)
class Case:
    """One network, one length."""

    n_neurons: int
    fan_out: int
    rate_hz: float
    n_steps: int

    def __str__(self) -> str:
        return f"n={self.n_neurons:,} fan-out={self.fan_out:,} rate={self.rate_hz:g} Hz"


# lengths such that every case takes some hundredths of a second, and delivery a fair share of it
BASE = Case(10_000, 100, 10.0, 5_000)
AXES = {
    "neurons": (
        replace(BASE, n_neurons=1_000, n_steps=20_000),
        BASE,
        replace(BASE, n_neurons=100_000, n_steps=1_000),
        replace(BASE, n_neurons=1_000_000, n_steps=200),
    ),
    "fan-out": tuple(
        replace(BASE, fan_out=fan_out, rate_hz=100.0, n_steps=2_000) for fan_out in (10, 100, 1_000)
    ),
    "rate": tuple(
        replace(BASE, fan_out=1_000, rate_hz=rate_hz, n_steps=2_000)
        for rate_hz in (1.0, 10.0, 100.0)
    ),
}
QUICK_AXES = {"neurons": (Case(300, 20, 50.0, 300),)}

LABELS = {"neurons": "neurons", "fan-out": "fan-out", "rate": "rate [Hz]"}
_FIELDS = {"neurons": "n=", "fan-out": "fan-out=", "rate": "rate="}
PER_EVENT = "delivery, per synaptic event"
PER_STEP = "neuron updates, per neuron-step"
ROOFLINE = "roofline, per synaptic event"


def build(case: Case, fan_out: int, rng: np.random.Generator) -> tuple[Network, State]:
    """Return the network and a state in which the neurons are spread over their cycles."""
    period = 1000 / case.rate_hz / DT_MS  # steps
    dv = min(0.005, 1 / period)
    bias = dv / -np.expm1(period * np.log1p(-dv))  # reaches 1 after a period
    lif = LIF(du=1.0, dv=dv, vth=1.0, bias=bias)
    # a neuron gets this many events in a period; together they may move it by 1 %
    small = 0.01 / np.sqrt(max(1, fan_out))
    synapses = Synapses.fixed_fan_out(
        case.n_neurons,
        case.n_neurons,
        fan_out=fan_out,
        weights=lambda r, n: r.uniform(-small, small, n),
        rng=rng,
    )
    network = Network(
        {"E": Population(case.n_neurons, lif)},
        [Projection("E", "E", synapses, delay=STEPS_OF_DELAY)],
        inputs=(),
    )
    phase = rng.random(case.n_neurons) * period
    v = bias / dv * -np.expm1(phase * np.log1p(-dv))
    return network, State.at_rest(network, v={"E": v})


def bare(network: Network) -> Network:
    """Return the network with a single synapse, which leaves the neurons' own cost."""
    size = network.populations["E"].size
    one = Synapses.from_edges([0], [0], 0.0, n_pre=size, n_post=size)
    projection = Projection("E", "E", one, delay=STEPS_OF_DELAY)
    return Network(network.populations, [projection], inputs=())


def run(quick: bool) -> Iterator[Record]:
    """Yield time, its two parts per event and per neuron-step, and the roofline."""
    rng = np.random.default_rng(7)
    for axis, cases in (QUICK_AXES if quick else AXES).items():
        for case in cases:
            yield from _measure(f"{axis}: {case}", case, 2 if quick else ROUNDS, rng)


def _measure(label: str, case: Case, rounds: int, rng: np.random.Generator) -> Iterator[Record]:
    network, state = build(case, case.fan_out, rng)
    given = partial(simulate, n_steps=case.n_steps, state=state, threads=1)
    whole, alone = partial(given, network), partial(given, bare(network))
    result = whole()
    spiking = result.spikes["E"].neurons
    n_events = result.activity.total_synaptic_events
    synapses = network.projections[0].synapses
    bound = scatter(synapses, spiking)
    times = side_by_side({"whole": whole, "alone": alone, "bound": bound}, rounds)
    # the spikes of the last steps are scattered here, and still under way there
    n_scattered = int(synapses.fan_out[spiking].sum())
    total, neurons = times.seconds["whole"], times.seconds["alone"]
    neuron_steps = case.n_neurons * case.n_steps
    delivery = (total - neurons) / n_events
    roofline = times.seconds["bound"] / n_scattered
    rate = spiking.size / case.n_neurons / (case.n_steps * DT_MS / 1000)
    for metric, samples, unit in (
        ("rate", rate, "Hz"),
        ("synaptic events", n_events, "1"),
        ("time", 1e3 * total, "ms"),
        ("all, per synaptic event", 1e9 * total / n_events, "ns"),
        ("all, per neuron-step", 1e9 * total / neuron_steps, "ns"),
        (PER_STEP, 1e9 * neurons / neuron_steps, "ns"),
        (PER_EVENT, 1e9 * delivery, "ns"),
        (ROOFLINE, 1e9 * roofline, "ns"),
        ("ratio delivery / roofline", delivery / roofline, "1"),
    ):
        yield Record.of(NAME, label, metric, samples, unit)


def draw(records: Sequence[Record], path: Path) -> None:
    """Draw cost per event and per neuron-step along every axis.

    Parameters
    ----------
    records : sequence of Record
        From `run`.
    path : path
        PNG file to write.

    Raises
    ------
    BackendMissingError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        message = "matplotlib is not installed: pip install 'neurosparse[plot]'"
        raise BackendMissingError(message) from error
    axes = list(dict.fromkeys(record.case.partition(":")[0] for record in records))
    figure = Figure(figsize=(1.5 + 3.2 * len(axes), 3.8), layout="constrained")
    FigureCanvasAgg(figure)
    places = figure.subplots(1, len(axes), sharey=True, squeeze=False)[0]
    for place, axis in zip(places, axes, strict=True):
        for metric, mark in ((PER_EVENT, "o-"), (ROOFLINE, "k--"), (PER_STEP, "s-")):
            x, y, low, high = _curve(records, axis, metric)
            # a difference lost in noise may be below 0, which has no logarithm
            bars = (y - np.maximum(low, 0.1 * y), high - y)
            place.errorbar(x, y, bars, fmt=mark, label=metric, capsize=2)
        place.set(xscale="log", yscale="log", xlabel=LABELS[axis], title=_held(records, axis))
        place.grid(alpha=0.3)
    places[0].set_ylabel("time [ns]")
    figure.legend(
        *places[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False
    )
    figure.savefig(path, dpi=150)


def _held(records: Sequence[Record], axis: str) -> str:
    """Return what is the same in all cases of an axis."""
    cases = [record.case.partition(": ")[2] for record in records]
    cases = [case for case, r in zip(cases, records, strict=True) if r.case.startswith(f"{axis}:")]
    words = cases[0].removesuffix(" Hz").split()
    held = [word for word in words if not word.startswith(_FIELDS[axis])]
    return ", ".join(f"{word} Hz" if word.startswith("rate") else word for word in held)


def _curve(records: Sequence[Record], axis: str, metric: str) -> tuple[NDArray[np.float64], ...]:
    """Return abscissa, median, smallest and largest of one metric along one axis, if positive."""
    rows = []
    for record in records:
        if record.case.startswith(f"{axis}:") and record.metric == metric:
            words = record.case.partition(": ")[2].split()
            word = next(word for word in words if word.startswith(_FIELDS[axis]))
            x = float(word.removeprefix(_FIELDS[axis]).replace(",", ""))
            if record.value > 0:
                rows.append((x, record.value, record.low, record.high))
    return tuple(np.array(rows, dtype=np.float64).reshape(-1, 4).T)
