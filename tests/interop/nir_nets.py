"""Networks that NIR can say, and what differs between two of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray

from neurosparse.network import LIF, Network, Population, Projection, Synapses

nir = pytest.importorskip("nir")

__all__ = ["assert_same", "networks", "nir"]

# names of nodes are folders in a file: these have to be changed, and to come back
NAMES = ["in", "a", "a b", "a_b", "x/y", "..", "a->b", "µ", "0", "input", "a_input"]


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False, allow_subnormal=False)


def one_or_each(draw: st.DrawFn, values: Any, size: int) -> Any:
    if draw(st.booleans()):
        return draw(values)
    return np.array(draw(st.lists(values, min_size=size, max_size=size)))


@st.composite
def neurons(draw: st.DrawFn, size: int, *, arriving: bool) -> LIF:
    leaky = draw(st.booleans())
    du = draw(st.sampled_from((1.0, 0.5)) | numbers(1e-6, 1)) if leaky else 1.0
    dv = one_or_each(draw, numbers(1e-6, 1), size) if leaky else 0.0
    if not leaky and draw(st.booleans()):
        dv = np.zeros(size)
    biased = arriving or leaky
    return LIF(
        du=du,
        dv=dv,
        vth=one_or_each(draw, numbers(0.1, 4), size),
        bias=one_or_each(draw, numbers(-1, 1), size) if biased else 0.0,
        v_reset=one_or_each(draw, numbers(-1, 0.05), size),
        reset=draw(st.sampled_from(("zero", "subtract"))),
    )


@st.composite
def synapses(draw: st.DrawFn, n_pre: int, n_post: int) -> Synapses:
    """Draw any pattern; some weights are 0, or -0, and still synapses."""
    keys = draw(st.lists(st.integers(0, n_pre * n_post - 1), max_size=12, unique=True))
    flat = np.array(keys, dtype=np.int64)
    dtype = draw(st.sampled_from((np.float32, np.float64)))
    width = 32 if dtype is np.float32 else 64
    values = st.sampled_from((0.0, -0.0)) | st.floats(-4, 4, width=width, allow_subnormal=False)
    weights = draw(st.lists(values, min_size=flat.size, max_size=flat.size))
    delays = None
    if draw(st.booleans()):
        each = st.integers(1, 255)
        delays = np.array(draw(st.lists(each, min_size=flat.size, max_size=flat.size)), np.uint8)
    return Synapses.from_edges(
        flat % n_pre,
        flat // n_pre,
        np.array(weights, dtype=dtype),
        n_pre=n_pre,
        n_post=n_post,
        delays=delays,
        dtype=dtype,
    )


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Draw populations of any kind that NIR can say, and any projections, loops among them."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    sizes = {name: draw(st.integers(1, 4)) for name in names}
    sources = [name for name in names if draw(st.integers(0, 2)) == 0]
    targets = [name for name in names if name not in sources]
    pairs = [(source, target) for source in names for target in targets]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=5)) if pairs else []
    populations = {}
    for name in names:
        arriving = any(target == name for _, target in chosen)
        neuron = draw(neurons(sizes[name], arriving=arriving)) if name in targets else None
        populations[name] = Population(sizes[name], neuron)
    projections = [
        Projection(
            source,
            target,
            draw(synapses(sizes[source], sizes[target])),
            delay=draw(st.sampled_from((1, 2, 255))),
            name=f"{source}->{target}" if index % 2 else f"p/{index}",
        )
        for index, (source, target) in enumerate(chosen)
    ]
    doubled = len({p.name for p in projections}) < len(projections)
    if doubled:
        projections = [
            Projection(p.source, p.target, p.synapses, delay=p.delay, name=f"{p.name} {i}")
            for i, p in enumerate(projections)
        ]
    some = st.lists(st.sampled_from(names), unique=True)
    return Network(populations, projections, inputs=draw(some), outputs=draw(some))


def assert_same(one: Network, two: Network) -> None:
    """Compare part by part, so that a failure says where; signs of zeros count."""
    assert list(one.populations) == list(two.populations)
    for name, population in one.populations.items():
        assert population == two.populations[name]
    assert (one.inputs, one.outputs) == (two.inputs, two.outputs)
    assert [p.name for p in one.projections] == [p.name for p in two.projections]
    for mine, theirs in zip(one.projections, two.projections, strict=True):
        assert mine == theirs
        assert bits_of(mine.synapses) == bits_of(theirs.synapses)


def bits_of(given: Synapses) -> bytes:
    weights: NDArray[Any] = np.ascontiguousarray(given.weights)
    return weights.tobytes()
