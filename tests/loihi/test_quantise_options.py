"""Bits, percentiles, exponents and what is reported of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from neurosparse.errors import ExportLimitError
from neurosparse.loihi import IntegerGrid, Quantisation, quantise
from neurosparse.network import LIF, Network, Population, Projection, SynapseFormat, Synapses
from neurosparse.simulate import simulate
from tests.loihi.quantising import fixed, integers, lava_truncate, network_of

U_LIMIT = 2**23


def two_projections(
    small: Any, large: Any, neuron: LIF | None = None, **options: Any
) -> tuple[Network, Quantisation]:
    """One population with weights of two sizes onto it."""
    sizes = {"a": np.shape(small)[1], "b": np.shape(large)[1]}
    net = Network(
        {
            **{name: Population(n) for name, n in sizes.items()},
            "out": Population(1, neuron or LIF()),
        },
        [
            Projection(name, "out", Synapses.all_to_all(np.array(w, np.float64), dtype=np.float64))
            for name, w in (("a", small), ("b", large))
        ],
    )
    return net, quantise(net, **options)


def aligned(net: Network, q: Quantisation, name: str) -> tuple[NDArray[Any], NDArray[Any], Any]:
    """Return exact weights in grid units, integers with the zeros back, and the format."""
    before = next(p for p in net.projections if p.name == name)
    after = next(p for p in q.network.projections if p.name == name)
    assert after.format is not None
    exact = before.synapses.weights * q.scales[before.target] / 2.0**after.format.weight_exp
    dense = np.zeros(before.synapses.shape, dtype=np.int64)
    dense[after.synapses.post, after.synapses.indices] = after.synapses.weights
    return exact, dense[before.synapses.post, before.synapses.indices], after.format


# ---------------------------------------------------------------------- every combination

some_weights = st.lists(
    st.floats(-50, 50).filter(lambda w: w == 0 or abs(w) > 1e-6), min_size=1, max_size=25
)


@given(
    small=some_weights,
    large=some_weights,
    shrink=st.sampled_from([1.0, 0.1, 0.001]),
    du=st.sampled_from([1.0, 0.3, 0.01]),
    vth=st.floats(0.5, 50.0),
    bits=st.integers(2, 8),
    mode=st.sampled_from(["mixed", "auto"]),
    rule=st.sampled_from(["population", "projection"]),
    percentile=st.sampled_from([100.0, 95.0, 60.0]),
    keep=st.booleans(),
    shift=st.sampled_from(["sum", "synapse"]),
)
def test_integers_lie_on_the_grid_and_near_the_weights(
    small: list[float],
    large: list[float],
    shrink: float,
    du: float,
    vth: float,
    bits: int,
    mode: Any,
    rule: Any,
    percentile: float,
    keep: bool,
    shift: Any,
) -> None:
    neuron = LIF(du=du, vth=vth)
    try:
        net, q = two_projections(
            [[w * shrink for w in small]],
            [large],
            neuron,
            sign_mode=mode,
            num_weight_bits=bits,
            scale=rule,
            percentile=percentile,
            keep_small=keep,
            shift=shift,
        )
    except ExportLimitError as error:
        refused = error.violations
    else:
        refused = ()
    assert all("rounds to 0" in each or "24 bits" in each for each in refused)
    if refused:
        return
    sums = np.zeros(2)
    for name in ("a->out", "b->out"):
        exact, whole, stored = aligned(net, q, name)
        loss, (low, high, step) = q.weights[name], stored.grid
        assert stored.num_weight_bits == bits
        assert rule == "projection" or stored.weight_exp == 0
        np.testing.assert_array_equal(lava_truncate(whole, stored.sign_mode, bits), whole)
        clipped = (exact < low - step / 2) | (exact > high + step / 2)
        assert loss.clipped == clipped.sum()
        assert set(whole[clipped].tolist()) <= {low, high}
        if percentile == 100:
            assert not clipped.any()
        kept = keep & (np.abs(exact) <= step / 2) & (exact != 0)
        near = ~clipped & ~kept
        assert (np.abs(exact - whole)[near] <= step / 2 * (1 + 1e-9)).all()
        np.testing.assert_array_equal(np.abs(whole[kept]), step)
        assert loss.pruned == (whole == 0).sum()
        if keep:
            assert loss.pruned == (exact == 0).sum()
        # what an exponent shifts out is 0 in Lava, and within the 6 bits of u on the chip
        lost = whole * 2.0 ** (stored.weight_exp + (6 if shift == "synapse" else 0))
        np.testing.assert_array_equal(lost, np.rint(lost))
        worth = whole * 2.0**stored.weight_exp
        sums += worth[worth > 0].sum(), -worth[worth < 0].sum()
    assert sums.max() * 64 * 4096 / (fixed(q).du + 1) < U_LIMIT
    assert abs(fixed(q).vth - vth * q.scales["out"]) <= 0.5


@given(
    weights=st.lists(st.integers(-40, 40).filter(bool), min_size=2, max_size=12),
    factor=st.sampled_from([2.0**-9, 0.5, 64.0]),
    rule=st.sampled_from(["population", "projection"]),
    bits=st.integers(2, 8),
)
def test_the_unit_of_the_weights_does_not_matter(
    weights: list[int], factor: float, rule: Any, bits: int
) -> None:
    one, other = (
        quantise(
            network_of([[w * unit for w in weights]], LIF(vth=3 * unit, bias=0.5 * unit)),
            scale=rule,
            num_weight_bits=bits,
        )
        for unit in (1.0, factor)
    )
    assert integers(one) == integers(other)
    assert fixed(one) == fixed(other)
    assert one.scales["out"] == other.scales["out"] * factor


@given(weights=some_weights.filter(any), bits=st.integers(2, 8), bias=st.sampled_from([0.0, 0.25]))
def test_quantising_what_lies_on_the_grid_changes_nothing(
    weights: list[float], bits: int, bias: float
) -> None:
    top = max(map(abs, weights))
    net = network_of([weights], LIF(vth=2 * top, bias=bias * top))
    options: dict[str, Any] = {"num_weight_bits": bits}
    once = quantise(net, **options)
    again = quantise(IntegerGrid(**options)(net), **options)
    assert again.network.projections[0].synapses == once.network.projections[0].synapses
    assert fixed(again) == fixed(once)
    assert again.weight_error < 1e-12


# ---------------------------------------------------------------------- bits and percentiles


@pytest.mark.parametrize(
    ("bits", "mode", "weights", "expected"),
    [
        (4, "mixed", [1.0, -0.5, 0.1], [224, -128, 32]),  # steps of 32; -112 lies between, to even
        (2, "mixed", [1.0, -1.0, 0.4], [128, -128]),
        (1, "excitatory", [1.0, 0.6, 0.4], [128, 128]),
        (1, "inhibitory", [-1.0, -0.6, -0.4], [-128, -128]),
        (6, "excitatory", [1.0, 0.5], [252, 128]),
    ],
)
def test_fewer_bits_have_longer_steps(
    bits: int, mode: Any, weights: list[float], expected: list[int]
) -> None:
    q = quantise(network_of([weights]), num_weight_bits=bits, sign_mode=mode)
    assert integers(q) == expected
    assert q.network.projections[0].format == SynapseFormat(mode, bits)


def test_bits_by_projection() -> None:
    _, q = two_projections([[1.0, 0.3]], [[1.0, 0.3]], num_weight_bits={"b->out": 3})
    assert [p.format.num_weight_bits for p in q.network.projections if p.format] == [8, 3]
    assert [p.synapses.weights.tolist() for p in q.network.projections] == [[192, 58], [192, 64]]


def test_a_percentile_clips_outliers_and_refines_the_others() -> None:
    weights = [[*range(1, 10), 90]]
    whole, part = (quantise(network_of(weights), percentile=p) for p in (100, 90))
    assert whole.scales["out"] == pytest.approx(254 / 90)
    assert part.scales["out"] == pytest.approx(254 / 9)
    assert integers(part)[-2:] == [254, 254]
    assert (whole.weights["in->out"].clipped, part.weights["in->out"].clipped) == (0, 1)
    assert part.weights["in->out"].largest_error == pytest.approx(254 * 9)
    # the others err less, the outlier more
    assert np.abs(np.array(integers(part))[:9] * 9 / 254 - range(1, 10)).max() < 0.04
    assert np.abs(np.array(integers(whole))[:9] * 90 / 254 - range(1, 10)).max() > 0.2


def test_zeros_do_not_count_in_a_percentile() -> None:
    q = quantise(network_of([[0.0] * 95 + [1.0, 1.0, 1.0, 1.0, 50.0]]), percentile=60)
    assert q.scales["out"] == 254.0


def test_nothing_is_clipped_where_another_limit_leaves_room() -> None:
    q = quantise(network_of([[1.0, 2.0, 4.0]], LIF(vth=131071 / 20)), percentile=30)
    assert q.scales["out"] == pytest.approx(20.0)
    assert integers(q) == [20, 40, 80]
    assert q.weights["in->out"].clipped == 0


# ---------------------------------------------------------------------- exponents


def test_small_weights_beside_large_ones_keep_their_resolution() -> None:
    small, large = [[0.01, -0.004, 0.003]], [[1.0, -0.7]]
    _, common = two_projections(small, large)
    _, own = two_projections(small, large, scale="projection")
    assert common.network.projections[0].synapses.weights.tolist() == [2, -2]
    assert common.pruned["a->out"] == 1
    assert own.pruned["a->out"] == 0
    assert own.weights["a->out"].relative_rms < 0.02 < 0.3 < common.weights["a->out"].relative_rms
    first, second = (p.format for p in own.network.projections)
    assert first is not None
    assert second is not None
    assert 0 <= first.weight_exp < second.weight_exp <= 7
    assert own.neurons["out"].vth < 1e-3


def slow_search(weights: list[list[float]], vth: float) -> float:
    """Least mean relative error over all scales at which a projection fills its (mixed) grid."""

    def reach(own: NDArray[np.float64]) -> float:
        above, below = own.max(initial=0.0), -own.min(initial=0.0)
        return min(254 / above if above else math.inf, 256 / below if below else math.inf)

    arrays = [np.array(own) for own in weights]
    reaches = [reach(own) for own in arrays]
    most = min(max(2047 / vth, *reaches), 131071 / vth, min(reaches) * 128)
    best = math.inf
    for scale in (own * 2.0**k for own in reaches for k in range(-40, 41)):
        if scale > most:
            continue
        errors, worth = [], []
        for own, limit in zip(arrays, reaches, strict=True):
            exponent = -1
            while scale / 2.0**exponent > limit:
                exponent += 1
            exact = own * scale / 2.0**exponent
            whole = 2 * np.rint(exact / 2)
            errors.append(np.linalg.norm(exact - whole) / np.linalg.norm(exact))
            worth.append(whole * 2.0**exponent)
        together = np.concatenate(worth)
        if max(together[together > 0].sum(), -together[together < 0].sum()) * 64 < U_LIMIT:
            best = min(best, float(np.mean(errors)))
    return best


@given(
    weights=st.lists(
        st.lists(st.integers(-99, 99).filter(bool), min_size=1, max_size=6), min_size=2, max_size=2
    ),
    shrink=st.sampled_from([1.0, 0.3, 0.011]),
    vth=st.floats(1.0, 30.0),
)
def test_the_search_finds_the_best_scale(
    weights: list[list[int]], shrink: float, vth: float
) -> None:
    given = [[w * shrink for w in weights[0]], [float(w) for w in weights[1]]]
    _, q = two_projections([given[0]], [given[1]], LIF(vth=vth), scale="projection")
    assert q.weight_error <= slow_search(given, vth) + 1e-9


def test_the_chips_shift_keeps_weights_that_u_has_no_room_for() -> None:
    """du = 1/64 and 300 synapses leave integers of a few units; the chip adds 64ths of them."""
    weights = np.random.default_rng(0).normal(0, 1, (1, 300))
    neuron = LIF(du=1 / 64, vth=20.0)
    errors, exponents = [], []
    for options in ({}, {"scale": "projection"}, {"scale": "projection", "shift": "synapse"}):
        q = quantise(network_of(weights, neuron), **options)
        stored = q.network.projections[0].format
        assert stored is not None
        errors.append(q.weight_error)
        exponents.append(stored.weight_exp)
    assert errors[0] > 1.5 * errors[1]
    assert errors[1] > 2 * errors[2]
    assert exponents[:2] == [0, -1]
    assert exponents[2] == -3


def test_exponents_say_in_the_engine_what_they_say_here() -> None:
    """Sums of 1/64 and 8 are exact on either side, so every spike is the same."""
    rng = np.random.default_rng(1)
    small, large = (rng.integers(-60, 60, (1, 12)) * unit for unit in (1 / 64, 1 / 4))
    small[0, 0], large[0, 0] = 254 / 2 / 64, 254 / 2 / 4
    net, q = two_projections(small, large, LIF(du=1.0, dv=0.0, vth=5.0), scale="projection")
    assert q.weight_error == 0
    first, second = (p.format.weight_exp for p in q.network.projections if p.format)
    assert 0 <= first == second - 4
    inputs = {name: rng.random((200, 12)) < 0.2 for name in ("a", "b")}
    ours = simulate(net, inputs, dtype=np.float64).spikes["out"]
    theirs = simulate(q.network, inputs).spikes["out"]
    assert ours == theirs
    assert 10 < ours.n_spikes < 190


def test_a_percentile_clips_with_exponents_too() -> None:
    """Clipping is asked for: the search must not go to half the resolution to get around it."""
    weights = np.random.default_rng(5).normal(0, 0.1, (1, 60))
    q = quantise(network_of(weights), scale="projection", percentile=90)
    at = np.argsort(np.abs(weights[0]))[53]  # 54 of 60 are no larger
    assert abs(integers(q)[at]) == 254
    assert q.weights["in->out"].clipped >= 4


# ---------------------------------------------------------------------- what stays, what is said


def test_delays_and_refractory_periods_stay() -> None:
    synapses = Synapses.from_edges(
        [0, 1, 2], [0, 0, 0], np.array([1.0, 0.001, -1.0]), n_pre=3, n_post=1, delays=[63, 5, 1]
    )
    net = Network(
        {"in": Population(3), "out": Population(1, LIF(refractory=62))},
        [
            Projection("in", "out", synapses),
            Projection("out", "out", Synapses.all_to_all(np.array([[0.5]])), delay=63),
        ],
    )
    first, second = quantise(net).network.projections
    assert first.synapses.delays is not None
    assert first.synapses.delays.tolist() == [63, 1]
    assert second.delay == 63
    assert fixed(quantise(net)).refractory == 62


def test_losses_by_hand() -> None:
    neuron = LIF(du=0.3, dv=0.1, vth=0.77, bias=np.array([0.1, 0.0]))
    q = quantise(network_of([[1.0, 0.5, 0.001], [0.3, 0.0, -0.2]], neuron))
    exact = 254 * np.array([1.0, 0.5, 0.001, 0.3, 0.0, -0.2])
    whole = np.array([254, 128, 0, 76, 0, -50])
    loss, errors = q.weights["in->out"], np.abs(exact - whole)
    assert (loss.pruned, loss.clipped) == (2, 0)
    assert loss.relative_rms == pytest.approx(
        math.sqrt((errors**2).mean()) / math.sqrt((exact**2).mean())
    )
    assert loss.relative_largest == pytest.approx(errors.max() / math.sqrt((exact**2).mean()))
    assert q.weight_error == loss.relative_rms
    assert q.neurons["out"].du == pytest.approx(abs(1229 / 4096 / 0.3 - 1))
    assert q.neurons["out"].dv == pytest.approx(abs(410 / 4096 / 0.1 - 1))
    assert q.neurons["out"].vth == pytest.approx(abs(196 / (0.77 * 254) - 1))
    assert q.neurons["out"].bias == pytest.approx(abs(1626 / (0.1 * 254 * 64) - 1))


def test_a_network_on_the_grid_is_the_same_in_floats() -> None:
    neuron = LIF(du=0.3, dv=0.123, vth=0.7, bias=0.01, refractory=4)
    net = network_of([[1.0, -0.4, 0.001]], neuron, delay=3)
    q, back = quantise(net), IntegerGrid()(net)
    values = np.array([254, -102, 0]) / q.scales["out"]
    np.testing.assert_allclose(back.projections[0].synapses.weights, values, rtol=1e-15)
    assert back.projections[0].delay == 3
    lif = back.populations["out"].neuron
    assert isinstance(lif, LIF)
    assert lif.du * 4096 == fixed(q).du + 1
    assert lif.dv == fixed(q).dv / 4096
    # half a unit of v above: integers above the threshold are at least one unit above it
    assert lif.vth == pytest.approx((178 + 1 / 128) / 254)
    assert lif.bias == pytest.approx(int(fixed(q).bias_mant) / 64 / 254)
    assert lif.refractory == 4
