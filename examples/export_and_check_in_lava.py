"""Export a network to Lava and check that Lava gives the same spikes, step by step.

A float network is quantised to the integers of a Loihi-style chip and written as a bundle. Lava's
CPU simulation then runs the float network (``floating_pt``) and its integer twin (``fixed_pt``);
each is held against our own engine, spike by spike, and the integer one in u and v too.

    python examples/export_and_check_in_lava.py
    python examples/export_and_check_in_lava.py --network network.npz    (from neurosparse train)
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurosparse import LIF, Network, Population, Projection, Synapses
from neurosparse.loihi import (
    Quantisation,
    check_parity,
    lava_available,
    quantise,
    scale_currents,
    write_bundle,
)


def small_network(rng: np.random.Generator) -> Network:
    """Build two sparse layers: 50 input lines, 40 hidden neurons, 10 outputs."""

    def weights(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
        return rng.normal(0.1, 0.4, n)

    hidden = Synapses.random(50, 40, density=0.1, weights=weights, rng=rng)
    output = Synapses.random(40, 10, density=0.2, weights=weights, rng=rng)
    neuron = LIF(du=0.5, dv=0.1, vth=0.8)
    return Network(
        {
            "input": Population(50),
            "hidden": Population(40, neuron),
            "output": Population(10, LIF()),
        },
        [Projection("input", "hidden", hidden), Projection("hidden", "output", output)],
    )


def random_drive(
    network: Network, n_steps: int, rng: np.random.Generator
) -> dict[str, NDArray[np.float32]]:
    """Draw spikes for sources, currents for input populations of neurons."""
    drive = {}
    for name in network.inputs:
        population = network.populations[name]
        noise = rng.random((n_steps, population.size), dtype=np.float32)
        drive[name] = (noise < 0.1).astype(np.float32) if population.neuron is None else 0.5 * noise
    return drive


def integer_drive(
    drive: dict[str, NDArray[np.float32]], integers: Quantisation
) -> dict[str, NDArray[np.float32] | NDArray[np.int64]]:
    """Scale currents as the weights of their population were; spikes stay spikes."""
    currents = {name: values for name, values in drive.items() if name in integers.scales}
    return {**drive, **scale_currents(integers, currents)}


def main() -> None:
    """Export, run twice, compare."""
    parser = argparse.ArgumentParser(description="Export a network to Lava and check every spike.")
    parser.add_argument("--network", type=Path, metavar="FILE", help="default: a small random one")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep the bundle there")
    parser.add_argument("--interpreter", metavar="PYTHON", help="Python with lava-nc")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--quick", action="store_true", help="30 steps only, as a test")
    args = parser.parse_args()

    rng = np.random.default_rng(args.seed)
    network = Network.load(args.network) if args.network else small_network(rng)
    integers = quantise(network)
    print(f"float:    {network}\nintegers: {integers}")

    with tempfile.TemporaryDirectory() as scratch:
        bundle = write_bundle(args.out or Path(scratch) / "bundle", network, integers)
        if args.out:
            print(f"bundle:   {args.out}")
        if not lava_available(args.interpreter):
            print("\nLava is not installed here, so nothing was compared (see docs/lava.md)")
            return
        drive = random_drive(network, 30 if args.quick else args.steps, rng)
        float_check = check_parity(bundle, drive, tag="floating_pt", interpreter=args.interpreter)
        fixed_check = check_parity(
            bundle,
            integer_drive(drive, integers),
            tag="fixed_pt",
            record=network.outputs,
            interpreter=args.interpreter,
        )
    print(f"\n{float_check}\n{fixed_check}")
    if not (float_check.agrees and fixed_check.agrees):
        raise SystemExit("Lava and neurosparse differ")


if __name__ == "__main__":
    main()
