"""A network of snnTorch and what is made of it give the same spikes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import prune

from neurosparse.errors import ParameterError
from neurosparse.interop import from_snntorch, network_from_snntorch
from neurosparse.network import LIF
from neurosparse.train import SparseLinear, SpikingClassifier, atan
from tests.interop.snntorch_nets import (
    build,
    random_spikes,
    run,
    settings,
    simulated,
    snn,
)

N_STEPS, BATCH = 12, 3
MARGIN = 1e-9  # far above the rounding of float64, in which all of this runs
KINDS = [snn.Leaky, snn.Synaptic, snn.RLeaky, snn.RSynaptic]


def trained(model: SpikingClassifier, x: Tensor) -> list[Tensor]:
    with torch.no_grad():
        trains = model.double().spikes(x)
    first = 0 if model.input_neurons is not None else 1
    return [train.to_tensor(torch.float64) for train in trains[first:]]


def assert_same(
    modules: list[nn.Module], x: Tensor, *, trainer: bool = True, exact: bool = True
) -> None:
    """Spikes of snnTorch, of the Network in the simulator and of the trainer's layers.

    ``exact`` says that all numbers have so few bits that nothing is rounded in float64.
    """
    theirs = run(modules, x)
    assert exact or theirs.margin > MARGIN
    assert not theirs.twice
    for ours, spikes in zip(
        simulated(network_from_snntorch(nn.Sequential(*modules)), x), theirs.spikes, strict=True
    ):
        np.testing.assert_array_equal(ours, spikes.detach().numpy())
    if trainer:
        model = from_snntorch(nn.Sequential(*modules))
        for ours, spikes in zip(trained(model, x), theirs.spikes, strict=True):
            assert torch.equal(ours, spikes)


def has_late_reset_the_trainer_lacks(kind: Any, options: dict[str, Any]) -> bool:
    late = options["reset_delay"] or kind is snn.RSynaptic
    if options["reset_mechanism"] == "zero":
        return late and kind is not snn.Leaky
    return late and options["beta"] < 1 and options.get("alpha", 0) > 0


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
def test_same_spikes(kind: Any, data: st.DataObject) -> None:
    options = data.draw(settings(kind))
    modules = build(
        kind,
        options,
        data.draw(st.lists(st.integers(1, 8), min_size=2, max_size=4)),
        density=data.draw(st.floats(0, 1)),
        seed=data.draw(st.integers(0, 2**31)),
    )
    x = random_spikes((N_STEPS, BATCH, modules[0].in_features), seed=1)
    assume(run(modules, x).margin > MARGIN)
    lacks = has_late_reset_the_trainer_lacks(kind, options)
    assert_same(modules, x, trainer=not lacks, exact=False)
    if lacks:
        with pytest.raises(ParameterError, match="which the trainer's layers do not have"):
            from_snntorch(nn.Sequential(*modules))


@pytest.mark.parametrize("reset_delay", [True, False])
@pytest.mark.parametrize("reset", ["zero", "subtract"])
@pytest.mark.parametrize("kind", KINDS)
def test_networks_that_are_busy(kind: Any, reset: str, reset_delay: bool) -> None:
    """The same as above, of a size and with rates that show a difference if there is one."""
    options = {
        "beta": 0.75,
        "threshold": 1.0,
        "reset_mechanism": reset,
        "reset_delay": reset_delay,
    }
    if kind in (snn.Synaptic, snn.RSynaptic):
        options["alpha"] = 0.5
    modules = build(kind, options, [20, 30, 15], density=0.5, seed=2)
    x = random_spikes((N_STEPS, 8, 20), seed=3, rate=0.8)
    theirs = run(modules, x)
    for train in theirs.spikes:
        assert 0.02 < train.mean() < 0.9
    assert_same(modules, x, trainer=not has_late_reset_the_trainer_lacks(kind, options))


@pytest.mark.parametrize("kind", [snn.Leaky, snn.Synaptic])
def test_parameters_per_neuron(kind: Any) -> None:
    options = {
        "beta": torch.tensor([0.25, 0.5, 0.75, 1.0, 0.0]),
        "threshold": torch.tensor([[1.0, 1.25, 0.75, 1.5, 1.0]]),
        "reset_mechanism": "zero",
        "reset_delay": False,
        **({"alpha": torch.full((5,), 0.5)} if kind is snn.Synaptic else {}),
    }
    linear = nn.Linear(6, 5, bias=False).double()
    linear.weight.data = torch.round(64 * linear.weight.data) / 16
    modules = [linear, kind(**options).double()]
    assert_same(modules, random_spikes((N_STEPS, 4, 6), seed=4))
    network = network_from_snntorch(nn.Sequential(*modules))
    assert network.populations["output"].neuron == LIF(
        du=0.5 if kind is snn.Synaptic else 1,
        dv=[0.75, 0.5, 0.25, 0, 1],
        vth=[1.0, 1.25, 0.75, 1.5, 1.0],
    )


@pytest.mark.parametrize("value", [0.75, torch.tensor([0.5, -0.25, 0.0, 1.0])])
@pytest.mark.parametrize("kind", [snn.RLeaky, snn.RSynaptic])
def test_one_to_one_recurrence(kind: Any, value: Any) -> None:
    options = {"beta": 1.0, "V": value, "all_to_all": False}
    options |= {"alpha": 0.5} if kind is snn.RSynaptic else {}
    linear = nn.Linear(5, 4, bias=False).double()
    linear.weight.data = torch.round(64 * linear.weight.data) / 32
    modules = [linear, kind(**options).double()]
    # a plain attribute when it is not learned, which .double() passes over
    assert_same(modules, random_spikes((N_STEPS, 4, 5), seed=4))
    own = from_snntorch(nn.Sequential(*modules)).layers[0].neurons.recurrent
    expected = np.broadcast_to(np.asarray(value, np.float32), 4)
    np.testing.assert_array_equal(own.keys(), np.flatnonzero(expected) * 5)
    np.testing.assert_array_equal(own.weight.detach(), expected[expected != 0])


def test_biases_of_both_layers_of_a_recurrent_neuron_add_up() -> None:
    options = {"beta": 0.5, "threshold": 1.0, "reset_mechanism": "subtract", "reset_delay": True}
    modules = build(snn.RLeaky, options, [6, 5, 4], density=0.6, seed=1)
    for module in modules[1::2]:
        module.recurrent.bias.data += 0.125
    assert_same(modules, random_spikes((N_STEPS, 4, 6), seed=4))
    bias = from_snntorch(nn.Sequential(*modules)).layers[0].neurons.neuron.bias
    np.testing.assert_array_equal(bias, modules[0].bias.detach() + 0.125)


def test_snntorchs_defaults() -> None:
    """As in its tutorials, in float32: subtract, resets one step late, nn.Linear with bias."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = nn.Linear(30, 40)
            self.lif1 = snn.Leaky(beta=0.95)
            self.fc2 = nn.Linear(40, 10)
            self.lif2 = snn.Leaky(beta=0.95)

    torch.manual_seed(0)
    net = Net()
    x = random_spikes((25, 8, 30), seed=2).float()
    theirs = run([net.fc1, net.lif1, net.fc2, net.lif2], x)
    assert theirs.margin > 1e-6
    with torch.no_grad():
        ours = from_snntorch(net).spikes(x)[1:]
    for mine, other in zip(ours, theirs.spikes, strict=True):
        assert torch.equal(mine.to_tensor(), other)
        assert 0.01 < other.mean() < 0.9


