"""Simulate Brunel's network of 12,500 neurons and 15.6 million synapses.

Delta synapses, a delay of 1.5 ms, in-degrees of 1,000 and 250 (Brunel 2000,
doi:10.1023/A:1008925309027). With inhibition 5 times as strong as excitation and twice the external
rate that reaches threshold it fires at about 37.5 spikes per second and neuron, asynchronously and
irregularly; ``--drive constant`` replaces the Poisson spikes from outside by their mean.

    python examples/brunel.py --plot brunel.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from neurosparse.models import brunel
from neurosparse.simulate import simulate


def main() -> None:
    """Build, run, report."""
    parser = argparse.ArgumentParser(description="Simulate Brunel's network.")
    parser.add_argument("--neurons", type=int, default=12_500)
    parser.add_argument("--g", type=float, default=5.0, help="inhibition relative to excitation")
    parser.add_argument(
        "--eta", type=float, default=2.0, help="external rate relative to threshold"
    )
    parser.add_argument("--drive", choices=("poisson", "constant"), default="poisson")
    parser.add_argument("--duration", type=float, default=1000.0, metavar="MS")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw a raster (matplotlib)")
    parser.add_argument("--quick", action="store_true", help="1,250 neurons, 200 ms, as a test")
    args = parser.parse_args()

    rng = np.random.default_rng(args.seed)
    n_neurons = 1250 if args.quick else args.neurons
    model = brunel(n_neurons, g=args.g, eta=args.eta, drive=args.drive, rng=rng)
    n_steps = model.steps(200.0 if args.quick else args.duration)
    run = simulate(
        model.network, model.inputs, n_steps, state=model.state, rng=rng, threads=args.threads
    )

    print(model.reference)
    print(model.network)
    seconds = n_steps * model.dt_ms / 1000
    for name, spikes in run.spikes.items():
        print(f"{name}  {spikes.n_spikes / spikes.n_neurons / seconds:5.2f} Hz")
    print(f"{run.activity.total_synaptic_events:,} synaptic events")
    if args.plot:
        from neurosparse.plot import raster

        raster(run.spikes, dt_ms=model.dt_ms).figure.savefig(args.plot, dpi=150)


if __name__ == "__main__":
    main()
