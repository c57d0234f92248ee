"""What NIR or we cannot say is named, all of it in one error; so are bad files."""

from __future__ import annotations

import itertools
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosparse.errors import BackendMissingError, ParameterError, StorageError
from neurosparse.interop import from_nir, to_nir
from neurosparse.network import (
    LIF,
    FixedPointLIF,
    Network,
    Population,
    Projection,
    Synapses,
)
from tests.interop.nir_nets import nir

TWO, DT = np.ones(2), 1e-4
ONE = Synapses.from_edges([0, 1], [0, 1], [0.5, -1.0], n_pre=2, n_post=2)


def lif(**fields: Any) -> Any:
    values = {"tau": 2 * DT * TWO, "r": 2 * TWO, "v_leak": 0 * TWO, "v_threshold": TWO}
    return nir.LIF(**{**values, **fields})


def cuba(**fields: Any) -> Any:
    values = {"tau_syn": 2 * DT * TWO, "tau_mem": 2 * DT * TWO, "r": 2 * TWO, "w_in": 2 * TWO}
    return nir.CubaLIF(**{**values, "v_leak": 0 * TWO, "v_threshold": TWO, **fields})


def chain(*nodes: Any) -> Any:
    """Return a graph of an Input, nodes in a row, named n0, n1, ..., and an Output, unchecked."""
    ends = (nir.Input(np.array([2])), nir.Output(np.array([2])))
    named = {"in": ends[0], **{f"n{i}": node for i, node in enumerate(nodes)}, "out": ends[1]}
    names = list(named)
    edges = [*itertools.pairwise(names)]
    return nir.NIRGraph(named, edges, type_check=False)


# ---------------------------------------------------------------------- in

KINDS = {
    "I": lambda: nir.I(TWO),
    "LI": lambda: nir.LI(TWO, TWO, TWO),
    "CubaLI": lambda: nir.CubaLI(TWO, TWO, TWO, TWO),
    "Conv1d": lambda: nir.Conv1d(2, np.ones((1, 1, 1)), 1, 0, 1, 1, np.ones(1)),
    "Conv2d": lambda: nir.Conv2d((1, 2), np.ones((1, 1, 1, 1)), 1, 0, 1, 1, np.ones(1)),
    "SumPool2d": lambda: nir.SumPool2d(TWO, TWO, TWO),
    "AvgPool2d": lambda: nir.AvgPool2d(TWO, TWO, TWO),
}
TAKEN = {"Affine", "CubaLIF", "Delay", "Flatten", "IF", "Input", "LIF", "Linear", "NIRGraph"}
TAKEN |= {"Output", "Scale", "Threshold"}


def test_every_kind_of_node_is_taken_or_refused_here() -> None:
    kinds = {name for name in nir.ir.__all__ if isinstance(getattr(nir, name), type)}
    assert kinds - {"NIRNode"} == TAKEN | set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_nodes(kind: str) -> None:
    message = rf"graph: cannot be converted: 1 problem\n  - node 'n1' \({kind}\) has no equivalent"
    with pytest.raises(ParameterError, match=message):
        from_nir(chain(nir.Linear(np.eye(2)), KINDS[kind](), lif()))


def test_all_of_them_in_one_message() -> None:
    with pytest.raises(ParameterError, match="graph: cannot be converted: 7 problems") as caught:
        from_nir(chain(*(make() for make in KINDS.values())))
    assert re.findall(r"node 'n\d' \((\w+)\)", str(caught.value)) == list(KINDS)


def test_kinds_in_subgraphs() -> None:
    with pytest.raises(ParameterError, match=r"node 'n1\.n0' \(LI\) has no equivalent; it"):
        from_nir(chain(nir.Linear(np.eye(2)), chain(KINDS["LI"]()), lif()))