def test_first_neurons_take_currents() -> None:
    linear = nn.Linear(6, 4, bias=False).double()
    linear.weight.data = torch.round(64 * linear.weight.data) / 32
    late = {"beta": 0.5, "reset_mechanism": "zero"}
    modules = [snn.Leaky(**late).double(), linear, snn.Leaky(**late).double()]
    x = torch.randint(0, 64, (N_STEPS, 3, 6), generator=torch.Generator().manual_seed(1)) / 32
    assert_same(modules, x.double())


# ---------------------------------------------------------------------- what is read


def nested() -> nn.Module:
    class Block(nn.Module):
        def __init__(self, n_pre: int, n_post: int) -> None:
            super().__init__()
            self.linear = nn.Linear(n_pre, n_post, bias=False)
            self.neurons = snn.Leaky(0.5, reset_mechanism="zero")

    return nn.Sequential(
        nn.Flatten(),
        Block(6, 5),
        nn.Sequential(nn.Dropout(0.5), nn.ModuleList([Block(5, 4), nn.Identity(), Block(4, 3)])),
    )


def test_nested_modules_and_those_that_do_nothing() -> None:
    assert from_snntorch(nested()).sizes == (6, 5, 4, 3)


def pruned(how: str) -> nn.Sequential:
    torch.manual_seed(1)
    net = nn.Sequential(
        nn.Linear(20, 15), snn.Leaky(0.5), nn.Linear(15, 5), snn.RLeaky(0.5, linear_features=5)
    )
    recurrent: nn.Linear = net[3].recurrent
    if how == "global":
        targets = [(net[0], "weight"), (net[2], "weight"), (recurrent, "weight")]
        prune.global_unstructured(targets, pruning_method=prune.L1Unstructured, amount=0.7)
        return net
    method = prune.l1_unstructured if how == "l1" else prune.random_unstructured
    for layer in (net[0], net[2], recurrent):
        method(layer, "weight", amount=0.7)
        if how == "twice":
            prune.l1_unstructured(layer, "weight", amount=0.5)
    return net


