"""Simulate the cortical microcircuit of Potjans and Diesmann.

The network under one square millimetre of cortex: eight populations, 77,169 neurons, 298.9 million
synapses (doi:10.1093/cercor/bhs358). ``--scale 1`` builds all of it and takes about 5 GB
(``python -m benchmarks potjans_diesmann`` measures it); rates are then comparable with those of
NEST. Below, weights and a constant current make up for the synapses that are missing, which keeps
the rates only roughly.

    python examples/potjans_diesmann.py --scale 1 --threads 2 --plot microcircuit.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from neurosparse.data import find_data
from neurosparse.models import potjans_diesmann
from neurosparse.models.microcircuit import REFERENCE_RATES_HZ
from neurosparse.simulate import simulate

WARM_UP_MS = 100.0  # not counted


def main() -> None:
    """Build, run, report."""
    parser = argparse.ArgumentParser(description="Simulate the cortical microcircuit.")
    parser.add_argument("--parameters", type=Path, metavar="FILE", help="pd14_params.json")
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--drive", choices=("poisson", "constant"), default="poisson")
    parser.add_argument("--duration", type=float, default=1000.0, metavar="MS")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw a raster (matplotlib)")
    parser.add_argument("--quick", action="store_true", help="scale 0.03, 100 ms, as a test")
    args = parser.parse_args()

    parameters = args.parameters or find_data("connectomes", "potjans-diesmann", "pd14_params.json")
    rng = np.random.default_rng(args.seed)
    scale = 0.03 if args.quick else args.scale
    model = potjans_diesmann(parameters, scale=scale, drive=args.drive, rng=rng)
    print(model.reference)
    print(f"{model.network.n_neurons:,} neurons, {model.network.n_synapses:,} synapses")

    options = {"rng": rng, "threads": args.threads}
    warm = simulate(
        model.network, model.inputs, model.steps(WARM_UP_MS), state=model.state, **options
    )
    n_steps = model.steps(100.0 if args.quick else args.duration)
    run = simulate(model.network, model.inputs, n_steps, state=warm.state, **options)
    seconds = n_steps * model.dt_ms / 1000
    print("       here   NEST at full scale")
    for name, spikes in run.spikes.items():
        rate_hz = spikes.n_spikes / spikes.n_neurons / seconds
        print(f"{name:<5} {rate_hz:5.2f}  {REFERENCE_RATES_HZ[name]:5.2f} Hz")
    if args.plot:
        from neurosparse.plot import raster

        raster(run.spikes, dt_ms=model.dt_ms).figure.savefig(args.plot, dpi=150)


if __name__ == "__main__":
    main()
