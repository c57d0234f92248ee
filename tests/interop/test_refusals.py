"""What has no equivalent is named, all of it in one error."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from neurosparse.errors import BackendMissingError, ParameterError
from neurosparse.interop import from_snntorch, network_from_snntorch, to_snntorch
from neurosparse.network import LIF
from neurosparse.train import (
    LIFLayer,
    SparseLinear,
    SpikingClassifier,
    SpikingLayer,
    sparse_classifier,
)
from tests.interop.snntorch_nets import N_STATES, build, random_spikes, run, snn

READERS = [from_snntorch, network_from_snntorch]


def linear(n_pre: int = 4, n_post: int = 3, **options: Any) -> nn.Linear:
    return nn.Linear(n_pre, n_post, **{"bias": False, **options})


def leaky(**options: Any) -> nn.Module:
    return snn.Leaky(**{"beta": 0.5, "reset_mechanism": "zero", **options})


def changed(module: Any, **values: Any) -> Any:
    for name, value in values.items():
        setattr(module, name, value)
    return module


SETTINGS: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "state_quant": (lambda: leaky(state_quant=lambda x: x), "state_quant: has no equivalent"),
    "graded": (lambda: leaky(graded_spikes_factor=2.0), "graded_spikes_factor other than 1"),
    "none": (lambda: leaky(reset_mechanism="none"), "reset_mechanism='none': has no equivalent"),
    "changed reset": (
        lambda: changed(leaky(), reset_mechanism="subtract"),
        "reset_mechanism='subtract' was set after the neuron was made, which goes on with 'zero'",
    ),
    "surrogate": (lambda: leaky(spike_grad=torch.sigmoid), "spike_grad: does not return 1 where"),
    "fires at threshold": (
        lambda: leaky(spike_grad=lambda x: (x >= 0).float()),
        "spike_grad: does not return 1 where",
    ),
    "beta of others": (
        lambda: leaky(beta=torch.ones(4) / torch.arange(1, 5)),
        "beta has 4 entries",
    ),
    "beta by column": (
        lambda: leaky(beta=torch.tensor([[0.1], [0.2], [0.3]])),
        r"beta has shape \(3, 1\); expected one number or \(3,\)",
    ),
    "beta not a number": (lambda: leaky(beta=float("nan")), "dv: 1 of 1 entries are not finite"),
    "threshold": (lambda: leaky(threshold=0.0), "vth: got 0.0; allowed is > 0"),
    "alpha": (
        lambda: snn.Synaptic(torch.tensor([0.1, 0.2, 0.3]), 0.5, reset_delay=False),
        "alpha differs between neurons; LIF.du is one number",
    ),
    "V": (
        lambda: snn.RLeaky(0.5, all_to_all=False, V=torch.ones(2) / torch.arange(1, 3)),
        "V has 2 entries for 3 neurons",
    ),
    "V not finite": (
        lambda: snn.RLeaky(0.5, all_to_all=False, V=float("inf")),
        "V holds numbers that are not finite",
    ),
    "linear_features": (
        lambda: snn.RLeaky(0.5, linear_features=5),
        "linear_features=5, but there are 3 neurons",
    ),
    "conv2d_channels": (
        lambda: snn.RLeaky(0.5, conv2d_channels=2, kernel_size=3),
        r"recurrent: Conv2d has no equivalent; expected nn.Linear",
    ),
    "recurrent bias": (
        lambda: snn.RSynaptic(0.5, 1.0, linear_features=3),
        "the bias of a linear layer passes the synaptic filter of snn.RSynaptic",
    ),
    "Lapicque": (
        lambda: snn.Lapicque(beta=0.5),
        "the neuron Lapicque has no equivalent; allowed are snn.Leaky, snn.Synaptic, snn.RLeaky",
    ),
    "Alpha": (lambda: snn.Alpha(alpha=0.9, beta=0.8), "the neuron Alpha has no equivalent"),
    "SLSTM": (lambda: snn.SLSTM(3, 3), "the neuron SLSTM has no equivalent"),
    "subclass": (
        lambda: type("Mine", (snn.Leaky,), {})(0.5),
        "the neuron Mine has no equivalent; allowed are .* themselves",
    ),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(("neuron", "message"), SETTINGS.values(), ids=SETTINGS.keys())
def test_settings_of_neurons(
    neuron: Callable[[], nn.Module], message: str, reader: Callable[[nn.Module], object]
) -> None:
    net = nn.Sequential(linear(), neuron())
    where = r"module: cannot be converted: 1 problem\n  - 1[.:].*"
    with pytest.raises(ParameterError, match=where + message):
        reader(net)


def test_inhibition() -> None:
    with pytest.warns(UserWarning, match="unstable"):
        net = nn.Sequential(linear(), leaky(inhibition=True))
    with pytest.raises(ParameterError, match="1: inhibition=True: that only the highest membrane"):
        from_snntorch(net)


STRUCTURES: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "nothing": (lambda: nn.Sequential(), "no nn.Linear with spiking neurons after it was found"),
    "neurons only": (leaky, "no nn.Linear with spiking neurons after it was found"),
    "linear only": (linear, "module: no spiking neurons follow it; put snn.Leaky after it"),
    "linear last": (
        lambda: nn.Sequential(linear(), leaky(), linear(3, 2)),
        "2: no spiking neurons follow it",
    ),
    "two linear": (
        lambda: nn.Sequential(linear(), linear(3, 2), leaky()),
        "0: no spiking neurons follow it",
    ),
    "two neurons": (
        lambda: nn.Sequential(linear(), leaky(), leaky()),
        "2: no linear layer leads to it",
    ),
    "used twice": (
        lambda: nn.Sequential(linear(), (lif := leaky()), linear(3, 2), lif),
        "2: no spiking neurons follow it; .* used twice counts once",
    ),
    "sizes": (
        lambda: nn.Sequential(linear(), leaky(), linear(2, 2), leaky()),
        "2: in_features=2 after 3 neurons",
    ),
    "lazy": (lambda: nn.Sequential(nn.LazyLinear(3), leaky()), "0: has no weights yet"),
    "bias": (
        lambda: nn.Sequential(linear(bias=True), snn.Synaptic(0.5, 0.5, reset_delay=False)),
        "1: the bias of a linear layer passes the synaptic filter of snn.Synaptic, which LIF.bias",
    ),
    "convolution": (
        lambda: nn.Sequential(nn.Conv2d(1, 1, 3), leaky(), nn.Flatten(), linear(), leaky()),
        "0: Conv2d has no equivalent; allowed are nn.Linear and spiking neurons",
    ),
    "batch norm": (
        lambda: nn.Sequential(linear(), nn.BatchNorm1d(3), leaky()),
        r"1: BatchNorm1d has no equivalent; fold it .* \(torch.nn.utils.fuse_linear_bn_eval\)",
    ),
    "activation": (
        lambda: nn.Sequential(linear(), nn.ReLU(), leaky()),
        "1: ReLU has no equivalent",
    ),
    "flatten of the batch": (
        lambda: nn.Sequential(nn.Flatten(0), linear(), leaky()),
        "0: Flatten has no equivalent",
    ),
    "ours": (
        lambda: nn.Sequential(linear(), LIFLayer(3, LIF())),
        "1: LIFLayer has no equivalent",
    ),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(("make", "message"), STRUCTURES.values(), ids=STRUCTURES.keys())
def test_structures(
    make: Callable[[], nn.Module], message: str, reader: Callable[[nn.Module], object]
) -> None:
    with pytest.raises(ParameterError, match=rf"cannot be converted: 1 problem\n  - {message}"):
        reader(make())


def test_weights_that_are_not_finite() -> None:
    net = nn.Sequential(linear(), leaky())
    net[0].weight.data[1, 2] = torch.nan
    with pytest.raises(ParameterError, match="0: weights: 1 of 12 entries are not finite"):
        from_snntorch(net)


# ---------------------------------------------------------------------- late resets


@pytest.mark.parametrize("kind", N_STATES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("reset", ["zero", "subtract"])
def test_late_resets_the_trainer_lacks(kind: Any, reset: str) -> None:
    options = {"beta": 0.5, "threshold": 1.0, "reset_mechanism": reset, "reset_delay": True}
    options |= {"alpha": 0.5} if kind in (snn.Synaptic, snn.RSynaptic) else {}
    net = nn.Sequential(*build(kind, options, [4, 3], density=1, seed=0))
    network_from_snntorch(net)
    if kind is snn.Leaky or (kind is snn.RLeaky and reset == "subtract"):
        from_snntorch(net)
        return
    cause = "what arrives in the step after" if reset == "zero" else "a synapse past the synaptic"
    prompt = (
        "snn.RSynaptic resets one step late, whatever its reset_delay"
        if kind is snn.RSynaptic
        else f"reset_delay=True in snn.{kind.__name__}"
    )
    with pytest.raises(ParameterError, match=f"1: {prompt}.*{cause}") as caught:
        from_snntorch(net)
    assert ("make it with reset_delay=False" in str(caught.value)) == (kind is not snn.RSynaptic)
    assert "pass reset_delay='drop'" in str(caught.value)


def test_a_late_reset_can_be_dropped() -> None:
    net = nn.Sequential(
        linear(), snn.Leaky(0.5), linear(3, 3), leaky(), linear(3, 2), snn.Synaptic(0.5, 0.5)
    )
    with pytest.warns(UserWarning, match=r"'drop': 1, 5 now reset in the step of the spike"):
        model = from_snntorch(net, reset_delay="drop")
    assert [layer.neurons.recurrent for layer in model.layers] == [None] * 3
    assert model.layers[0].neurons.neuron == LIF(dv=0.5, reset="subtract")
    # nothing to warn of where it makes no difference
    from_snntorch(nn.Sequential(linear(), leaky()), reset_delay="drop")


def test_dropping_it_gives_the_spikes_of_a_prompt_reset() -> None:
    options = {"beta": 0.75, "threshold": 1.0, "reset_mechanism": "zero", "alpha": 0.5}
    modules = build(snn.Synaptic, {**options, "reset_delay": True}, [10, 8], density=1, seed=0)
    with pytest.warns(UserWarning, match="spikes will differ"):
        model = from_snntorch(nn.Sequential(*modules), reset_delay="drop").double()
    x = random_spikes((12, 3, 10), seed=1)
    late = run(modules, x).spikes[0]
    modules[1].reset_delay = False
    prompt = run(modules, x).spikes[0]
    ours = model.spikes(x)[-1].to_tensor(torch.float64)
    assert torch.equal(ours, prompt)
    assert not torch.equal(ours, late)


def test_input_neurons_with_synapses_of_their_own() -> None:
    net = nn.Sequential(snn.Leaky(0.5), linear(), leaky())
    with pytest.raises(ParameterError, match="0: neurons that currents drive cannot have synapses"):
        from_snntorch(net)
    network = network_from_snntorch(net)
    assert [p.name for p in network.projections] == ["input->input", "input->output"]


# ---------------------------------------------------------------------- all together


def test_all_problems_are_in_one_error() -> None:
    net = nn.Sequential(
        nn.Conv2d(1, 1, 3),
        linear(bias=True),
        snn.Synaptic(0.5, 0.5, threshold=-1.0, state_quant=lambda x: x),
        nn.BatchNorm1d(3),
        linear(2, 2),
        snn.Lapicque(beta=0.5),
        linear(2, 2),
        leaky(reset_mechanism="none", graded_spikes_factor=0.5),
        linear(2, 2),
    )
    with pytest.raises(ParameterError) as caught:
        from_snntorch(net)
    text = str(caught.value)
    head, *problems = text.split("\n  - ")
    assert head == f"module: cannot be converted: {len(problems)} problems"
    for expected in (
        "0: Conv2d",
        "2: state_quant",
        "2: the bias of a linear layer",
        "2: vth: got -1.0",
        "3: BatchNorm1d",
        "5: the neuron Lapicque",
        "7: graded_spikes_factor",
        "7: reset_mechanism='none'",
        "8: no spiking neurons follow",
    ):
        assert sum(problem.startswith(expected) for problem in problems) == 1, text
    assert len(problems) == 9, text


def test_a_late_reset_is_named_beside_other_problems() -> None:
    net = nn.Sequential(linear(bias=True), snn.Synaptic(0.5, 0.5))
    with pytest.raises(ParameterError, match=r"2 problems\n  - 1: the bias .*\n  - 1: reset_delay"):
        from_snntorch(net)
    broken = nn.Sequential(linear(), snn.RLeaky(0.5, linear_features=3))
    broken[0].weight.data[0, 0] = torch.inf
    with pytest.raises(ParameterError, match=r"1 problem\n  - 0: weights: 1 of 12 entries"):
        from_snntorch(broken)


def test_arguments() -> None:
    with pytest.raises(ParameterError, match="reset_delay: got 'no'; allowed is 'keep' or 'drop'"):
        from_snntorch(nn.Sequential(linear(), leaky()), reset_delay="no")  # type: ignore[arg-type]
    for reader in READERS:
        with pytest.raises(ParameterError, match="module: got a list; expected"):
            reader([linear(), leaky()])  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="model: got a Sequential; expected SpikingClassifier"):
        to_snntorch(nn.Sequential())  # type: ignore[arg-type]


# ---------------------------------------------------------------------- the other way


def layer(neuron: LIF, *, delay: int = 1, own_delay: int | None = None) -> SpikingLayer:
    size = 3
    recurrent = None if own_delay is None else SparseLinear(size, size, n_active=4)
    neurons = LIFLayer(size, neuron, recurrent=recurrent, recurrent_delay=own_delay or 1)
    return SpikingLayer(SparseLinear(size, size, n_active=5), neurons, delay=delay)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (layer(LIF(v_reset=-0.5)), "v_reset=-0.5; snnTorch resets to 0"),
        (layer(LIF(), delay=2), "delay=2; snnTorch has no delays"),
        (layer(LIF(), own_delay=3), "recurrent_delay=3; snnTorch has no delays"),
        (layer(LIF(du=0.5, bias=0.1)), "bias=0.1 with du=0.5; that of a linear layer would pass"),
        (layer(LIF(du=0.5), own_delay=1), "recurrent with du=0.5; snn.RSynaptic resets one step"),
    ],
)
def test_what_snntorch_lacks(made: SpikingLayer, message: str) -> None:
    model = SpikingClassifier([layer(LIF()), made])
    with pytest.raises(ParameterError, match=rf"1 problem\n  - layers\[1\]: {message}"):
        to_snntorch(model)


def test_what_snntorch_lacks_is_in_one_error() -> None:
    model = SpikingClassifier(
        [
            layer(LIF(v_reset=-1.0), delay=3),
            layer(LIF(du=0.5, bias=1.0), own_delay=2),
        ],
        input_neurons=LIFLayer(3, LIF(bias=0.5)),
    )
    with pytest.raises(ParameterError) as caught:
        to_snntorch(model)
    head, *problems = str(caught.value).split("\n  - ")
    assert head == "model: cannot be converted: 6 problems"
    assert problems[0].startswith("input_neurons: bias=0.5; snnTorch has it in linear layers only")
    assert [problem.partition(":")[0] for problem in problems[1:]] == ["layers[0]"] * 2 + [
        "layers[1]"
    ] * 3


# ---------------------------------------------------------------------- not installed


def test_missing_snntorch_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    net, model = (
        nn.Sequential(linear(), leaky()),
        sparse_classifier([3, 2], neuron=LIF(), density=1),
    )
    monkeypatch.setitem(sys.modules, "snntorch", None)
    message = re.escape("need snntorch, which is not installed; pip install 'neurosparse[interop]'")
    for call in (
        lambda: from_snntorch(net),
        lambda: network_from_snntorch(net),
        lambda: to_snntorch(model),
    ):
        with pytest.raises(BackendMissingError, match=message):
            call()