@pytest.mark.parametrize("removed", [False, True])
@pytest.mark.parametrize("how", ["l1", "random", "global", "twice"])
def test_pruned_weights_are_no_synapses(how: str, removed: bool) -> None:
    net = pruned(how)
    recurrent: nn.Linear = net[3].recurrent
    layers = [net[0], net[2], recurrent]
    if removed:
        for layer in layers:
            prune.remove(layer, "weight")
    model = from_snntorch(net)
    connections = [model.layers[0].connection, model.layers[1].connection]
    for layer, connection in zip(layers, connections, strict=False):
        assert isinstance(connection, SparseLinear)
        dense = connection.to_synapses().to_scipy().toarray()
        np.testing.assert_array_equal(dense, layer.weight.detach())
        assert connection.n_active == np.count_nonzero(layer.weight.detach())
    # the late reset is a synapse of every neuron onto itself, added to what there is
    own = model.layers[1].neurons.recurrent.to_synapses().to_scipy().toarray()
    np.testing.assert_allclose(own, recurrent.weight.detach() - 0.5 * torch.eye(5), atol=1e-7)
    expected = torch.count_nonzero(recurrent.weight.detach() - 0.5 * torch.eye(5))
    assert model.layers[1].neurons.recurrent.n_active == expected


def test_a_mask_says_what_a_synapse_is_even_if_its_weight_is_zero() -> None:
    net = nn.Sequential(nn.Linear(4, 3, bias=False), snn.Leaky(0.5, reset_mechanism="zero"))
    net[0].weight.data[0, 0] = 0.0
    assert from_snntorch(net).layers[0].connection.n_active == 11
    mask = torch.zeros(3, 4)
    mask[:2, :2] = 1
    prune.custom_from_mask(net[0], "weight", mask)
    assert from_snntorch(net).layers[0].connection.keys().tolist() == [0, 1, 4, 5]


