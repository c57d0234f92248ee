from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurosparse.errors import BackendMissingError, ExportLimitError, ParameterError
from neurosparse.loihi import run_lava, write_bundle
from neurosparse.loihi.limits import arrival_violations, reset_violations, violations_of
from neurosparse.network import (
    LIF,
    FixedPointLIF,
    FixedPointTernaryLIF,
    Network,
    Neuron,
    Population,
    Projection,
    SynapseFormat,
    Synapses,
)


def integer_network(
    weights: list[int] | None = None,
    neuron: Neuron | None = None,
    fan_in: int = 2,
    delays: int | None = None,
    delay: int = 1,
    form: SynapseFormat | None = None,
) -> Network:
    each = np.array(weights or [2] * fan_in, dtype=np.int16)
    synapses = Synapses.from_edges(
        np.arange(each.size),
        np.zeros(each.size, int),
        each,
        n_pre=each.size,
        n_post=1,
        dtype="i2",
        **({} if delays is None else {"delays": np.arange(each.size) % delays + 1}),
    )
    return Network(
        {"in": Population(each.size), "out": Population(1, neuron or FixedPointLIF())},
        [Projection("in", "out", synapses, delay=delay, format=form)],
    )


def float_network(neuron: LIF, delay: int = 1) -> Network:
    return Network(
        {"in": Population(2), "out": Population(2, neuron)},
        [Projection("in", "out", Synapses.all_to_all(np.ones((2, 2))), delay=delay)],
    )


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            integer_network(neuron=FixedPointLIF(refractory=3)),
            "population 'out': refractory=3; Lava's fixed_pt models have no refractory period",
        ),
        (
            integer_network(form=SynapseFormat(weight_exp=-1, shift="synapse")),
            "projection 'in->out': shift='synapse' with weight_exp=-1; Lava shifts the sum",
        ),
        (
            integer_network(delay=64),
            "projection 'in->out': delay of 64 steps; Lava's fixed_pt DelaySparse takes 1 to 63",
        ),
        (
            integer_network(fan_in=100, delays=80),
            "projection 'in->out': delay of 1 to 80 steps; Lava's fixed_pt DelaySparse takes",
        ),
        (
            integer_network([-3, 2]),
            "projection 'in->out': weights from -3 to 2 lie on none of Lava's grids",
        ),
        (
            Network({"in": Population(2)}),
            "network: holds spike sources only; there is nothing to run",
        ),
        (
            integer_network([254] * 1100, form=SynapseFormat(weight_exp=7)),
            "population 'out': 35763200 could arrive in one step; Lava's 32 bits take 33292288",
        ),
    ],
)
def test_what_fixed_pt_cannot_do(network: Network, message: str) -> None:
    (found,) = violations_of(network, "fixed_pt")
    assert found.startswith(message)


@pytest.mark.parametrize(
    ("neuron", "message"),
    [
        (LIF(du=(0.5, 1.0)), "2 receptors; Lava's LIF has 1"),
        (LIF(reset="subtract"), "reset='subtract'; Lava's LIF resets to zero"),
        (LIF(v_reset=-0.5), "v_reset=-0.5; Lava's LIF resets to 0"),
        (
            LIF(refractory=2, dv=np.array([0.1, 0.2])),
            "refractory=2 with dv per neuron; Lava's LIFRefractory takes one dv",
        ),
    ],
)
def test_what_floating_pt_cannot_do(neuron: LIF, message: str) -> None:
    assert violations_of(float_network(neuron), "floating_pt") == [f"population 'out': {message}"]


@pytest.mark.parametrize(
    "network",
    [
        integer_network(form=SynapseFormat(weight_exp=3, shift="synapse", num_message_bits=8)),
        integer_network(form=SynapseFormat(weight_exp=-7)),
        integer_network(delay=63),
        integer_network(fan_in=70, delays=63),
        integer_network(neuron=FixedPointTernaryLIF(vth_lo=-5, vth_hi=9)),
        integer_network([254] * 1000, form=SynapseFormat(weight_exp=7)),
    ],
)
def test_what_fixed_pt_can_do(network: Network) -> None:
    assert violations_of(network, "fixed_pt") == []


def test_what_floating_pt_can_do() -> None:
    assert violations_of(float_network(LIF(refractory=4), delay=200), "floating_pt") == []


