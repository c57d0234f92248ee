"""Graphs that others write: the same spikes as NIR's equations under forward Euler."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from neurosparse.interop import from_nir
from neurosparse.network import LIF, Network
from neurosparse.simulate import simulate
from tests.interop.nir_nets import nir

DT = 1e-4
N_STEPS = 60
MARGIN = 1e-9  # of the unit of weights: what float64 sums of other orders differ by is far below
Vector = NDArray[np.float64]


def euler(node: Any) -> Callable[[Vector], tuple[Vector, Vector]]:
    """Return the step of a node: what arrives -> spikes, distance to the threshold."""
    kind = type(node).__name__
    if kind == "Threshold":
        return lambda a: (a > node.threshold, np.abs(a - node.threshold))
    size = node.v_threshold.size
    state = {"i": np.zeros(size), "v": np.zeros(size)}

    def step(a: Vector) -> tuple[Vector, Vector]:
        if kind == "CubaLIF":
            state["i"] += DT / node.tau_syn * (-state["i"] + node.w_in * a)
            current, tau = state["i"], node.tau_mem
        else:
            current, tau = a, getattr(node, "tau", None)
        if tau is None:
            state["v"] = state["v"] + node.r * current
        else:
            state["v"] = state["v"] + DT / tau * (node.v_leak - state["v"] + node.r * current)
        fired = state["v"] > node.v_threshold
        away = np.abs(state["v"] - node.v_threshold)
        state["v"] = np.where(fired, node.v_reset, state["v"])
        return fired, away

    return step


@st.composite
def neurons(draw: st.DrawFn, kind: str, size: int) -> Any:
    def vector(low: float, high: float) -> Vector:
        values = st.floats(low, high, allow_nan=False)
        return np.array(draw(st.lists(values, min_size=size, max_size=size)))

    if kind == "Threshold":
        return nir.Threshold(vector(0.1, 2))
    common = {"r": vector(0.5, 20), "v_threshold": vector(0.5, 3), "v_reset": vector(-1, 0.4)}
    if kind == "IF":
        return nir.IF(**common)
    common["v_leak"] = vector(-1, 1)
    if kind == "LIF":
        return nir.LIF(tau=vector(DT, 50 * DT), **common)
    tau_syn = np.full(size, draw(st.floats(DT, 30 * DT)))
    return nir.CubaLIF(tau_syn=tau_syn, tau_mem=vector(DT, 50 * DT), w_in=vector(0.5, 9), **common)


@given(
    kinds=st.lists(st.sampled_from(["LIF", "CubaLIF", "IF", "Threshold"]), min_size=3, max_size=3),
    data=st.data(),
    seed=st.integers(0, 2**32 - 1),
)
def test_random_graphs_run_as_the_equations(kinds: list[str], data: Any, seed: int) -> None:
    """A chain of three, each with synapses onto itself, a skip, and delays; biases where allowed.

    In the equations nothing but delays and loops takes time.
    """
    rng = np.random.default_rng(seed)
    sizes = [4, 3, 5, 2]
    pops = [data.draw(neurons(kind, n)) for kind, n in zip(kinds, sizes[1:], strict=True)]
    forward = [rng.normal(0.3, 1.0, (n, m)) for m, n in itertools.pairwise(sizes)]
    own = [rng.normal(0, 0.4, (n, n)) for n in sizes[1:]]
    biases = [
        np.zeros(n) if kind == "CubaLIF" else rng.normal(0, 0.1, n)
        for kind, n in zip(kinds, sizes[1:], strict=True)
    ]
    skip, lag = rng.normal(0, 0.5, (2, 3)), 2  # from the first population to the last
    nodes: dict[str, Any] = {"in": nir.Input(np.array([4])), "end": nir.Output(np.array([2]))}
    edges = [("p2", "end"), ("p0", "lag"), ("lag", "skip"), ("skip", "p2")]
    nodes |= {"lag": nir.Delay(np.full(3, lag * DT)), "skip": nir.Linear(skip)}
    for k, node in enumerate(pops):
        nodes |= {f"p{k}": node, f"w{k}": nir.Affine(forward[k], biases[k])}
        nodes[f"r{k}"] = nir.Linear(own[k])
        before = f"p{k - 1}" if k else "in"
        edges += [(before, f"w{k}"), (f"w{k}", f"p{k}"), (f"p{k}", f"r{k}"), (f"r{k}", f"p{k}")]
    network = from_nir(nir.NIRGraph(nodes, edges))
    assert network.depths == {"in": 0, "p0": 1, "p1": 2, "p2": 3}

    given_spikes = (rng.random((N_STEPS, 4)) < 0.5).astype(np.uint8)
    steps = [euler(node) for node in pops]
    trains = [np.zeros((N_STEPS, n), dtype=np.uint8) for n in sizes[1:]]
    margin = np.inf
    for t in range(N_STEPS):
        signal = given_spikes[t]
        for k, step in enumerate(steps):
            a = forward[k] @ signal + biases[k]
            a = a + (own[k] @ trains[k][t - 1] if t else 0)
            if k == 2 and t >= lag:
                a = a + skip @ trains[0][t - lag]
            fired, away = step(a)
            trains[k][t] = signal = fired
            margin = min(margin, float(away.min()))
    assume(margin > MARGIN)
    assert_spikes(network, given_spikes, {f"p{k}": train for k, train in enumerate(trains)})


def assert_spikes(network: Network, spikes: Any, expected: dict[str, Any]) -> None:
    """Compare; every population starts from rest when the first spikes can reach it.

    What a bias made spike before that would still arrive: such cases are none.
    """
    n_steps = len(spikes) + network.latency
    done = simulate(network, {"in": spikes}, n_steps, dtype=np.float64, reset_every=n_steps)
    for name, depth in network.depths.items():
        assume(not done.spikes[name].raster()[:depth].any())
    for name, train in expected.items():
        depth = network.depths[name]
        raster = done.spikes[name].raster()[depth : depth + len(spikes)]
        np.testing.assert_array_equal(raster, train)


def lif(size: int, **fields: Any) -> Any:
    """Return neurons whose gain is 1 and whose dv is 0.5."""
    values = {"tau": 2 * DT, "r": 2.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0}
    return nir.LIF(**{key: np.full(size, value) for key, value in {**values, **fields}.items()})


def graph(nodes: dict[str, Any], *ways: str, **options: Any) -> Any:
    """Return a graph of ways written as ``"a b c"``."""
    edges = [pair for way in ways for pair in itertools.pairwise(way.split())]
    return nir.NIRGraph(nodes, list(dict.fromkeys(edges)), **options)


def matrix(network: Network, index: int = 0) -> list[list[float]]:
    return network.projections[index].synapses.to_scipy().toarray().tolist()  # type: ignore[no-any-return]


IN, OUT = nir.Input(np.array([2])), nir.Output(np.array([2]))


def test_subgraphs_are_put_in_their_place() -> None:
    inner = graph(
        {"input": IN, "lif": lif(2), "w_rec": nir.Linear(np.eye(2)), "output": OUT},
        "input lif w_rec lif output",
    )
    outer = graph({"in": IN, "w": nir.Linear(np.eye(2)), "1": inner, "out": OUT}, "in w 1 out")
    network = from_nir(outer)
    assert list(network.populations) == ["in", "1.lif"]
    assert [p.name for p in network.projections] == ["in->1.lif", "1.lif->1.lif"]
    assert network.outputs == ("1.lif",)


def test_scales_flattens_and_delays_of_single_values() -> None:
    network = from_nir(
        graph(
            {
                "in": nir.Input(np.array([1, 2])),
                "flat": nir.Flatten({"input": np.array([1, 2])}, start_dim=0),
                "before": nir.Scale(np.array([2.0, 3.0])),
                "d1": nir.Delay(np.array([0.0, DT])),
                "w": nir.Linear(np.array([[1.0, 2.0], [3.0, 4.0]])),
                "after": nir.Scale(np.array([1.0, -1.0])),
                "d2": nir.Delay(np.array([0.0, 5 * DT])),
                "lif": lif(2),
                "out": OUT,
            },
            "in flat before d1 w after d2 lif out",
        )
    )
    assert matrix(network) == [[2, 6], [-6, -12]]
    assert network.projections[0].synapses.delays.tolist() == [1, 2, 6, 7]  # type: ignore[union-attr]


def test_neurons_after_neurons_are_connected_one_to_one() -> None:
    network = from_nir(graph({"in": IN, "a": lif(2), "b": lif(2), "out": OUT}, "in a b out"))
    assert list(network.populations) == ["a", "b"]
    assert network.inputs == ("a",)  # driven by currents
    assert matrix(network) == [[1, 0], [0, 1]]


def test_an_input_of_several_is_a_source_of_spikes() -> None:
    network = from_nir(
        graph({"in": IN, "a": lif(2), "b": lif(2), "out": OUT}, "in a out", "in b out")
    )
    assert network.inputs == ("in",)
    assert network.outputs == ("a", "b")
    assert [matrix(network, k) for k in (0, 1)] == [[[1, 0], [0, 1]]] * 2


def test_several_linear_nodes_between_the_same_two() -> None:
    weights = {"w1": nir.Linear(np.eye(2)), "w2": nir.Linear(2 * np.eye(2))}
    network = from_nir(
        graph({"in": IN, **weights, "a": lif(2), "out": OUT}, "in w1 a out", "in w2 a")
    )
    assert [p.name for p in network.projections] == ["in->a", "in->a w2"]


def test_a_linear_node_of_two_sources_has_its_bias_once() -> None:
    affine = nir.Affine(np.eye(2), np.array([0.25, 0.5]))
    network = from_nir(graph({"in": IN, "w": affine, "a": lif(2), "out": OUT}, "in w a w", "a out"))
    assert [p.name for p in network.projections] == ["in->a", "a->a"]
    np.testing.assert_array_equal(network.populations["a"].neuron.bias, [0.25, 0.5])  # type: ignore[union-attr]


def test_loops_across_populations_are_warned_of() -> None:
    weights = {f"w{k}": nir.Linear(np.eye(2)) for k in range(3)}
    given_graph = graph(
        {"in": IN, **weights, "a": lif(2), "b": lif(2), "out": OUT}, "in w0 a w1 b w2 a", "b out"
    )
    with pytest.warns(UserWarning, match="graph: 'a', 'b' form loops across populations"):
        network = from_nir(given_graph)
    assert [p.delay for p in network.projections] == [1, 1, 1]


def test_parameters_of_one_number_and_of_float32(tmp_path: Path) -> None:
    # as snnTorch writes neurons that share their parameters; beta = 0.9
    tau = np.float32(DT) / (1 - np.float32(0.9))
    neuron = nir.LIF(
        tau=np.array(tau),
        r=np.array(tau / np.float32(DT)),
        v_leak=np.array(0, dtype=np.float32),
        v_threshold=np.array(1, dtype=np.float32),
    )
    linear = nir.Linear(np.ones((3, 2), dtype=np.float32))
    single = nir.NIRGraph.from_list(linear, neuron, type_check=False)
    nir.write(tmp_path / "x.nir", single, compression=None)
    for given_graph in (single, tmp_path / "x.nir"):
        network = from_nir(given_graph)
        found = network.populations["lif"]
        assert found.size == 3
        assert isinstance(found.neuron, LIF)
        assert found.neuron.vth == 1.0
        assert found.neuron.dv == pytest.approx(0.1, rel=1e-6)
        assert network.projections[0].synapses.dtype == np.float32


def test_reset_by_subtraction_on_request() -> None:
    given_graph = nir.NIRGraph.from_list(nir.Linear(np.eye(2)), lif(2))
    neurons_of = [
        from_nir(given_graph, reset=reset).populations["lif"].neuron  # type: ignore[arg-type]
        for reset in ("zero", "subtract")
    ]
    assert neurons_of == [LIF(dv=0.5), LIF(dv=0.5, reset="subtract")]


def test_a_step_of_another_length() -> None:
    neuron = lif(2, tau=0.01, r=10.0, v_leak=0.5)
    network = from_nir(nir.NIRGraph.from_list(nir.Linear(np.eye(2)), neuron), dt=0.001)
    assert network.populations["lif"].neuron == LIF(dv=0.1, bias=0.05)


@pytest.mark.parametrize("steps", [1, 24, 100, 254])
def test_delays_in_single_precision(steps: int) -> None:
    ones = np.ones(2)
    lif = nir.LIF(tau=ones * 1e-2, r=ones, v_leak=0 * ones, v_threshold=ones)
    delay = nir.Delay(np.full(2, steps * DT, dtype=np.float32))
    parts = [nir.Input(np.array([2])), delay, nir.Linear(np.eye(2)), lif, nir.Output(np.array([2]))]
    network = from_nir(nir.NIRGraph.from_list(*parts), dt=DT)
    assert network.projections[0].max_delay == 1 + steps