def test_pruned_weights_are_read_as_they_will_be_used() -> None:
    """``weight`` is brought up to date at the next call only, after a step of the optimiser."""
    net = nn.Sequential(nn.Linear(4, 3, bias=False), snn.Leaky(0.5, reset_mechanism="zero"))
    prune.l1_unstructured(net[0], "weight", amount=6)
    with torch.no_grad():
        net[0].weight_orig += 1
    connection = from_snntorch(net).layers[0].connection
    net[0](torch.zeros(1, 4))
    dense = connection.to_synapses().to_scipy().toarray()
    np.testing.assert_array_equal(dense, net[0].weight.detach())


def test_all_weights_pruned() -> None:
    net = nn.Sequential(nn.Linear(4, 3, bias=False), snn.Leaky(0.5, reset_mechanism="zero"))
    net[0].weight.data.zero_()
    model = from_snntorch(net)
    assert model.layers[0].connection.n_active == 0
    assert not model(torch.ones(5, 2, 4)).any()
    assert model.to_network().n_synapses == 0


def test_a_sparse_linear_is_taken_as_it_is() -> None:
    sparse = SparseLinear(6, 4, n_active=7, bias=True)
    sparse.bias.data[:] = torch.arange(4) / 4
    layer = from_snntorch(nn.Sequential(sparse, snn.Leaky(0.5, reset_mechanism="zero"))).layers[0]
    assert layer.connection.to_synapses() == sparse.to_synapses()
    assert layer.connection is not sparse
    np.testing.assert_array_equal(layer.neurons.neuron.bias, [0, 0.25, 0.5, 0.75])


def test_settings_that_only_concern_the_calling_do_not_matter() -> None:
    plain = {"beta": 0.5, "reset_mechanism": "zero"}
    net = nn.Sequential(
        nn.Linear(4, 3, bias=False),
        snn.Leaky(**plain, init_hidden=True, learn_beta=True, learn_threshold=True),
        nn.Linear(3, 2, bias=False),
        snn.Leaky(**plain, init_hidden=True, output=True, surrogate_disable=True),
    )
    net[1].beta.data += 0.25
    net[1].threshold.data += 1
    model = from_snntorch(net)
    assert model.layers[0].neurons.neuron == LIF(dv=0.25, vth=2)
    assert model.layers[0].neurons.surrogate is net[1].spike_grad
    assert model.layers[1].neurons.neuron == LIF(dv=0.5)
    model(torch.ones(5, 2, 4)).sum().backward()  # a surrogate that is disabled has no derivative
    assert model.layers[0].connection.weight.grad is not None
    mine = atan()
    assert from_snntorch(net, surrogate=mine).layers[0].neurons.surrogate is mine


def test_decays_are_clipped_as_snntorch_does() -> None:
    net = nn.Sequential(nn.Linear(4, 3, bias=False), snn.Synaptic(1.5, 1.25, reset_delay=True))
    assert from_snntorch(net).layers[0].neurons.neuron == LIF(du=0, dv=0, reset="subtract")


def test_the_network_is_the_same_as_of_the_classifier_where_there_is_one() -> None:
    net = nn.Sequential(
        nn.Linear(6, 5), snn.Leaky(0.5), nn.Linear(5, 4), snn.RLeaky(0.5, linear_features=4)
    )
    one, two = from_snntorch(net).to_network(), network_from_snntorch(net)
    assert dict(one.populations) == dict(two.populations)
    assert one.projections == two.projections
    assert (one.inputs, one.outputs) == (two.inputs, two.outputs)


def test_nothing_is_shared_or_changed() -> None:
    net = pruned("l1")
    before = {name: value.clone() for name, value in net.state_dict().items()}
    model = from_snntorch(net)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 1
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_what_is_made_can_be_trained_on() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 20), snn.Leaky(0.9), nn.Linear(20, 3), snn.Leaky(0.9))
    prune.l1_unstructured(net[0], "weight", amount=0.5)
    model = from_snntorch(net)
    x, labels = random_spikes((15, 12, 8), seed=1).float(), torch.arange(12) % 3
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
