"""Let sensory neurons drive the wiring of a larval fly brain.

3,554 neurons and 119,010 connections as Winding et al. 2023 counted them
(doi:10.1126/science.add9330). Which neurons inhibit is not in the data; see
``neurosparse.models.drosophila_larva`` for what is assumed.

    python examples/drosophila_larva.py --plot larva.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from neurosparse.data import find_data
from neurosparse.models import drosophila_larva
from neurosparse.simulate import simulate


def main() -> None:
    """Build, run, report."""
    parser = argparse.ArgumentParser(description="Simulate the wiring of a larval fly brain.")
    parser.add_argument("--folder", type=Path, help="with G_edgelist.txt and meta_data.csv")
    parser.add_argument("--inhibitory-share", type=float, default=0.3)
    parser.add_argument("--rate", type=float, default=100.0, metavar="HZ", help="of the input")
    parser.add_argument("--duration", type=float, default=1000.0, metavar="MS")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw a raster (matplotlib)")
    parser.add_argument("--quick", action="store_true", help="100 ms only, as a test")
    args = parser.parse_args()

    rng = np.random.default_rng(args.seed)
    model = drosophila_larva(
        args.folder or find_data("connectomes", "drosophila-larva"),
        inhibitory_share=args.inhibitory_share,
        rate_hz=args.rate,
        rng=rng,
    )
    n_steps = model.steps(100.0 if args.quick else args.duration)
    run = simulate(model.network, model.inputs, n_steps, state=model.state, rng=rng)

    print(model.reference)
    print(model.network)
    seconds = n_steps * model.dt_ms / 1000
    for name, spikes in run.spikes.items():
        counts = spikes.counts()
        active = 100 * np.count_nonzero(counts) / counts.size
        print(f"{name:<7} {counts.mean() / seconds:6.2f} Hz, {active:3.0f} % of them fired")
    if args.plot:
        from neurosparse.plot import raster

        raster(run.spikes, dt_ms=model.dt_ms).figure.savefig(args.plot, dpi=150)


if __name__ == "__main__":
    main()