PARAMETERS: dict[str, tuple[Any, str]] = {
    "tau": (lif(tau=DT / 2 * TWO), "node 'n1': tau: got 5e-05 s, shorter than a step"),
    "tau 0": (lif(tau=0 * TWO), "node 'n1': tau: got 0.0; allowed is > 0 s"),
    "no leak": (lif(tau=np.inf * TWO), "node 'n1': tau: got inf; .* NIR's IF has no leak"),
    "nan": (lif(v_leak=np.nan * TWO), "node 'n1': v_leak: got nan; every entry must be a finite"),
    "resistance": (lif(r=-TWO), r"node 'n1': r \(times w_in\): a gain of -0.5"),
    "threshold": (lif(v_threshold=-TWO), "node 'n1': vth: got -1.0; allowed is > 0"),
    "reset": (lif(v_reset=2 * TWO), "node 'n1': v_reset: .* must lie below vth=1.0"),
    "synapse": (
        cuba(tau_syn=np.array([2e-4, 3e-4])),
        "node 'n1': tau_syn differs between neurons; LIF.du is one number",
    ),
    "size": (
        nir.IF(np.ones(3), np.ones(3)),
        "node 'n1' has 3 neurons, but 2 values arrive from 'n0'",
    ),
}


@pytest.mark.parametrize(("node", "message"), PARAMETERS.values(), ids=PARAMETERS.keys())
def test_parameters_of_neurons(node: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        from_nir(chain(nir.Linear(np.eye(2)), node))


def test_a_bias_that_a_synaptic_filter_would_pass() -> None:
    with pytest.raises(ParameterError, match="node 'n1': the bias of an Affine passes the"):
        from_nir(chain(nir.Affine(np.eye(2), TWO), cuba()))


WAYS: dict[str, tuple[list[Any], str]] = {
    "two linear maps": (
        [nir.Linear(np.eye(2)), nir.Linear(np.eye(2)), lif()],
        r"node 'n1' \(Linear\): follows 'n0' without neurons between them; multiply the two",
    ),
    "readout": (
        [lif(), nir.Linear(np.eye(2))],
        r"node 'out' \(Output\): 'n1' leads to it; outputs are spikes of neurons",
    ),
    "late readout": (
        [lif(), nir.Delay(DT * TWO)],
        r"node 'out' \(Output\): 'a Scale or Delay' leads to it",
    ),
    "width": (
        [nir.Linear(np.eye(2)), nir.Scale(np.ones(3)), lif()],
        r"node 'n1' \(Scale\): takes 3 values, but 2 arrive",
    ),
    "axes": (
        [nir.Linear(np.ones((2, 2, 2))), lif()],
        r"node 'n0' \(Linear\): weight has 3 axes; allowed are 2",
    ),
    "part of a step": (
        [nir.Delay(1.5 * DT * TWO), nir.Linear(np.eye(2)), lif()],
        "node 'n1': a delay of 0.00015.* s; allowed are whole steps of dt=0.0001 s",
    ),
    "back in time": (
        [nir.Delay(-DT * TWO), nir.Linear(np.eye(2)), lif()],
        "node 'n1': a delay of -0.0001 s; allowed are whole steps",
    ),
    "long": (
        [nir.Delay(255 * DT * TWO), nir.Linear(np.eye(2)), lif()],
        "node 'n1': a delay of 256 steps; allowed are 255",
    ),
    "weights": (
        [nir.Linear(np.eye(2) * np.nan), lif()],
        "node 'n0': weights: 4 of 4 entries are not finite",
    ),
    "bias": (
        [nir.Affine(np.eye(2), np.ones(3)), lif()],
        "node 'n1': a bias of 3 entries for 2 neurons",
    ),
}


@pytest.mark.parametrize(("nodes", "message"), WAYS.values(), ids=WAYS.keys())
def test_ways(nodes: list[Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        from_nir(chain(*nodes))


def test_loops_and_loose_ends() -> None:
    flat = nir.Flatten({"input": np.array([2])}, start_dim=0)
    graph = chain(flat, lif())
    graph.edges.append(("n0", "n0"))
    with pytest.raises(ParameterError, match=r"node 'n0' \(Flatten\): a loop without neurons"):
        from_nir(graph)
    graph = chain(lif())
    graph.nodes["loose"] = nir.Linear(np.eye(2))
    with pytest.raises(ParameterError, match=r"node 'loose' \(Linear\) stands on no way from"):
        from_nir(graph)
    graph = chain(lif())
    graph.edges.append(("n0", "gone"))
    with pytest.raises(ParameterError, match="edge 'n0' -> 'gone': there is no node 'gone'"):
        from_nir(graph)
    with pytest.raises(ParameterError, match="there are no neurons and no Input"):
        from_nir(nir.NIRGraph({}, [], type_check=False))


def test_arguments() -> None:
    with pytest.raises(ParameterError, match="graph: got a int; expected nir"):
        from_nir(3)
    with pytest.raises(ParameterError, match="reset: got 'none'; allowed is 'zero' or 'subtract'"):
        from_nir(chain(lif()), reset="none")  # type: ignore[arg-type]


# ---------------------------------------------------------------------- out


def test_everything_that_nir_cannot_say_is_named() -> None:
    several = Synapses.from_edges([0, 0], [1, 1], 1.0, n_pre=2, n_post=2, multapses=True)
    network = Network(
        {
            "in": Population(2),
            "receptors": Population(2, LIF(du=(0.5, 0.25))),
            "refractory": Population(2, LIF(refractory=2)),
            "filter": Population(2, LIF(du=0.0)),
            "integrates": Population(2, LIF(du=0.5, dv=0.0)),
            "some": Population(2, LIF(dv=np.array([0.0, 0.5]))),
            "driven": Population(2, LIF(dv=0.0, bias=0.5)),
            "tiny": Population(2, LIF(dv=1e-310)),
        },
        [Projection("in", "receptors", several)],
    )
    with pytest.raises(ParameterError) as caught:
        to_nir(network)
    lines = str(caught.value).split("\n  - ")
    assert lines[0] == "network: cannot be converted: 8 problems"
    starts = [
        "population 'receptors': 2 receptors; NIR's CubaLIF has one synaptic filter",
        "population 'refractory': refractory=2; NIR's neurons have no refractory period",
        "population 'filter': du=0.0 is tau_syn=inf",
        "population 'integrates': dv=0 with du=0.5",
        "population 'some': dv is 0 for some neurons only",
        "population 'driven': bias=0.5 with dv=0 and no projection onto it",
        "population 'tiny': a decay is too small",
        "projection 'in->receptors': several synapses between a pair",
    ]
    for line, start in zip(lines[1:], starts, strict=True):
        assert line.startswith(start)


def test_integer_networks() -> None:
    network = Network({"in": Population(2), "out": Population(2, FixedPointLIF())})
    with pytest.raises(ParameterError, match="it is an integer network, and NIR's neurons are"):
        to_nir(network)
    with pytest.raises(ParameterError, match="network: got a str; expected Network"):
        to_nir("x")  # type: ignore[arg-type]


def test_a_refusal_writes_nothing(tmp_path: Path) -> None:
    network = Network({"in": Population(2), "out": Population(2, LIF(refractory=1))})
    with pytest.raises(ParameterError):
        to_nir(network, tmp_path / "x.nir")
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------------- files


def test_bad_files(tmp_path: Path) -> None:
    network = Network(
        {"in": Population(2), "out": Population(2, LIF())}, [Projection("in", "out", ONE)]
    )
    path = tmp_path / "x.nir"
    to_nir(network, path)
    whole = path.read_bytes()
    for n_bytes in (0, 7, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:n_bytes])
        with pytest.raises(StorageError, match="not a readable NIR file"):
            from_nir(path)
    for name in ("none.nir", "."):
        with pytest.raises(StorageError, match="no such file"):
            from_nir(tmp_path / name)


def test_foreign_hdf5_files(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "x.nir"
    for change in ({}, {"node": 3}, {"node/type": "Conv9d"}, {"node/type": "NIRGraph"}):
        with h5py.File(path, "w") as file:
            for name, value in change.items():
                file[name] = value
        with pytest.raises(StorageError, match=r"x\.nir: not a readable NIR file"):
            from_nir(path)
    nir.write(path, nir.Linear(np.eye(2)))
    with pytest.raises(StorageError, match=r"x\.nir: (holds a Linear|not a readable)"):
        from_nir(path)


def test_without_nir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "nir", None)
    network = Network({"in": Population(2), "out": Population(2, LIF())})
    message = re.escape(
        "NIR graphs need nir, which is not installed; pip install 'neurosparse[interop]'"
    )
    with pytest.raises(BackendMissingError, match=message):
        to_nir(network)
    with pytest.raises(BackendMissingError, match=message):
        from_nir(tmp_path / "x.nir")
