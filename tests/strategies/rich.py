"""Networks, stimuli and states that cross every feature of the simulator.

Their numbers round (those of `tests.strategies.exact` do not): they are for references that add in
the documented order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from neurosparse.network import (
    LIF,
    Network,
    Population,
    Projection,
    Spikes,
    SynapseFormat,
    Synapses,
)
from neurosparse.simulate import NoiseCurrent, Poisson, State, StepCurrent
from tests.strategies.integer import (
    draw_messages,
    grid_weights,
    integer_neurons,
    message_bits,
    signed_spikes,
    synapse_formats,
)

__all__ = ["rich_inputs", "rich_networks", "rich_states"]

SIZES = (1, 2, 5, 16, 17, 40)  # a part of a thread begins at a multiple of 16
DELAYS = (1, 1, 2, 3, 6, 255)


def _seeded() -> st.SearchStrategy[np.random.Generator]:
    return st.integers(0, 2**32 - 1).map(np.random.default_rng)


@st.composite
def _rich_lifs(draw: st.DrawFn, size: int) -> LIF:
    rng = draw(_seeded())

    def some(low: float, high: float) -> Any:
        return rng.uniform(low, high, size if draw(st.booleans()) else None)

    n_receptors = draw(st.integers(1, 3))
    return LIF(
        du=tuple(rng.choice([0.0, 1.0, *rng.random(4)], n_receptors).tolist()),
        dv=some(0, 1),
        vth=some(0.3, 2),
        bias=some(-0.1, 0.4),
        v_reset=some(-0.5, 0.2),
        refractory=draw(st.sampled_from((0, 0, 1, 3, 20))),
        reset=draw(st.sampled_from(("zero", "subtract"))),
    )


@st.composite
def _rich_synapses(
    draw: st.DrawFn, n_pre: int, n_post: int, dtype: Any, form: SynapseFormat | None
) -> Synapses:
    rng = draw(_seeded())
    multapses = draw(st.booleans())
    n = draw(st.integers(0, min(300, 3 * n_pre * n_post if multapses else n_pre * n_post)))
    keys = rng.choice(n_pre * n_post, n, replace=multapses)
    size = 1 if draw(st.booleans()) else n
    if dtype == np.int16:
        weights = grid_weights(rng, form, size)
    else:
        weights = rng.normal(0.2, 0.6, size).astype(dtype)
    longest = draw(st.sampled_from(DELAYS))
    return Synapses.from_edges(
        keys % n_pre,
        keys // n_pre,
        weights[0].item() if size == 1 and n != 1 else weights,
        n_pre=n_pre,
        n_post=n_post,
        delays=rng.integers(1, longest + 1, n) if draw(st.booleans()) else None,
        dtype=dtype,
        multapses=multapses,
    )


@st.composite
def rich_networks(
    draw: st.DrawFn, *, integer: bool = False, dtype: Any = np.float32, max_projections: int = 5
) -> Network:
    """Draw one or two sources, one to three populations of neurons and any projections."""
    size = st.sampled_from(SIZES)
    populations = {
        name: Population(draw(size)) for name in ("in", "in2")[: draw(st.integers(1, 2))]
    }
    targets = [f"p{i}" for i in range(draw(st.integers(1, 3)))]
    for name in targets:
        n = draw(size)
        populations[name] = Population(n, draw(integer_neurons(n) if integer else _rich_lifs(n)))
    names = draw(st.permutations(list(populations)))
    populations = {name: populations[name] for name in names}
    pairs = st.tuples(st.sampled_from(names), st.sampled_from(targets))
    projections = []
    for number, (source, target) in enumerate(draw(st.lists(pairs, max_size=max_projections))):
        neuron = populations[target].neuron
        shape = populations[source].size, populations[target].size
        form = draw(synapse_formats()) if integer else None
        projections.append(
            Projection(
                source,
                target,
                draw(_rich_synapses(*shape, np.int16 if integer else dtype, form)),
                delay=draw(st.sampled_from(DELAYS)),
                receptor=draw(st.integers(0, neuron.n_receptors - 1 if neuron else 0)),
                name=f"{number}",
                format=form,
            )
        )
    return Network(populations, projections)


@st.composite
def _poissons(draw: st.DrawFn, size: int, n_steps: int, weight: float, n_receptors: int) -> Poisson:
    rng = draw(_seeded())
    scale = draw(st.sampled_from((0.01, 0.3, 5.0, 100.0)))
    length = draw(st.integers(0, n_steps))
    shape = draw(st.sampled_from(((), (size,), (length, 1), (length, size))))
    receptor = draw(st.integers(0, n_receptors - 1))
    return Poisson(rng.uniform(0, scale, shape), weight, receptor)


@st.composite
def rich_inputs(
    draw: st.DrawFn, network: Network, n_steps: int, *, random: bool = True
) -> dict[str, Any]:
    """Draw any stimuli; ``random`` ones among them if wanted."""
    rng = draw(_seeded())
    integer = network.is_integer
    inputs: dict[str, Any] = {}
    for name, population in network.populations.items():
        size, length = population.size, draw(st.integers(1, n_steps))
        raster = rng.random((length, size)) < draw(st.sampled_from((0.05, 0.5)))
        trains: list[Any] = [raster, Spikes.from_raster(raster)]
        if population.neuron is None:
            bits = message_bits(network, name)
            if bits:
                trains.append(draw_messages(rng, bits, (length, size), 0.3))
            if integer:
                trains.append(signed_spikes(rng, (length, size)))
            if random:
                trains.append(draw(_poissons(size, n_steps, 1.0, 1)))
            if draw(st.booleans()) or "in" in inputs:
                inputs[name] = draw(st.sampled_from(trains))
            continue
        scale = 50 if integer else 0.3
        starts = np.sort(rng.choice(n_steps, min(3, n_steps), replace=False))
        values: Any = rng.normal(0, scale, (starts.size, size))
        table: Any = rng.normal(0, scale, (length, size))
        if integer:
            table, values = table.astype(np.int64), np.rint(values)
        stimuli: list[Any] = [table, StepCurrent(starts, values), StepCurrent(starts, values[:, 0])]
        if random:
            weight = 8.0 if integer else 0.1
            stimuli.append(draw(_poissons(size, n_steps, weight, population.neuron.n_receptors)))
            stimuli.append(draw(_poissons(size, n_steps, -weight, population.neuron.n_receptors)))
            if not integer:
                stimuli.append(NoiseCurrent(rng.uniform(0, 0.3, size), 0.05))
        chosen = draw(st.lists(st.sampled_from(range(len(stimuli))), max_size=3))
        if chosen:
            inputs[name] = [stimuli[k] for k in chosen]
    return inputs


@st.composite
def rich_states(draw: st.DrawFn, network: Network, dtype: Any = np.float32) -> State:
    """Draw a state somewhere in a run of ``network``, with a key of random streams."""
    rng = draw(_seeded())
    rest = State.at_rest(network, dtype=dtype)

    def values(arrays: Any) -> Any:
        if network.is_integer:
            low, high = draw(st.sampled_from(((-9999, 9999), (1 - 2**23, 2**23))))
            return {of: rng.integers(low, high, a.shape) for of, a in arrays.items()}
        return {of: rng.normal(0, 0.7, a.shape).astype(a.dtype) for of, a in arrays.items()}

    neurons = network.populations
    return State(
        step=draw(st.sampled_from((0, 3, 62, 1000, 2**33 - 5))),
        u=values(rest.u),
        v=values(rest.v),
        wait={
            of: rng.integers(0, getattr(neurons[of].neuron, "refractory", 0) + 1, a.shape)
            for of, a in rest.wait.items()
        },
        recent={
            of: Spikes.from_raster(
                (rng.random((s.n_steps, s.n_neurons)) < 0.2)
                * rng.choice([1, -1], (s.n_steps, s.n_neurons)),
                signed=s.signs is not None,
            )
            for of, s in rest.recent.items()
        },
        pending=values(rest.pending),
        key=draw(st.sampled_from((0, 1, 2**32 + 7, 2**63 - 1))),
    )
