"""Our networks through NIR graphs and files: the same network comes back."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from neurosparse.errors import ParameterError, StorageError
from neurosparse.interop import from_nir, to_nir
from neurosparse.network import LIF, Network, Population, Projection, Synapses
from tests.interop.nir_nets import assert_same, networks, nir

ONE = Synapses.from_edges([0, 1], [0, 1], [0.5, -1.0], n_pre=2, n_post=2)


def written(network: Network, path: Path | None = None, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*reset by subtraction")
        return to_nir(network, path, **options)


def small(neuron: LIF, *, delay: int = 1, synapses: Synapses = ONE) -> Network:
    return Network(
        {"in": Population(2), "out": Population(2, neuron)},
        [Projection("in", "out", synapses, delay=delay)],
    )


@given(network=networks())
def test_graph_round_trip_is_the_identity(network: Network) -> None:
    assert_same(network, from_nir(written(network)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(network=networks())
def test_file_round_trip_is_the_identity(network: Network, tmp_path: Path) -> None:
    written(network, tmp_path / "x.nir", dt=1e-3)
    assert_same(network, from_nir(tmp_path / "x.nir"))
    nir.read(tmp_path / "x.nir", type_check=False)  # and NIR itself reads it


def test_nodes_of_every_kind() -> None:
    network = Network(
        {
            "in": Population(2),
            "leaky": Population(2, LIF(dv=0.25, vth=0.5, v_reset=-1.0)),
            "filtered": Population(2, LIF(du=0.5, dv=0.25, bias=0.5)),
            "integrating": Population(2, LIF(dv=0.0, bias=0.125)),
        },
        [
            Projection("in", "leaky", ONE),
            Projection("leaky", "filtered", ONE, delay=3),
            Projection("filtered", "integrating", ONE),
            Projection("integrating", "integrating", ONE),
        ],
        outputs=["integrating"],
    )
    nodes = to_nir(network, dt=0.001).nodes
    assert {name: type(node).__name__ for name, node in nodes.items()} == {
        "in": "Input",
        "leaky": "LIF",
        "filtered": "CubaLIF",
        "integrating": "IF",
        "in_to_leaky": "Linear",
        "leaky_to_filtered_delay": "Delay",
        "leaky_to_filtered": "Linear",
        "filtered_to_integrating": "Affine",
        "integrating_to_integrating": "Linear",
        "integrating_output": "Output",
    }
    leaky, filtered = nodes["leaky"], nodes["filtered"]
    np.testing.assert_array_equal(leaky.tau, [0.004, 0.004])
    np.testing.assert_array_equal(leaky.r, [4, 4])  # tau / dt: what arrives counts as it is
    np.testing.assert_array_equal(leaky.v_reset, [-1, -1])
    np.testing.assert_array_equal(filtered.tau_syn, [0.002, 0.002])
    np.testing.assert_array_equal(filtered.w_in, [2, 2])
    np.testing.assert_array_equal(filtered.v_leak, [2, 2])  # bias / dv
    np.testing.assert_array_equal(nodes["filtered_to_integrating"].bias, [0.125, 0.125])
    np.testing.assert_array_equal(nodes["leaky_to_filtered_delay"].delay, [0.002, 0.002])
    np.testing.assert_array_equal(nodes["in_to_leaky"].weight, [[0.5, 0], [0, -1]])


def test_reset_by_subtraction_is_noted_and_warned_of() -> None:
    network = small(LIF(reset="subtract"))
    with pytest.warns(UserWarning, match="network: 'out' reset by subtraction, which NIR"):
        graph = to_nir(network)
    assert_same(network, from_nir(graph))


def test_what_was_changed_in_the_graph_counts() -> None:
    network = Network(
        {
            "in": Population(2),
            "a": Population(2, LIF(dv=0.5, bias=0.25)),
            "b": Population(2, LIF(du=0.5, dv=0.5, reset="subtract")),
        },
        [Projection("in", "a", ONE), Projection("a", "b", ONE, delay=4, name="second")],
    )
    graph = written(network)
    graph.nodes["b"].v_threshold = np.array([2.0, 3.0])
    graph.nodes["in_to_a"].bias = np.zeros(2)
    graph.nodes["second"].weight = np.array([[0, 0.75], [0.5, 0]], dtype=np.float32)
    read = from_nir(graph)
    assert read.populations["a"].neuron == LIF(dv=0.5)
    assert read.populations["b"].neuron == LIF(
        du=0.5, dv=0.5, vth=np.array([2.0, 3.0]), reset="subtract"
    )
    second = read.projections[1]
    assert (second.name, second.delay) == ("second", 4)
    assert second.synapses.to_scipy().toarray().tolist() == [[0, 0.75], [0.5, 0]]


def test_nodes_that_were_added_or_removed() -> None:
    network = small(LIF(), delay=2)
    graph = written(network)
    nodes = {key: node for key, node in graph.nodes.items() if not key.endswith("_delay")}
    nodes["more"] = nir.Linear(np.eye(2))
    edges = [("in", "in_to_out"), ("in_to_out", "out"), ("out", "more"), ("more", "out")]
    edges.append(("out", "out_output"))
    read = from_nir(nir.NIRGraph(nodes, edges, metadata=graph.metadata))
    assert [(p.name, p.delay) for p in read.projections] == [("in->out", 1), ("out->out", 1)]
    assert (read.inputs, read.outputs) == (("in",), ("out",))


def test_step(tmp_path: Path) -> None:
    network = small(LIF(dv=0.5))
    written(network, tmp_path / "x.nir", dt=1e-3)
    assert_same(network, from_nir(tmp_path / "x.nir", dt=1e-3))
    with pytest.raises(ParameterError, match=r"dt: got 0\.0001; the graph was written with"):
        from_nir(tmp_path / "x.nir", dt=1e-4)
    for bad in (0, -1.0, float("nan"), "x"):
        with pytest.raises(ParameterError, match="dt: got"):
            to_nir(network, dt=bad)  # type: ignore[arg-type]
        with pytest.raises(ParameterError, match="dt: got"):
            from_nir(written(network), dt=bad)  # type: ignore[arg-type]


def test_notes_that_are_damaged() -> None:
    graph = written(small(LIF()))
    for notes, message in (
        ("{", "is not readable"),
        ("[]", "is not readable"),
        ('{"version": 1}', "is not readable"),
        ('{"version": 99}', "has version 99; this neurosparse reads 1"),
    ):
        graph.metadata["neurosparse"] = notes
        with pytest.raises(StorageError, match=message):
            from_nir(graph)
    del graph.metadata["neurosparse"]
    assert from_nir(graph).n_synapses == 2


def test_size_of_dense_matrices() -> None:
    many = Synapses.from_edges([0], [0], 1.0, n_pre=60_000, n_post=60_000)
    network = Network(
        {"in": Population(60_000), "out": Population(60_000, LIF())},
        [Projection("in", "out", many)],
    )
    with pytest.raises(ParameterError, match="its weights take 14,400,000,000 bytes as the dense"):
        to_nir(network)
    with pytest.raises(ParameterError, match="allowed are max_bytes=15"):
        to_nir(small(LIF()), max_bytes=15)
    assert to_nir(small(LIF()), max_bytes=16)
