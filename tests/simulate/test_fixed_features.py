"""Single integer neurons worked out by hand: refractory, two thresholds, exponents, messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosparse.network import (
    FixedPointLIF,
    FixedPointTernaryLIF,
    Network,
    Population,
    Projection,
    Spikes,
    SynapseFormat,
    Synapses,
)
from neurosparse.simulate import Probe, Run, State, simulate
from tests.simulate.agreement import assert_agrees, run_and_reference

SILENT = FixedPointLIF(du=4095, dv=4095, vth=131071)  # u is what arrives, v is u


def run_checked(network: Network, inputs: dict[str, Any], n_steps: int) -> Run:
    """Run, and hold the run against the reference, too."""
    run, slow = run_and_reference(network, inputs, n_steps)
    assert_agrees(run, slow)
    return run


def one_neuron(neuron: Any, currents: list[int]) -> tuple[list[list[int]], list[int], list[int]]:
    """Return (step, sign) of spikes, u and v of one neuron under currents."""
    network = Network({"n": Population(1, neuron)})
    run = run_checked(network, {"n": np.array(currents)[:, None]}, len(currents))
    u, v = (run.traces[Probe("n", variable)][:, 0].tolist() for variable in "uv")
    spikes = run.spikes["n"]
    signs = np.ones(spikes.n_spikes, int) if spikes.signs is None else spikes.signs
    return np.stack([spikes.steps, signs], axis=1).tolist(), u, v


def what_arrives(
    weights: list[int],
    form: SynapseFormat | None,
    raster: Any,
    *,
    delays: list[int] | None = None,
) -> list[int]:
    """Return u, step by step, of a neuron that only shows what arrives from sources."""
    n_pre = len(weights)
    synapses = Synapses.from_edges(
        np.arange(n_pre),
        np.zeros(n_pre, int),
        np.array(weights),
        n_pre=n_pre,
        n_post=1,
        delays=delays,
        dtype=np.int16,
    )
    network = Network(
        {"in": Population(n_pre), "n": Population(1, SILENT)},
        [Projection("in", "n", synapses, format=form)],
    )
    table = np.array(raster)
    longest = 1 if delays is None else max(delays)
    run = run_checked(network, {"in": table}, len(table) + longest)
    traced: list[int] = run.traces[Probe("n", "u")][:, 0].tolist()
    return traced[1:]


def test_refractory_holds_v_while_u_goes_on() -> None:
    """As many dead steps as the chip's refractDelay less 1; nengo-loihi's emulator agrees."""
    neuron = FixedPointLIF(du=2047, dv=0, vth=10, refractory=2)
    spikes, u, v = one_neuron(neuron, [32, 0, 0, 0, 0, 0])
    assert [step for step, _ in spikes] == [0]
    assert u == [2048, 1024, 512, 256, 128, 64]
    assert v == [0, 0, 0, 256, 384, 448]


@pytest.mark.parametrize("refractory", [0, 1, 2, 62])
def test_strong_drive_gives_one_spike_per_period(refractory: int) -> None:
    neuron = FixedPointLIF(du=4095, vth=1, refractory=refractory)
    spikes, _, _ = one_neuron(neuron, [2] * 130)
    assert [step for step, _ in spikes] == list(range(0, 130, refractory + 1))


def test_a_held_membrane_does_not_saturate() -> None:
    neuron = FixedPointLIF(du=4095, dv=0, vth=0, bias_mant=-4096, bias_exp=7, refractory=62)
    network = Network({"n": Population(1, neuron)})
    table = np.zeros((60, 1), int)
    table[0] = 2**16
    run = run_checked(network, {"n": table}, 60)
    assert run.spikes["n"].steps.tolist() == [0]
    assert run.overflows["n"] == (0, 0)
    free = simulate(network, {"n": table * 0}, 60)
    assert free.overflows["n"].saturations == 45  # the 16th step of -2^19 and all after it


def test_a_state_goes_on_with_the_refractory_steps_that_are_left() -> None:
    network = Network({"n": Population(1, FixedPointLIF(du=4095, vth=1, refractory=5))})
    table = np.full((12, 1), 2)
    first = simulate(network, {"n": table}, 3)
    assert first.state.wait["n"].tolist() == [3]
    assert first.state.v["n"].tolist() == [0]
    second = simulate(network, {"n": table}, 9, state=first.state)
    assert (second.spikes["n"].steps + 3).tolist() == [6]


def test_two_thresholds() -> None:
    """Strict on either side; a spike of either sign sets v to 0."""
    neuron = FixedPointTernaryLIF(du=4095, dv=0, vth_lo=-2, vth_hi=3)
    spikes, _, v = one_neuron(neuron, [3, 1, -2, -1, 5, 0])
    assert spikes == [[1, 1], [3, -1], [4, 1]]
    assert v == [192, 0, -128, 0, 0, 0]


def test_thresholds_of_either_sign() -> None:
    """Both thresholds below 0: at rest, v = 0 is above the upper one."""
    neuron = FixedPointTernaryLIF(du=4095, dv=0, vth_lo=-5, vth_hi=-3)
    spikes, _, _ = one_neuron(neuron, [0, -4, -2, 0])
    assert spikes == [[0, 1], [2, -1], [3, 1]]


@pytest.mark.parametrize(("bits", "expected"), [(0, [0, 640, 640, 0]), (1, [0, 640, -640, 0])])
def test_what_signs_send(bits: int, expected: list[int]) -> None:
    """A projection without messages sends both signs alike."""
    neuron = FixedPointTernaryLIF(du=4095, dv=0, vth_lo=-2, vth_hi=2)
    synapses = Synapses.from_edges([0], [0], 10, n_pre=1, n_post=1, dtype=np.int16)
    network = Network(
        {"t": Population(1, neuron), "n": Population(1, SILENT)},
        [Projection("t", "n", synapses, format=SynapseFormat(num_message_bits=bits))],
    )
    run = run_checked(network, {"t": np.array([[3], [-3], [0], [0]])}, 4)
    assert run.spikes["t"].raster()[:, 0].tolist() == [1, -1, 0, 0]
    assert run.traces[Probe("n", "u")][:, 0].tolist() == expected
    assert run.activity.synaptic_events == {"t->n": 2}


def excitatory(exponent: int, shift: Any) -> SynapseFormat:
    return SynapseFormat("excitatory", weight_exp=exponent, shift=shift)


def test_the_sum_is_rounded_or_each_weight() -> None:
    both, one = [[1, 1]], [[1, 0]]
    assert what_arrives([3, 5], excitatory(-1, "sum"), both) == [64 * 4]
    assert what_arrives([3, 5], excitatory(-1, "synapse"), both) == [64 * 4]
    assert what_arrives([3, 5], excitatory(-1, "sum"), one) == [64 * 1]
    assert what_arrives([3, 5], excitatory(-1, "synapse"), one) == [32 * 3]
    # with 6 bits more in u, only the seventh is lost
    assert what_arrives([3, 5], excitatory(-7, "synapse"), both) == [1 + 2]
    assert what_arrives([3, 5], excitatory(-7, "sum"), both) == [0]


def test_rounding_goes_down() -> None:
    form = SynapseFormat("inhibitory", weight_exp=-2)
    assert what_arrives([-1, -4], form, [[1, 0], [0, 1], [1, 1]]) == [-64, -64, -128]


def test_every_delay_is_rounded_for_itself() -> None:
    weights, form = [3, 3, 3], excitatory(-1, "sum")
    assert what_arrives(weights, form, [[1, 1, 1]], delays=[1, 1, 1]) == [64 * 4]
    assert what_arrives(weights, form, [[1, 1, 1]], delays=[1, 2, 2]) == [64, 64 * 3]
    # two delays that meet in one step
    meet = what_arrives(weights, form, [[0, 1, 0], [1, 0, 0]], delays=[1, 2, 2])
    assert meet == [0, 64 * 2, 0]


@pytest.mark.parametrize("shift", ["sum", "synapse"])
def test_exponents_from_0_on_multiply(shift: Any) -> None:
    assert what_arrives([3, 5], excitatory(4, shift), [[1, 1]]) == [64 * 8 * 16]


def test_messages_multiply_weights() -> None:
    form = SynapseFormat("excitatory", weight_exp=-1, num_message_bits=4)
    assert what_arrives([3, 5], form, [[2, -3], [1, 0], [0, 15]]) == [64 * -5, 64, 64 * 37]


def test_a_projection_without_messages_sees_spikes() -> None:
    synapses = Synapses.from_edges([0], [0], 10, n_pre=1, n_post=1, dtype=np.int16)
    network = Network(
        {"in": Population(1), "n": Population(1, SILENT)},
        [
            Projection("in", "n", synapses, name="binary"),
            Projection("in", "n", synapses, 3, format=SynapseFormat(num_message_bits=8), name="g"),
        ],
    )
    run = run_checked(network, {"in": np.array([[-7], [2], [0]])}, 6)
    assert run.spikes["in"] == Spikes([0, 1], [0, 0], 6, 1)
    assert run.traces[Probe("n", "u")][:, 0].tolist() == [0, 640, 640, -4480, 1280, 0]


def test_messages_are_read_again_where_a_run_goes_on() -> None:
    synapses = Synapses.from_edges([0], [0], 10, n_pre=1, n_post=1, dtype=np.int16, delays=[9])
    form = SynapseFormat(num_message_bits=8)
    network = Network(
        {"in": Population(1), "n": Population(1, SILENT)},
        [Projection("in", "n", synapses, format=form)],
    )
    inputs = {"in": np.array([[5], [-6]])}
    probe = Probe("n", "u")
    first = simulate(network, inputs, 4)
    second = simulate(network, inputs, 8, state=first.state, probes=[probe])
    assert second.traces[probe][:, 0].tolist() == [0, 0, 0, 0, 0, 3200, -3840, 0]


def test_a_state_knows_signs() -> None:
    neuron = FixedPointTernaryLIF(du=4095, dv=0, vth_lo=-2, vth_hi=2)
    synapses = Synapses.from_edges([0, 1], [0, 0], [10, 20], n_pre=2, n_post=1, dtype=np.int16)
    form = SynapseFormat(num_message_bits=1)
    network = Network(
        {"t": Population(2, neuron), "n": Population(1, SILENT)},
        [Projection("t", "n", synapses, 4, format=form)],
    )
    first = simulate(network, {"t": np.array([[3, -3]])}, 2)
    assert first.state.recent["t"] == Spikes([2, 2], [0, 1], 4, 2, signs=[1, -1])  # type: ignore[arg-type]
    probe = Probe("n", "u")
    second = simulate(network, {}, 3, state=first.state, probes=[probe])
    assert second.traces[probe][:, 0].tolist() == [0, 0, 64 * (10 - 20)]


@pytest.mark.parametrize(
    ("before", "after", "at_step", "arrives"),
    [(6, 2, 1, [2]), (6, 2, 4, []), (2, 6, 1, [6]), (2, 6, 5, [2]), (6, 6, 3, [6])],
)
def test_rewiring_what_keeps_spikes_until_they_arrive(
    before: int, after: int, at_step: int, arrives: list[int]
) -> None:
    """The spike of step 0 meets the synapses that are there then, as long as it is kept."""

    def wire(delay: int) -> Synapses:
        return Synapses.from_edges([0], [0], [3], n_pre=1, n_post=1, dtype=np.int16, delays=[delay])

    network = Network(
        {"in": Population(1), "n": Population(1, SILENT)},
        [Projection("in", "n", wire(before), format=excitatory(-1, "sum"))],
    )
    raster = np.zeros((8, 1), int)
    raster[0] = 1
    probe = Probe("n", "u")
    run = simulate(
        network,
        {"in": raster},
        between=lambda moment: {"in->n": wire(after)} if moment.step == at_step else None,
        between_every=1,
        probes=[probe],
    )
    assert np.flatnonzero(run.traces[probe][:, 0]).tolist() == arrives


def test_signs_under_way_need_neurons_that_have_them() -> None:
    network = Network(
        {"in": Population(1), "n": Population(1, SILENT)},
        [
            Projection(
                "in", "n", Synapses.from_edges([0], [0], 2, n_pre=1, n_post=1, dtype=np.int16)
            )
        ],
    )
    state = State.at_rest(network)
    signed = Spikes([0], [0], 1, 1, signs=[-1])  # type: ignore[arg-type]
    wrong = State(
        state.step, state.u, state.v, state.wait, {**state.recent, "in": signed}, state.pending
    )
    with pytest.raises(ValueError, match="recent of 'in': got spikes with signs; only those of"):
        simulate(network, {}, 1, state=wrong)
