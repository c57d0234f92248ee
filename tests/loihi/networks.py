"""Random networks for parity tests: many small cases side by side in few populations.

A Lava process is an operating-system process, so cases differ by neuron (threshold, bias, fan-in)
within a population rather than by population.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.network import LIF, FixedPointLIF, Network, Population, Projection, Synapses

N_STEPS = 120


def integer_synapses(
    rng: np.random.Generator, n_pre: int, n_post: int, mode: str, density: float, largest: int
) -> Synapses:
    """Draw weights on one of Lava's grids; a fifth of them are the grid's extremes."""
    low, high, step = {
        "mixed": (-256, 254, 2),
        "excitatory": (0, 255, 1),
        "inhibitory": (-255, 0, 1),
    }[mode]
    low, high = max(low, -largest), min(high, largest)

    def draw(rng: np.random.Generator, n: int) -> NDArray[np.int16]:
        weights = rng.integers(low // step, high // step + 1, n) * step
        extreme = rng.random(n) < 0.2
        weights[extreme] = rng.choice([low - low % -step, high - high % step], int(extreme.sum()))
        weights[weights == 0] = step if high > 0 else -step
        return weights.astype(np.int16)

    return Synapses.random(n_pre, n_post, density=density, weights=draw, rng=rng, dtype=np.int16)


def random_fixed_neuron(rng: np.random.Generator, size: int) -> FixedPointLIF:
    """Draw parameters from the whole of their ranges, favouring lively ones."""
    exponent = int(rng.integers(0, 8))
    span = max(1, min(4095, (64 * 200) >> exponent))
    vth = rng.integers(1, 600, size)
    vth[rng.random(size) < 0.1] = rng.integers(0, 131072)
    mantissa = rng.integers(-span, span + 1, size)
    mantissa[rng.random(size) < 0.4] = 0
    return FixedPointLIF(
        du=int(rng.choice([0, 1, 100, 1000, 2047, 4094, 4095])),
        dv=int(rng.choice([0, 1, 64, 500, 3000, 4095])),
        vth=vth,
        bias_mant=mantissa,
        bias_exp=exponent,
    )


def random_integer_network(seed: int) -> tuple[Network, dict[str, Any]]:
    """Feed-forward, recurrent and self-connected populations, biases, currents, saturation.

    Two parts that nothing connects; ``storm`` has a fan-in and currents that wrap ``u``,
    ``heavy`` a bias that saturates ``v``.
    """
    rng = np.random.default_rng(seed)
    sizes = {"in": 40, "other in": 12, "a": 30, "b": 25, "c": 20, "storm": 30, "apart": 8}
    populations = {
        name: Population(size, None if "in" in name else random_fixed_neuron(rng, size))
        for name, size in sizes.items()
    }
    # an almost undamped current under heavy input leaves 24 bits within a few steps
    populations["storm"] = Population(
        30,
        FixedPointLIF(du=int(rng.integers(0, 3)), dv=7, vth=rng.integers(1, 131072, 30)),
    )
    heavy = FixedPointLIF(
        du=4095, dv=0, vth=131071, bias_mant=np.array([4095, -4096, 4000, 77]), bias_exp=7
    )
    populations["heavy"] = Population(4, heavy)

    def project(source: str, target: str, mode: str, density: float, name: str = "") -> Projection:
        synapses = integer_synapses(
            rng, populations[source].size, populations[target].size, mode, density, 256
        )
        return Projection(source, target, synapses, name=name)

    projections = [
        project("in", "a", "mixed", 0.2),
        project("in", "a", "excitatory", 0.1, "second path"),
        project("a", "a", "inhibitory", 0.1),
        project("a", "b", "mixed", 0.2),
        project("b", "c", "excitatory", 0.1),
        project("c", "b", "mixed", 0.1),
        project("in", "c", "mixed", 0.1),
        project("in", "storm", "excitatory", 0.9),
        project("other in", "apart", "mixed", 0.5),
        project("apart", "apart", "mixed", 0.3),
    ]
    spikes = {
        name: (rng.random((N_STEPS, sizes[name])) < 0.2).astype(np.uint8)
        for name in ("in", "other in")
    }
    currents = {
        "c": rng.integers(-150, 200, (N_STEPS - 10, 20)),
        "storm": rng.integers(-100_000, 131_072, (N_STEPS, 30)),
    }
    # exactly the bounds: +2^23 is still allowed, -2^23 wraps
    currents["storm"][:, 0] = 131_072
    currents["storm"][:, 1] = -131_072
    return Network(populations, projections), {**spikes, **currents}


def random_float_network(seed: int) -> tuple[Network, dict[str, Any]]:
    """Float network with what Lava's ``floating_pt`` models can do, currents included."""
    rng = np.random.default_rng(seed)

    def neuron(size: int) -> LIF:
        return LIF(
            du=float(rng.uniform(0.05, 1.0)),
            dv=rng.uniform(0.0, 0.5, size),
            vth=rng.uniform(0.1, 1.5, size),
            bias=rng.uniform(-0.02, 0.05, size),
        )

    def project(source: str, target: str, density: float) -> Projection:
        synapses = Synapses.random(
            populations[source].size,
            populations[target].size,
            density=density,
            weights=lambda rng, n: rng.normal(0.1, 0.4, n).astype(np.float32),
            rng=rng,
        )
        return Projection(source, target, synapses)

    populations = {
        "in": Population(40),
        "a": Population(30, neuron(30)),
        "b": Population(20, neuron(20)),
        "alone": Population(5, neuron(5)),
    }
    projections = [
        project("in", "a", 0.2),
        project("a", "a", 0.1),
        project("a", "b", 0.2),
        project("in", "b", 0.1),
    ]
    inputs = {
        "in": (rng.random((N_STEPS, 40)) < 0.2).astype(np.uint8),
        "alone": rng.normal(0.1, 0.3, (N_STEPS, 5)),
    }
    return Network(populations, projections), inputs
