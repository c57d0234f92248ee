"""Let sensory neurons drive the wiring of a worm.

300 neurons of the hermaphrodite and their chemical synapses (Cook et al. 2019,
doi:10.1038/s41586-019-1352-7). Signs follow the known GABAergic neurons; most neurons of the worm
do not spike, see ``neurosparse.models.c_elegans`` for what this stands for.

    python examples/c_elegans.py --plot worm.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from neurosparse.data import find_data
from neurosparse.models import c_elegans
from neurosparse.simulate import simulate

N_LISTED = 5


def main() -> None:
    """Build, run, report."""
    parser = argparse.ArgumentParser(description="Simulate the wiring of a worm.")
    parser.add_argument("--folder", type=Path, help="with herm_chem_adj.csv")
    parser.add_argument("--rate", type=float, default=50.0, metavar="HZ", help="of the input")
    parser.add_argument("--duration", type=float, default=1000.0, metavar="MS")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw a raster (matplotlib)")
    parser.add_argument("--quick", action="store_true", help="100 ms only, as a test")
    args = parser.parse_args()

    rng = np.random.default_rng(args.seed)
    folder = args.folder or find_data("connectomes", "c-elegans")
    model = c_elegans(folder, rate_hz=args.rate, rng=rng)
    n_steps = model.steps(100.0 if args.quick else args.duration)
    run = simulate(model.network, model.inputs, n_steps, state=model.state, rng=rng)

    print(model.reference)
    print(model.network)
    seconds = n_steps * model.dt_ms / 1000
    for name, spikes in run.spikes.items():
        counts = spikes.counts()
        busiest = [model.labels[name][neuron] for neuron in np.argsort(-counts)[:N_LISTED]]
        print(f"{name:<8} {counts.mean() / seconds:6.2f} Hz; most: {', '.join(busiest)}")
    if args.plot:
        from neurosparse.plot import raster

        raster(run.spikes, dt_ms=model.dt_ms).figure.savefig(args.plot, dpi=150)


if __name__ == "__main__":
    main()
