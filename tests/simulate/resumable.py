"""A run that saves itself, for tests that stop it; as a program, one that runs until killed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from neurosparse.errors import StorageError
from neurosparse.network import LIF, Network, Population, Projection, Synapses
from neurosparse.simulate import Moment, NoiseCurrent, Poisson, Probe, Run, State, simulate

PROBES = (Probe("E", "v", every=3), Probe("E", "u", (1, 5), receptor=1))
SAVE_EVERY = 10


def network() -> Network:
    """Build a network with both kinds of delays."""
    rng = np.random.default_rng(1)
    neuron = LIF(du=(0.2, 0.5), dv=0.1, refractory=4)
    own = Synapses.random(40, 40, density=0.1, delays=lambda r, k: r.integers(1, 30, k), rng=rng)
    return Network(
        {"in": Population(8), "E": Population(40, neuron)},
        [
            Projection("in", "E", Synapses.random(8, 40, density=0.3, weights=0.8, rng=rng)),
            Projection("E", "E", own, name="loop"),
            Projection("E", "E", own.with_weights(-0.2), receptor=1, name="back"),
        ],
    )


INPUTS: dict[str, Any] = {
    "in": Poisson(0.2),
    "E": [NoiseCurrent(0.05, 0.03), Poisson(np.linspace(0, 0.5, 40), 0.1)],
}


def rewire(moment: Moment) -> dict[str, Synapses]:
    """Move the loop's synapses to places that follow from the step."""
    rng = np.random.default_rng(moment.step)
    old = next(p.synapses for p in moment.network.projections if p.name == "loop")
    keys = rng.choice(1600, old.n_active, replace=False)
    new = Synapses.from_edges(
        keys % 40, keys // 40, old.weights, n_pre=40, n_post=40, delays=old.delays
    )
    return {"loop": new}


def run(
    n_steps: int, *, state: State | None = None, of: Network | None = None, **options: Any
) -> Run:
    """Run from the begin with a seed, or go on."""
    return simulate(
        network() if of is None else of,
        INPUTS,
        n_steps,
        probes=PROBES,
        state=state,
        rng=np.random.default_rng(4) if state is None else None,
        **options,
    )


def tell(moment: Moment) -> None:
    """Say how far the run is."""
    sys.stdout.write(f"{moment.step}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    try:
        run(
            1_000_000,
            stream=folder / "run.h5",
            checkpoint=folder / "state.npz",
            checkpoint_every=SAVE_EVERY,
            between=tell,
            between_every=7,
        )
    except StorageError as error:
        sys.stdout.write(f"{error}\n")
