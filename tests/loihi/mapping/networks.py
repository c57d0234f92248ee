"""Small random networks and chips with limits that bind."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import strategies as st

from neurosparse.hardware import Chip, load_chip
from neurosparse.network import (
    LIF,
    FixedPointLIF,
    FixedPointTernaryLIF,
    Network,
    Population,
    Projection,
    SynapseFormat,
    Synapses,
)

SOURCE = "a test"


def with_limits(chip: Chip | str, **limits: int) -> Chip:
    """Return a chip with other limits."""
    chip = load_chip(chip) if isinstance(chip, str) else chip
    for name, value in limits.items():
        chip = chip.with_limit(name, value, source=SOURCE)
    return chip


def layered(*sizes: int, density: float, seed: int = 0) -> Network:
    """A feed-forward float network ``l0``, ``l1``, ...; ``l0`` is a source."""
    rng = np.random.default_rng(seed)
    populations = {f"l{i}": Population(n, LIF(vth=0.5) if i else None) for i, n in enumerate(sizes)}
    projections = [
        Projection(
            f"l{i}",
            f"l{i + 1}",
            Synapses.random(pre, post, density=density, rng=rng),
        )
        for i, (pre, post) in enumerate(itertools.pairwise(sizes))
    ]
    return Network(populations, projections)


@st.composite
def networks(draw: st.DrawFn, *, most: int = 40) -> Network:
    """Draw sizes, wiring, recurrence, delays, formats, thresholds and multapses."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    integer = draw(st.booleans())
    n_populations = draw(st.integers(1, 4))
    names = [f"p{i}" for i in range(n_populations)]
    populations = {"in": Population(draw(st.integers(1, most)))}
    for name in names:
        size = draw(st.integers(1, most))
        populations[name] = Population(size, _neuron(draw, rng, size, integer))
    projections = []
    for number in range(draw(st.integers(0, 6))):
        source = draw(st.sampled_from(["in", *names]))
        target = draw(st.sampled_from(names))
        projections.append(
            _projection(draw, rng, populations, source, target, f"w{number}", integer)
        )
    return Network(populations, projections)


def _neuron(draw: st.DrawFn, rng: np.random.Generator, size: int, integer: bool) -> Any:
    each = draw(st.booleans())
    if not integer:
        vth = rng.choice([0.5, 1.0, 1.5], size) if each else 1.0
        return LIF(du=0.5, dv=draw(st.sampled_from([0.25, 0.5])), vth=vth)
    vth = rng.integers(1, 5, size) * 64 if each else 128
    if draw(st.booleans()):
        return FixedPointTernaryLIF(du=2048, dv=1024, vth_lo=-vth, vth_hi=vth, bias_mant=40)
    return FixedPointLIF(du=4095, dv=draw(st.sampled_from([0, 512])), vth=vth, bias_mant=64)


def _projection(
    draw: st.DrawFn,
    rng: np.random.Generator,
    populations: dict[str, Population],
    source: str,
    target: str,
    name: str,
    integer: bool,
) -> Projection:
    n_pre, n_post = populations[source].size, populations[target].size
    density = draw(st.sampled_from([0.05, 0.3, 1.0]))
    n = max(1, round(density * n_pre * n_post))
    multapses = not integer and draw(st.booleans())
    if multapses:
        pre, post = rng.integers(0, n_pre, n), rng.integers(0, n_post, n)
    else:
        pairs = rng.choice(n_pre * n_post, n, replace=False)
        pre, post = pairs % n_pre, pairs // n_pre
    given = None
    weights: Any = rng.choice([-0.5, 0.25, 1.0], n).astype(np.float32)
    if integer:
        given = SynapseFormat("mixed", draw(st.integers(4, 8)), draw(st.integers(-2, 1)), "synapse")
        weights = (rng.integers(-8, 8, n) * 32).astype(np.int16)
        weights[weights == 0] = 32
    own = draw(st.booleans())
    return Projection(
        source,
        target,
        Synapses.from_edges(
            pre,
            post,
            weights,
            n_pre=n_pre,
            n_post=n_post,
            delays=rng.integers(1, 6, n).astype(np.uint8) if own else None,
            multapses=multapses,
            dtype=weights.dtype,
        ),
        delay=1 if own else draw(st.integers(1, 4)),
        name=name,
        format=given,
    )


@st.composite
def chips(draw: st.DrawFn) -> Chip:
    """Draw a chip whose limits bind on `networks`, though every neuron alone fits mostly."""
    base = draw(st.sampled_from(["loihi1", "loihi2"]))
    limits = {"neurons_per_core": draw(st.integers(3, 60))}
    if base == "loihi1":
        limits |= {
            "input_axons_per_core": draw(st.integers(60, 200)),
            "output_axons_per_core": draw(st.integers(30, 400)),
            "synapse_bits_per_core": draw(st.integers(8_000, 60_000)),
            "threshold_profiles_per_core": draw(st.integers(1, 8)),
            "neuron_profiles_per_core": draw(st.integers(1, 4)),
            "synapse_formats_per_core": draw(st.integers(6, 16)),
        }
    else:
        limits |= {"memory_bits_per_core": draw(st.integers(20_000, 90_000))}
    return with_limits(base, **limits)
