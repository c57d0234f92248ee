"""Random small networks that cross everything Lava's models can do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.loihi.limits import arrival_violations
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

N_STEPS = 24


@dataclass(frozen=True)
class Case:
    """A network and what drives it."""

    network: Network
    inputs: dict[str, NDArray[Any]]
    reset_every: int | None

    @property
    def tag(self) -> str:
        return "fixed_pt" if self.network.is_integer else "floating_pt"


def random_format(rng: np.random.Generator) -> SynapseFormat:
    return SynapseFormat(
        sign_mode=str(rng.choice(["mixed", "excitatory", "inhibitory"], p=[0.5, 0.35, 0.15])),
        num_weight_bits=int(rng.integers(1, 9)),
        weight_exp=int(rng.choice([0, 0, 0, *range(-7, 8)])),
        num_message_bits=int(rng.choice([0, 0, 1, 4, 8, 24])),
    )


def edges(
    rng: np.random.Generator, n_pre: int, n_post: int, density: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    post, pre = np.nonzero(rng.random((n_post, n_pre)) < density)
    return pre, post


def with_delays(rng: np.random.Generator, n: int, longest: int) -> dict[str, Any]:
    """Return delays of synapses or of the projection, as keyword arguments."""
    kind = rng.choice(["one", "projection", "synapses"], p=[0.5, 0.2, 0.3])
    if kind == "synapses" and n:
        return {"delays": rng.integers(1, longest + 1, n).astype(np.uint8)}
    return {"delay": int(rng.integers(1, longest + 1)) if kind == "projection" else 1}


def synapses_of(
    shape: tuple[int, int], pre: Any, post: Any, weights: Any, dtype: str, options: dict[str, Any]
) -> Synapses:
    return Synapses.from_edges(
        pre,
        post,
        weights,
        n_pre=shape[1],
        n_post=shape[0],
        dtype=dtype,
        **({"delays": options["delays"]} if "delays" in options else {}),
    )


def integer_projection(
    rng: np.random.Generator, source: str, target: str, sizes: dict[str, int], number: int
) -> Projection:
    form = random_format(rng)
    low, high, step = form.grid
    pre, post = edges(rng, sizes[source], sizes[target], rng.uniform(0.1, 1.0))
    weights = rng.integers(low // step, high // step + 1, pre.size) * step
    extreme = rng.random(pre.size) < 0.2
    weights[extreme] = rng.choice([low, high], int(extreme.sum()))
    options = with_delays(rng, pre.size, 63 if rng.random() < 0.04 else 5)
    shape = (sizes[target], sizes[source])
    return Projection(
        source,
        target,
        synapses_of(shape, pre, post, weights.astype(np.int16), "i2", options),
        delay=options.get("delay", 1),
        name=f"{number}",
        format=form,
    )


def integer_neuron(rng: np.random.Generator, size: int) -> FixedPointLIF | FixedPointTernaryLIF:
    exponent = int(rng.integers(0, 8))
    span = max(1, min(4095, (64 * 300) >> exponent))
    mantissa = rng.integers(-span, span + 1, size)
    mantissa[rng.random(size) < 0.5] = 0
    if rng.random() < 0.1:
        mantissa, exponent = rng.choice([-4096, 4095, 4000], size), 7  # v is soon stopped
    thresholds = rng.integers(0, 500, size)
    far = rng.random(size) < 0.15
    thresholds[far] = rng.choice([0, 131071, 100_000, 20_000], int(far.sum()))
    shared: dict[str, Any] = {
        "du": int(rng.choice([0, 1, 2, 100, 1000, 2047, 4000, 4094, 4095])),
        "dv": int(rng.choice([0, 1, 64, 500, 3000, 4095])),
        "bias_mant": mantissa if rng.random() < 0.8 else int(mantissa[0]),
        "bias_exp": exponent,
    }
    if rng.random() < 0.3:
        lows = thresholds - rng.integers(0, 700, size)
        return FixedPointTernaryLIF(vth_lo=np.maximum(lows, -131071), vth_hi=thresholds, **shared)
    vth = thresholds if rng.random() < 0.8 else int(thresholds[0])
    return FixedPointLIF(vth=vth, **shared)


def integer_case(seed: int) -> Case:
    """Draw an integer network of 1 to 3 populations and 1 or 2 sources."""
    rng = np.random.default_rng(seed)
    sources = {f"in{k}": int(rng.integers(1, 7)) for k in range(int(rng.integers(1, 3)))}
    layers = {f"n{k}": int(rng.integers(1, 7)) for k in range(int(rng.integers(1, 4)))}
    sizes = {**sources, **layers}
    populations = {name: Population(size) for name, size in sources.items()}
    populations |= {name: Population(n, integer_neuron(rng, n)) for name, n in layers.items()}
    pairs = [(name, str(rng.choice(list(layers)))) for name in sources]
    pairs += [
        (str(rng.choice(list(sizes))), str(rng.choice(list(layers))))
        for _ in range(int(rng.integers(0, 5)))
    ]
    network = Network(
        populations,
        [integer_projection(rng, *pair, sizes, number) for number, pair in enumerate(pairs)],
    )
    inputs = {name: _messages(rng, network, name) for name in sources}
    most = {name: int(np.abs(table).max(initial=1)) for name, table in inputs.items()}
    while arrival_violations(network, most):
        inputs = {name: np.sign(t) * (np.abs(t) + 1 >> 1) for name, t in inputs.items()}
        most = {name: int(np.abs(table).max(initial=1)) for name, table in inputs.items()}
    for name, size in layers.items():
        if rng.random() < 0.3:
            span = int(rng.choice([300, 5000, 131_072]))
            inputs[name] = rng.integers(-span, span + 1, (N_STEPS, size))
    return Case(network, inputs, _reset(rng, network))


def _messages(rng: np.random.Generator, network: Network, name: str) -> NDArray[Any]:
    size = network.populations[name].size
    fired = rng.random((N_STEPS, size)) < rng.uniform(0.05, 0.8)
    bits = [
        p.format.num_message_bits
        for p in network.projections
        if p.source == name and p.format is not None and p.format.num_message_bits
    ]
    if not bits or rng.random() < 0.3:
        return fired.astype(np.int64)
    most = (1 << min(bits)) - 1
    small = rng.integers(-min(most, 20), min(most, 20) + 1, fired.shape)
    large = rng.integers(-most, most + 1, fired.shape)
    return fired * np.where(rng.random(fired.shape) < 0.7, small, large)


def _reset(rng: np.random.Generator, network: Network) -> int | None:
    has_signs = any(
        isinstance(p.neuron, FixedPointTernaryLIF) for p in network.populations.values()
    )
    is_refractory = any(
        isinstance(p.neuron, LIF) and p.neuron.refractory for p in network.populations.values()
    )
    if has_signs or is_refractory or rng.random() < 0.6:
        return None
    return max(network.depths.values()) + int(rng.integers(1, 9))


def float_case(seed: int) -> Case:
    """Draw a float network whose weights and currents are multiples of 1/64: sums are exact."""
    rng = np.random.default_rng(seed)
    sizes = {"in": int(rng.integers(1, 7))}
    sizes |= {f"n{k}": int(rng.integers(1, 7)) for k in range(int(rng.integers(1, 4)))}
    layers = [name for name in sizes if name != "in"]
    is_refractory = rng.random() < 0.3

    def neuron(size: int) -> LIF:
        du = float(rng.choice([0.0, 1.0, rng.uniform()]))
        dv: Any = rng.uniform(0.0, 1.0, size)
        bias = rng.uniform(-0.1, 0.2, size)
        vth = rng.uniform(0.05, 3.0, size)
        if not is_refractory or rng.random() < 0.3:
            return LIF(du=du, dv=float(dv[0]) if rng.random() < 0.5 else dv, vth=vth, bias=bias)
        # Lava's LIFRefractory adds u and bias first: in exact numbers, or without bias, that is one
        if rng.random() < 0.5:
            du, dv = rng.choice([0.0, 0.5, 1.0], 2).tolist()
            bias = np.rint(64 * bias) / 64
        else:
            dv, bias = float(dv[0]), np.zeros(size)
        return LIF(du=du, dv=dv, vth=vth, bias=bias, refractory=int(rng.integers(1, 6)))

    def project(source: str, target: str, number: int) -> Projection:
        pre, post = edges(rng, sizes[source], sizes[target], rng.uniform(0.2, 1.0))
        weights = rng.integers(-128, 200, pre.size) / 64
        options = with_delays(rng, pre.size, 70 if rng.random() < 0.03 else 5)
        shape = (sizes[target], sizes[source])
        synapses = synapses_of(shape, pre, post, weights, "f8", options)
        return Projection(source, target, synapses, delay=options.get("delay", 1), name=f"{number}")

    pairs = [("in", layers[0])]
    pairs += [
        (str(rng.choice(list(sizes))), str(rng.choice(layers)))
        for _ in range(int(rng.integers(0, 5)))
    ]
    network = Network(
        {n: Population(size, None if n == "in" else neuron(size)) for n, size in sizes.items()},
        [project(*pair, number) for number, pair in enumerate(pairs)],
    )
    inputs = {"in": (rng.random((N_STEPS, sizes["in"])) < 0.5).astype(np.int64)}
    for name in layers:
        if rng.random() < 0.3:
            inputs[name] = rng.integers(-64, 100, (N_STEPS, sizes[name])) / 64
    return Case(network, inputs, _reset(rng, network))


def side_by_side(cases: list[Case]) -> Case:
    """Put cases into one network, without resets; Lava starts a process for every part of it."""
    populations, projections, inputs = {}, [], {}
    for number, case in enumerate(cases):
        for name, population in case.network.populations.items():
            populations[f"{number} {name}"] = population
        for p in case.network.projections:
            source, target = f"{number} {p.source}", f"{number} {p.target}"
            projections.append(replace(p, source=source, target=target, name=f"{number} {p.name}"))
        inputs |= {f"{number} {name}": table for name, table in case.inputs.items()}
    return Case(Network(populations, projections), inputs, None)