def test_all_violations_come_together(tmp_path: Path) -> None:
    form = SynapseFormat(weight_exp=-2, shift="synapse")
    net = integer_network(neuron=FixedPointLIF(refractory=3), delay=70, form=form)
    with pytest.raises(ExportLimitError) as caught:
        write_bundle(tmp_path / "bundle", net)
    assert len(caught.value.violations) == 3
    for text in ("refractory=3", "delay of 70 steps", "shift='synapse'"):
        assert text in str(caught.value)
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------------- in a run


def test_messages_count_in_what_can_arrive() -> None:
    net = integer_network([254] * 10, form=SynapseFormat(num_message_bits=24))
    assert arrival_violations(net, {"in": 10_000}) == []
    (found,) = arrival_violations(net, {"in": 2**20})
    assert found.startswith("population 'out': 2663383040 could arrive in one step")


def test_negative_exponents_do_not_hide_a_sum_that_overflows() -> None:
    form = SynapseFormat(weight_exp=-7, num_message_bits=24)
    net = integer_network([254], form=form)
    assert 254 * 2**23 / 2**7 < 2**25 < 254 * 2**23
    assert arrival_violations(net, {"in": 2**23}) == []
    (found,) = arrival_violations(net, {"in": 2**24 - 1})
    assert "could arrive" in found


def test_weights_alone_count_where_spikes_are_binary() -> None:
    net = integer_network([100, 100, -100])
    assert arrival_violations(net, {"in": 2**40}) == []


def test_inputs_that_wrap_lavas_integers_are_refused_together(tmp_path: Path) -> None:
    net = integer_network([254] * 10, form=SynapseFormat(num_message_bits=24))
    bundle = write_bundle(tmp_path / "bundle", net)
    inputs = {"in": np.full((2, 10), 2**20), "out": np.full((2, 1), 200_000)}
    with pytest.raises(ParameterError) as caught:
        run_lava(bundle, inputs, tag="fixed_pt", interpreter=tmp_path / "python9")
    assert "2663383040 could arrive in one step" in str(caught.value)
    assert "a current of 200000; allowed is -131072 to 131072" in str(caught.value)
    smaller = {"in": np.full((2, 10), 2**12), "out": np.full((2, 1), 131_072)}
    with pytest.raises(BackendMissingError):  # nothing to refuse but the interpreter
        run_lava(bundle, smaller, tag="fixed_pt", interpreter=tmp_path / "python9")


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            integer_network(neuron=FixedPointTernaryLIF()),
            "population 'out': two thresholds; Lava has no TernaryLIF with reset",
        ),
        (
            float_network(LIF(refractory=2)),
            "population 'out': refractory=2; Lava has no LIFRefractory with reset",
        ),
        (
            integer_network(delay=9),
            (
                "population 'out' lies 9 steps deep: LIFReset would reset it before its first "
                "sample; allowed is reset_every > 9"
            ),
        ),
    ],
)
def test_resets_that_lava_has_not(tmp_path: Path, network: Network, message: str) -> None:
    assert reset_violations(network, 9) == [message]
    bundle = write_bundle(tmp_path / "bundle", network)
    (tag,) = bundle.networks
    with pytest.raises(ParameterError, match="reset_every: got 9, but population 'out'"):
        run_lava(bundle, {}, 3, tag=tag, reset_every=9, interpreter=tmp_path / "python9")


def test_reset_without_limits() -> None:
    assert reset_violations(integer_network(delay=9), 10) == []


@pytest.mark.lava
def test_runner_refuses_what_we_refuse(
    tmp_path: Path, lava_python: str, runner_says: Callable[..., str]
) -> None:
    """A bundle is run without us, too: its runner has words for what Lava has not."""
    bundle = write_bundle(tmp_path / "b", integer_network(neuron=FixedPointTernaryLIF()))
    said = runner_says(lava_python, bundle.path, "--reset-every=9")
    assert "reset_every: 'network.out' has two thresholds; Lava's LIFReset has none" in said
    said = runner_says(lava_python, bundle.path, "--tag=floating_pt")
    assert "holds fixed_pt only, not 'floating_pt'" in said
    assert "no population elsewhere" in runner_says(lava_python, bundle.path, "--record=elsewhere")
    with (bundle.path / "arrays.npz").open("ab") as file:
        file.write(b"x")
    assert "arrays.npz was changed" in runner_says(lava_python, bundle.path)
    (bundle.path / "manifest.json").write_text("{}")
    assert "not a readable bundle" in runner_says(lava_python, bundle.path)
