"""snnTorch's own converters at the other end: the same spikes either way."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import sys
import types
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

from neurosparse.interop import from_nir, to_nir
from neurosparse.network import LIF, Network, Population, Projection, Synapses
from tests.interop.nir_nets import nir
from tests.interop.snntorch_nets import build, random_spikes, run, settings, simulated, snn

HAS_NIRTORCH = importlib.util.find_spec("nirtorch") is not None
MARGIN = 1e-5  # of the threshold: snnTorch exports parameters in float32


@pytest.fixture(scope="module")
def converters() -> Any:
    """Return snnTorch's converters of single modules.

    They import nirtorch, which only traces torch modules to find out their order; where it is not
    installed an empty module stands in for it.
    """
    with pytest.MonkeyPatch.context() as patch:
        if not HAS_NIRTORCH:
            patch.setitem(sys.modules, "nirtorch", types.ModuleType("nirtorch"))
        from snntorch.export_nir import _extract_snntorch_module as write
        from snntorch.import_nir import _nir_to_snntorch_module as read

        yield types.SimpleNamespace(write=write, read=read)


@given(kind=st.sampled_from(["Leaky", "Synaptic", "RLeaky"]), data=st.data())
def test_what_snntorch_exports(converters: Any, kind: str, data: Any) -> None:
    """Resets in time, to zero: the only ones that NIR's equations have."""
    made = getattr(snn, kind)
    fixed = {"reset_mechanism": "zero", "reset_delay": False}
    options = data.draw(settings(made, **fixed))
    options["beta"] = min(options["beta"], 63 / 64)  # 1 is exported as tau = inf, r = inf
    seed = data.draw(st.integers(0, 2**16))
    modules = build(made, options, [5, 4, 3], 0.7, seed)
    for module in modules:
        if kind == "Synaptic" and isinstance(module, nn.Linear) and module.bias is not None:
            module.bias.data.zero_()  # which alpha = 0 allows; NIR's CubaLIF would filter it
    spikes = random_spikes((30, 2, 5), seed)
    trains = run(modules, spikes)
    assume(trains.margin > MARGIN)
    nodes = [converters.write(module) for module in modules]
    network = from_nir(nir.NIRGraph.from_list(*nodes, type_check=False))
    ours = simulated(network, spikes)
    for mine, theirs in zip(ours, trains.spikes, strict=True):
        np.testing.assert_array_equal(mine, theirs.detach().numpy())


def test_resets_by_subtraction_are_not_exported(converters: Any) -> None:
    module = snn.Leaky(beta=0.5, reset_mechanism="subtract", reset_delay=False)
    graph = nir.NIRGraph.from_list(
        nir.Linear(np.eye(2)), converters.write(module), type_check=False
    )
    resets = [
        from_nir(graph, reset=reset).populations["lif"].neuron.reset  # type: ignore[arg-type, union-attr]
        for reset in ("zero", "subtract")
    ]
    assert resets == ["zero", "subtract"]


def test_beta_of_1_is_refused(converters: Any) -> None:
    with np.errstate(divide="ignore"):
        node = converters.write(snn.Leaky(beta=1.0))
    with pytest.raises(ValueError, match=r"tau: got inf; .*; NIR's IF has no leak"):
        from_nir(nir.NIRGraph.from_list(nir.Linear(np.eye(2)), node, type_check=False))


@given(du=st.sampled_from((1.0, 0.5)), dv=st.integers(1, 64), seed=st.integers(0, 2**16))
def test_what_snntorch_imports(converters: Any, du: float, dv: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    bias = rng.normal(0.05, 0.05, 4) if du == 1 else 0.0
    network = Network(
        {
            "input": Population(6),
            "hidden": Population(4, LIF(du=du, dv=dv / 64, vth=0.75, bias=bias)),
            "out": Population(3, LIF(dv=0.25)),
        },
        [
            Projection("input", "hidden", draw(rng, 6, 4)),
            Projection("hidden", "out", draw(rng, 4, 3)),
        ],
    )
    nodes = to_nir(network).nodes
    with contextlib.redirect_stdout(io.StringIO()):  # where it warns of scales
        modules = [
            converters.read(nodes[name])
            for name in ("input_to_hidden", "hidden", "hidden_to_out", "out")
        ]
    for module in modules:
        module.double()
    spikes = random_spikes((30, 2, 6), seed)
    trains = run(modules, spikes)
    assume(trains.margin > MARGIN)
    for mine, theirs in zip(simulated(network, spikes), trains.spikes, strict=True):
        np.testing.assert_array_equal(mine, theirs.detach().numpy())


def draw(rng: np.random.Generator, n_pre: int, n_post: int) -> Synapses:
    weights = rng.normal(0.3, 0.5, (n_post, n_pre)).astype(np.float32)
    post, pre = np.nonzero(rng.random((n_post, n_pre)) < 0.6)
    return Synapses.from_edges(pre, post, weights[post, pre], n_pre=n_pre, n_post=n_post)


@pytest.mark.skipif(not HAS_NIRTORCH, reason="nirtorch is not installed")
def test_a_whole_network_through_nirtorch() -> None:
    """As a user writes it, traced; recurrent neurons come as graphs or flat."""
    from snntorch.export_nir import export_to_nir

    torch.manual_seed(3)
    options = {"reset_mechanism": "zero", "reset_delay": False, "init_hidden": True}
    net = nn.Sequential(
        nn.Linear(5, 4),
        snn.RLeaky(
            0.875 * torch.ones(4), threshold=0.5 * torch.ones(4), linear_features=4, **options
        ),
        nn.Linear(4, 3),
        snn.Leaky(0.75 * torch.ones(3), threshold=0.5 * torch.ones(3), **options),
    )
    with pytest.warns(DeprecationWarning, match="extract_nir_graph is being deprecated"):
        graph = export_to_nir(net, torch.rand(1, 5), ignore_dims=[0])
    network = from_nir(graph)
    assert [p.size for p in network.populations.values()] == [5, 4, 3]
    assert [p.synapses.n_active for p in network.projections] == [20, 16, 12]
