"""Simulate CUBA, the benchmark network of Vogels and Abbott.

4,000 neurons with exponential currents that keep one another active without any input (Brette et
al. 2007, benchmark 2, doi:10.1007/s10827-007-0038-6). Each fires about 5.5 times per second, as in
Brian2 (``python -m benchmarks cuba`` runs both).

    python examples/cuba.py --plot cuba.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from neurosparse.models import cuba
from neurosparse.simulate import simulate


def main() -> None:
    """Build, run, report."""
    parser = argparse.ArgumentParser(description="Simulate the CUBA network.")
    parser.add_argument("--neurons", type=int, default=4000)
    parser.add_argument("--duration", type=float, default=1000.0, metavar="MS")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw a raster (matplotlib)")
    parser.add_argument("--quick", action="store_true", help="200 ms only, as a test")
    args = parser.parse_args()

    model = cuba(args.neurons, rng=np.random.default_rng(args.seed))
    n_steps = model.steps(200.0 if args.quick else args.duration)
    run = simulate(model.network, model.inputs, n_steps, state=model.state)

    print(model.reference)
    print(model.network)
    seconds = n_steps * model.dt_ms / 1000
    for name, spikes in run.spikes.items():
        print(f"{name}  {spikes.n_spikes / spikes.n_neurons / seconds:5.2f} Hz")
    if args.plot:
        from neurosparse.plot import raster

        raster(run.spikes, dt_ms=model.dt_ms).figure.savefig(args.plot, dpi=150)


if __name__ == "__main__":
    main()
