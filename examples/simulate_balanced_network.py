"""Simulate a random network in which excitation and inhibition balance.

800 excitatory and 200 inhibitory neurons, connected at random with a density of 10 %. Inhibitory
synapses are g times as strong as excitatory ones and so hold the network, which is driven by
Poisson spikes from outside, in an asynchronous and irregular state (Brunel 2000,
doi:10.1023/A:1008925309027).

    python examples/simulate_balanced_network.py --plot raster.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from neurosparse import LIF, Network, Population, Projection, Spikes, Synapses
from neurosparse.simulate import Run, simulate

DT_MS = 0.5
DENSITY = 0.1
WEIGHT_MV = 0.6  # jump of the membrane per excitatory spike; the threshold is 20 mV above rest
G = 8.0  # how much stronger inhibition is
EXC_DELAY_MS = 5.0  # excitatory spikes take 0.5 to 5 ms, inhibitory ones 0.5 to 1 ms
INH_DELAY_MS = 1.0
N_EXC, N_INH = 800, 200
N_EXTERNAL = 4000  # fibres from outside; each neuron listens to 2 % of them
EXTERNAL_HZ = 22.0  # rate of each


def balanced_network(rng: np.random.Generator) -> Network:
    """Build the network: four excitatory neurons for every inhibitory one."""
    neuron = LIF.from_time_constants(
        tau_mem_ms=20.0, dt_ms=DT_MS, v_th_mv=20.0, v_reset_mv=10.0, refractory_ms=2.0
    )

    def wire(
        n_pre: int, n_post: int, weight_mv: float, max_delay_ms: float, density: float = DENSITY
    ) -> Synapses:
        s = Synapses.random(n_pre, n_post, density=density, weights=weight_mv, rng=rng)
        # delays that differ keep the neurons from firing in step
        delays = rng.integers(1, round(max_delay_ms / DT_MS), s.n_active, endpoint=True)
        return Synapses(n_post, n_pre, s.indptr, s.indices, s.weights, delays)

    projections = []
    for target, n_post in (("excitatory", N_EXC), ("inhibitory", N_INH)):
        drive = wire(N_EXTERNAL, n_post, WEIGHT_MV, EXC_DELAY_MS, density=0.02)
        excitation = wire(N_EXC, n_post, WEIGHT_MV, EXC_DELAY_MS)
        inhibition = wire(N_INH, n_post, -G * WEIGHT_MV, INH_DELAY_MS)
        projections += [
            Projection("external", target, drive),
            Projection("excitatory", target, excitation),
            Projection("inhibitory", target, inhibition),
        ]
    populations = {
        "external": Population(N_EXTERNAL),
        "excitatory": Population(N_EXC, neuron),
        "inhibitory": Population(N_INH, neuron),
    }
    return Network(populations, projections)


def mean_cv_of_gaps(spikes: Spikes) -> float:
    """Return the mean coefficient of variation of the gaps between a neuron's spikes."""
    by_neuron = (np.diff(spikes.steps[spikes.neurons == n]) for n in range(spikes.n_neurons))
    cvs = [gaps.std() / gaps.mean() for gaps in by_neuron if gaps.size >= 5]
    return float(np.mean(cvs)) if cvs else float("nan")


def print_summary(network: Network, run: Run) -> None:
    """Print rates, irregularity and what the run cost."""
    seconds = run.n_steps * DT_MS / 1000
    print(network)
    print(f"{run.n_steps} steps of {DT_MS} ms = {seconds:g} s of model time\n")
    for name, spikes in run.spikes.items():
        rate_hz = spikes.n_spikes / spikes.n_neurons / seconds
        print(f"{name:<11} {rate_hz:6.1f} Hz   CV of gaps {mean_cv_of_gaps(spikes):.2f}")
    activity = run.activity
    dense = run.n_steps * network.n_potential_synapses
    print(f"\nspikes           {activity.total_spikes:>15,}")
    print(f"neuron updates   {activity.total_neuron_updates:>15,}")
    print(f"synaptic events  {activity.total_synaptic_events:>15,}")
    print(f"a dense matrix in every step would take {dense:,} multiplications")


def plot_activity(run: Run, path: Path) -> None:
    """Draw the last half second: spikes, and the rate of every population."""
    from matplotlib.figure import Figure

    from neurosparse.plot import raster, rates

    n_shown = min(run.n_steps, round(500 / DT_MS))
    shown = {
        name: run.spikes[name].window(run.n_steps - n_shown, run.n_steps)
        for name in ("excitatory", "inhibitory")
    }
    figure = Figure(figsize=(9, 6.5), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(3, 1))
    raster(shown, dt_ms=DT_MS, ax=above)
    rates(shown, dt_ms=DT_MS, bin_steps=10, ax=below)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Build, run, report."""
    parser = argparse.ArgumentParser(description="Simulate a random balanced network.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=4000, help=f"of {DT_MS} ms each")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw a raster (matplotlib)")
    parser.add_argument("--quick", action="store_true", help="200 ms only, as a test")
    args = parser.parse_args()

    rng = np.random.default_rng(args.seed)
    network = balanced_network(rng)
    n_steps = min(args.steps, 400) if args.quick else args.steps
    # a Poisson process in steps: every fibre fires with a small probability in each
    external = rng.random((n_steps, N_EXTERNAL)) < EXTERNAL_HZ * DT_MS / 1000
    run = simulate(network, {"external": external})
    print_summary(network, run)
    if args.plot:
        plot_activity(run, args.plot)
        print(f"raster drawn to {args.plot}")


if __name__ == "__main__":
    main()
