"""Let neurons find their inputs: rewiring inside a simulation evens out rates.

400 excitatory and 100 inhibitory neurons whose drive from outside differs from neuron to neuron, so
that at first some hardly fire and others fire much too often. Every half second excitatory synapses
move from neurons above the target rate to neurons below it (after Butz & van Ooyen 2013,
doi:10.1371/journal.pcbi.1003259). Their number stays exactly the same.

    python examples/homeostatic_rewiring.py --plot rewiring.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurosparse import LIF, Network, Population, Projection, Spikes, Synapses
from neurosparse.simulate import Poisson, simulate
from neurosparse.sparsify import HomeostaticRewirer, Newborn

DT_MS = 1.0
N_EXC, N_INH = 400, 100
FAN_IN_EXC, FAN_IN_INH = 40, 10
WEIGHT_MV, G = 0.45, 5.0  # jump of the membrane; inhibition is so many times as strong
DRIVE_HZ, DRIVE_SPREAD = 1020.0, 0.1  # of the Poisson spikes to every neuron; standard deviation
DRIVE_MV = 0.9
EVERY_MS = 500.0
COUNTED_MS = 10_000.0  # before and after, without rewiring
SPEED = 4.0  # synapses that a silent neuron gains each time


def network(rng: np.random.Generator) -> Network:
    """Build the network; every neuron begins with equally many synapses."""
    neuron = LIF.from_time_constants(
        tau_mem_ms=20.0, dt_ms=DT_MS, v_th_mv=20.0, v_reset_mv=0.0, refractory_ms=2.0
    )

    def wire(n_pre: int, n_post: int, fan_in: int, weight_mv: float) -> Synapses:
        return Synapses.fixed_fan_in(n_pre, n_post, fan_in=fan_in, weights=weight_mv, rng=rng)

    return Network(
        {"E": Population(N_EXC, neuron), "I": Population(N_INH, neuron)},
        [
            Projection("E", "E", wire(N_EXC, N_EXC, FAN_IN_EXC, WEIGHT_MV), delay=2),
            Projection("E", "I", wire(N_EXC, N_INH, FAN_IN_EXC, WEIGHT_MV), delay=2),
            Projection("I", "E", wire(N_INH, N_EXC, FAN_IN_INH, -G * WEIGHT_MV)),
            Projection("I", "I", wire(N_INH, N_INH, FAN_IN_INH, -G * WEIGHT_MV)),
        ],
    )


def rates_hz(spikes: Spikes) -> NDArray[np.float64]:
    """Return the rate of every neuron."""
    return spikes.counts() * 1000 / (spikes.n_steps * DT_MS)


def main() -> None:
    """Build, run, report."""
    parser = argparse.ArgumentParser(description="Rewire towards a target rate.")
    parser.add_argument("--target", type=float, default=12.5, metavar="HZ")
    parser.add_argument("--duration", type=float, default=60_000.0, metavar="MS")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw rates and in-degrees")
    parser.add_argument("--quick", action="store_true", help="10 seconds only, as a test")
    args = parser.parse_args()

    rng = np.random.default_rng(args.seed)
    before = network(rng)
    drive_hz = DRIVE_HZ * np.clip(rng.normal(1.0, DRIVE_SPREAD, N_EXC), 0, None)
    inputs = {
        "E": Poisson.from_hz(drive_hz, DT_MS, weight=DRIVE_MV),
        "I": Poisson.from_hz(DRIVE_HZ, DT_MS, weight=DRIVE_MV),
    }
    rewirer = HomeostaticRewirer.from_hz(
        {"E->E": Newborn(autapses=False)}, args.target, DT_MS, speed=SPEED, rng=rng
    )
    n_steps = round((6000.0 if args.quick else args.duration) / DT_MS)
    n_counted = round((2000.0 if args.quick else COUNTED_MS) / DT_MS)
    first = simulate(before, inputs, n_counted, rng=rng)
    run = simulate(
        before,
        inputs,
        n_steps,
        state=first.state,
        between=rewirer,
        between_every=round(EVERY_MS / DT_MS),
    )
    last = simulate(run.network, inputs, n_counted, state=run.state)

    print(before)
    print(f"rates of the excitatory neurons; target {args.target:g} Hz")
    rates = {"before": rates_hz(first.spikes["E"]), "after": rates_hz(last.spikes["E"])}
    for name, each in rates.items():
        low, high = np.percentile(each, [5, 95])
        print(
            f"{name:<6}  mean {each.mean():5.2f} Hz  std {each.std():5.2f} Hz  "
            f"90 % between {low:.1f} and {high:.1f} Hz"
        )
    fan_in = run.network.projections[0].synapses.fan_in
    print(
        f"E->E: {before.projections[0].synapses.n_active:,} synapses before, {fan_in.sum():,} "
        f"after; {fan_in.min()} to {fan_in.max()} per neuron"
    )
    if args.plot:
        draw(rates, drive_hz, fan_in, args.target, args.plot)


def draw(
    rates: dict[str, NDArray[np.float64]],
    drive_hz: NDArray[np.float64],
    fan_in: NDArray[np.int64],
    target_hz: float,
    path: Path,
) -> None:
    """Draw the rates before and after, and where the synapses went."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    edges = np.linspace(0, max(each.max() for each in rates.values()), 40)
    for (name, each), colour in zip(rates.items(), ("#9a9a9a", "#009e73"), strict=True):
        left.hist(each, edges, color=colour, alpha=0.7, label=name)
    left.axvline(target_hz, color="#222222", linestyle="--", linewidth=1, label="target")
    left.set(xlabel="rate [Hz]", ylabel="excitatory neurons")
    left.legend(frameon=False)
    right.plot(drive_hz, fan_in, ".", color="#222222", markersize=3)
    right.axhline(FAN_IN_EXC, color="#9a9a9a", linewidth=1)
    right.annotate(
        "at the start", (1, FAN_IN_EXC), xycoords=("axes fraction", "data"), ha="right", va="bottom"
    )
    right.set(xlabel="drive from outside [Hz]", ylabel="excitatory synapses at the end")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
