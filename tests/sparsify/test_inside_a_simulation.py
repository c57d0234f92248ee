"""Rewiring as a hook of the simulator: the budget, the law, what grows, and that runs go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from neurosparse.errors import NeurosparseError, ParameterError
from neurosparse.network import LIF, FixedPointLIF, Network, Population, Projection, Synapses
from neurosparse.simulate import Moment, Poisson, State, simulate
from neurosparse.sparsify import (
    AdaptiveThreshold,
    Context,
    DaleSigns,
    GlobalBudget,
    HomeostaticRewirer,
    LayerDropRule,
    LayerView,
    Newborn,
    RandomShare,
    SimulationRewirer,
    Uniform,
)

P_LEAST = 1e-3  # seeds are fixed: a wrong law gives far less, a right one never flickers
Hook = SimulationRewirer | HomeostaticRewirer


def network_of(*projections: Projection, n_in: int = 12, n_out: int = 9) -> Network:
    return Network({"in": Population(n_in), "out": Population(n_out, LIF())}, projections)


def moment_of(network: Network, counts: Any = 0, n_steps: int = 10, step: int = 10) -> Moment:
    fired = {
        name: np.zeros(population.size, np.int64)
        for name, population in network.populations.items()
    }
    fired["out"] = fired["out"] + np.asarray(counts, dtype=np.int64)
    return Moment(step, n_steps, fired, network, State.at_rest(network))


def pairs(synapses: Synapses) -> set[tuple[int, int]]:
    return set(zip(synapses.indices.tolist(), synapses.post.tolist(), strict=True))


def weight_of(synapses: Synapses) -> dict[tuple[int, int], float]:
    edges = zip(synapses.indices.tolist(), synapses.post.tolist(), strict=True)
    return dict(zip(edges, synapses.weights.tolist(), strict=True))


@st.composite
def networks(draw: st.DrawFn) -> tuple[Network, Newborn, int]:
    """A projection with any density, layout, weights and delays; square ones may be recurrent."""
    n_in, n_out = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    recurrent = draw(st.booleans())
    n_in = n_out if recurrent else n_in
    n_active = draw(st.integers(1, n_in * n_out))
    keys = rng.permutation(n_in * n_out)[:n_active]
    edges = (keys // n_out, keys % n_out)
    newborn = Newborn(autapses=draw(st.booleans()))
    weights: Any = 0.5
    if draw(st.booleans()):
        weights = rng.uniform(0.1, 1.0, n_active).astype(np.float32)
        newborn = replace(newborn, weights=0.25)
    delays = None
    if draw(st.booleans()):
        delays = rng.integers(1, 9, n_active)
        newborn = replace(newborn, delays=lambda r, n: r.integers(20, 25, n))
    synapses = Synapses.from_edges(*edges, weights=weights, delays=delays, n_pre=n_in, n_post=n_out)
    if draw(st.booleans()):
        rows = synapses.by_pre
        values = weights if synapses.constant_weight is not None else rows.weights
        synapses = Synapses.from_fan_out(n_in, n_out, rows.indptr, rows.post, values, rows.delays)
    source = "out" if recurrent else "in"
    network = network_of(Projection(source, "out", synapses, name="p"), n_in=n_in, n_out=n_out)
    return network, newborn, draw(st.integers(0, 2**32 - 1))


def check_kept(network: Network, after: Synapses, newborn: Newborn) -> None:
    """The number is exact, pairs are distinct, survivors are as before, newborns as was said."""
    before = network.projections[0].synapses
    assert after.n_active == before.n_active == len(pairs(after))
    assert after.constant_weight == before.constant_weight
    old, new = weight_of(before), weight_of(after)
    late = None if after.delays is None else dict(zip(new, after.delays.tolist(), strict=True))
    early = None
    if before.delays is not None:
        early = dict(zip(old, before.delays.tolist(), strict=True))
    own = network.projections[0].source == "out"
    for pair, weight in new.items():
        if late is not None and early is not None:
            # a pair that was dropped may have grown again, as another synapse
            assert late[pair] in ({early.get(pair)} | set(range(20, 25)))
            is_new = late[pair] >= 20
        else:
            is_new = pair not in old
        if is_new:
            assert weight == (0.25 if newborn.weights is not None else before.constant_weight)
            assert newborn.autapses or not own or pair[0] != pair[1] or pair in old
        else:
            assert weight in (old[pair], 0.25)


@given(networks(), st.floats(0.01, 1))
def test_random_rewiring_keeps_the_budget(
    drawn: tuple[Network, Newborn, int], share: float
) -> None:
    network, newborn, seed = drawn
    before = network.projections[0].synapses
    hook = SimulationRewirer(
        {"p": replace(newborn, autapses=True)},
        drop=RandomShare(share),
        rng=np.random.default_rng(seed),
    )
    changes = hook(moment_of(network))
    if changes:
        check_kept(network, changes["p"], replace(newborn, autapses=True))
        n_dropped = round(share * before.n_active)
        assert len(pairs(before) - pairs(changes["p"])) <= n_dropped
    else:
        assert round(share * before.n_active) == 0


@given(networks(), st.floats(0.1, 20), st.data())
def test_homeostatic_rewiring_keeps_the_budget(
    drawn: tuple[Network, Newborn, int], speed: float, data: st.DataObject
) -> None:
    network, newborn, seed = drawn
    size = network.populations["out"].size
    counts = np.array(data.draw(st.lists(st.integers(0, 10), min_size=size, max_size=size)))
    hook = HomeostaticRewirer({"p": newborn}, 0.4, speed=speed, rng=np.random.default_rng(seed))
    before = network.projections[0].synapses
    for name, after in hook(moment_of(network, counts)).items():
        assert name == "p"
        check_kept(network, after, newborn)
        change = after.fan_in - before.fan_in
        assert (change[counts > 4] <= 0).all()
        assert (change[counts < 4] >= 0).all()
        assert (np.abs(change) <= np.ceil(speed * np.abs(1 - counts / 4))).all()


def test_newborns_are_uniform_among_dormant_pairs() -> None:
    """Every pair that was not connected is reached equally often; so is every one dropped."""
    rng = np.random.default_rng(3)
    synapses = Synapses.random(6, 4, density=0.25, weights=1.0, rng=rng)
    network = network_of(Projection("in", "out", synapses), n_in=6, n_out=4)
    old = pairs(synapses)
    hook = SimulationRewirer(["in->out"], drop=RandomShare(1 / 6), rng=rng)  # one of six
    born, gone = np.zeros((6, 4)), np.zeros((6, 4))
    n = 2000
    for step in range(n):
        after = pairs(hook(moment_of(network, step=step))["in->out"])
        for pair in after - old:
            born[pair] += 1
        for pair in old - after:
            gone[pair] += 1
    is_old = np.zeros((6, 4), dtype=bool)
    is_old[tuple(np.array(sorted(old)).T)] = True
    assert not born[is_old].any()
    assert stats.chisquare(born[~is_old]).pvalue > P_LEAST
    assert stats.chisquare(gone[is_old]).pvalue > P_LEAST
    # the pair just dropped is one of the 19 free ones
    assert born.sum() == pytest.approx(n * 18 / 19, abs=4 * np.sqrt(n / 19))


def test_homeostasis_chooses_sources_and_inputs_uniformly() -> None:
    synapses = Synapses.from_edges([0, 1, 2, 3, 5], [0, 0, 0, 0, 1], 1.0, n_pre=6, n_post=2)
    network = network_of(Projection("in", "out", synapses), n_in=6, n_out=2)
    hook = HomeostaticRewirer(["in->out"], 0.5, speed=2.0, rng=np.random.default_rng(4))
    lost, won = np.zeros(4), np.zeros(5)
    for step in range(1500):  # neuron 0 at twice the target, neuron 1 silent: two of each
        after = pairs(hook(moment_of(network, [10, 0], step=step))["in->out"])
        kept = [pre for pre, post in after if post == 0]
        lost[np.setdiff1d(range(4), kept)] += 1
        won[[pre for pre, post in after if post == 1 and pre != 5]] += 1
    assert lost.sum() == won.sum() == 3000
    assert stats.chisquare(lost).pvalue > P_LEAST
    assert stats.chisquare(won).pvalue > P_LEAST


def test_more_want_to_lose_than_to_gain() -> None:
    """The total is kept; who of those that fire too much must wait is drawn."""
    synapses = Synapses.fixed_fan_in(20, 6, fan_in=4, weights=1.0, rng=np.random.default_rng(1))
    network = network_of(Projection("in", "out", synapses), n_in=20, n_out=6)
    hook = HomeostaticRewirer(["in->out"], 0.5, speed=1.0, rng=np.random.default_rng(1))
    lost = np.zeros(6)
    for step in range(500):  # at twice the target, but for the last, which is silent
        after = hook(moment_of(network, [10, 10, 10, 10, 10, 0], step=step))["in->out"]
        change = after.fan_in - synapses.fan_in
        assert change[5] == 1
        lost += change < 0
    assert stats.chisquare(lost[:5]).pvalue > P_LEAST
    assert hook(moment_of(network, [10] * 6)) == {}


def test_inhibition_goes_the_other_way() -> None:
    synapses = Synapses.fixed_fan_in(20, 2, fan_in=5, weights=-1.0, rng=np.random.default_rng(1))
    network = network_of(Projection("in", "out", synapses), n_in=20, n_out=2)
    hook = HomeostaticRewirer(["in->out"], {"out": 0.5}, speed=3.0, rng=np.random.default_rng(1))
    after = hook(moment_of(network, [10, 0]))["in->out"]
    assert after.fan_in.tolist() == [8, 2]
    assert after.constant_weight == -1.0


def test_a_target_for_every_neuron() -> None:
    synapses = Synapses.fixed_fan_in(20, 2, fan_in=5, weights=1.0, rng=np.random.default_rng(1))
    network = network_of(Projection("in", "out", synapses), n_in=20, n_out=2)
    rng = np.random.default_rng(1)
    hook = HomeostaticRewirer.from_hz(["in->out"], [100.0, 400.0], 1.0, speed=2.0, rng=rng)
    assert hook(moment_of(network, [2, 2]))["in->out"].fan_in.tolist() == [4, 6]


def test_signs_by_rule_and_integer_weights() -> None:
    """Dale's law, though the simulator has synapses by presynaptic row."""
    neuron = FixedPointLIF(du=4095, dv=409, vth=1 << 14)
    signs = np.array([1, -1, 1, -1, -1])
    rng = np.random.default_rng(2)
    synapses = Synapses.random(
        5, 7, density=0.4, weights=np.full(14, 2, np.int16), rng=rng, dtype=np.int16
    )
    synapses = synapses.with_weights((2 * signs[synapses.indices]).astype(np.int16))
    network = Network(
        {"in": Population(5), "out": Population(7, neuron)}, [Projection("in", "out", synapses)]
    )
    newborn = Newborn(weights=lambda r, n: r.integers(3, 6, n), signs=DaleSigns(signs))
    hook = SimulationRewirer({"in->out": newborn}, drop=RandomShare(0.5), rng=rng)
    after = hook(moment_of(network))["in->out"]
    assert after.dtype == np.int16
    assert (np.sign(after.weights) == signs[after.indices]).all()
    assert set(np.abs(after.weights).tolist()) >= {2, 3}


def test_a_rule_of_ones_own_and_one_budget_for_two_projections() -> None:
    class FromSource(LayerDropRule):
        def choose(self, layer: LayerView, context: Context) -> Any:
            assert layer.by_pre
            return np.flatnonzero(layer.rows == 3)

    rng = np.random.default_rng(2)
    two = [
        Projection("in", "out", Synapses.random(12, 9, density=0.5, weights=w, rng=rng), name=name)
        for name, w in (("a", 1.0), ("b", 2.0))
    ]
    network = network_of(*two)
    hook = SimulationRewirer(["a", "b"], drop=FromSource(), budget=GlobalBudget(), rng=rng)
    changes = hook(moment_of(network))
    assert sum(s.n_active for s in changes.values()) == network.n_synapses
    for projection in two:
        gone = pairs(projection.synapses) - pairs(changes[projection.name])
        assert {pre for pre, _ in gone} <= {3}


def test_rules_are_told_the_step_of_the_simulation() -> None:
    class FromRow(LayerDropRule):
        def choose(self, layer: LayerView, context: Context) -> Any:
            return np.flatnonzero(layer.rows == context.step)

    rng = np.random.default_rng(2)
    synapses = Synapses.random(12, 9, density=0.5, weights=1.0, rng=rng)
    network = network_of(Projection("in", "out", synapses))
    hook = SimulationRewirer(["in->out"], drop=FromRow(), grow=Uniform(again=False), rng=rng)
    for step in (3, 7):
        after = hook(moment_of(network, step=step))["in->out"]
        gone = pairs(synapses) - pairs(after)
        assert gone == {(pre, post) for pre, post in pairs(synapses) if pre == step}


def test_rules_that_remember_are_refused() -> None:
    rng = np.random.default_rng(2)
    synapses = Synapses.random(12, 9, density=0.5, weights=1.0, rng=rng)
    network = network_of(Projection("in", "out", synapses))
    hook = SimulationRewirer(["in->out"], drop=AdaptiveThreshold(0.1), rng=rng)
    with pytest.raises(ParameterError, match="one of them remembers threshold from call to call"):
        hook(moment_of(network))


# ---------------------------------------------------------------------- inside simulate


def lively(rng: np.random.Generator) -> Network:
    synapses = Synapses.random(
        40,
        40,
        density=0.2,
        weights=lambda r, n: r.uniform(0.0, 0.05, n).astype(np.float32),
        delays=lambda r, n: r.integers(1, 5, n),
        rng=rng,
    )
    drive = Synapses.random(30, 40, density=0.2, weights=0.3, rng=rng)
    return Network(
        {"in": Population(30), "out": Population(40, LIF(du=1.0, dv=0.1, vth=1.0))},
        [Projection("in", "out", drive), Projection("out", "out", synapses)],
    )


def both(seed: int) -> Callable[[Moment], dict[str, Synapses]]:
    """Random rewiring of one projection, homeostatic rewiring of the other."""
    newborn = Newborn(weights=0.02, delays=2, autapses=False)
    one = SimulationRewirer(["in->out"], drop=RandomShare(0.1), rng=np.random.default_rng(seed))
    two = HomeostaticRewirer({"out->out": newborn}, 0.18, speed=2, rng=np.random.default_rng(seed))
    return lambda moment: {**one(moment), **two(moment)}


def test_a_run_in_pieces_rewires_as_in_one() -> None:
    """New hooks of the same seed go on where the old ones stopped: they keep nothing."""
    network = lively(np.random.default_rng(0))
    inputs = {"in": Poisson(0.1)}
    whole = simulate(
        network, inputs, 120, rng=np.random.default_rng(5), between=both(7), between_every=20
    )
    first = simulate(
        network, inputs, 60, rng=np.random.default_rng(5), between=both(7), between_every=20
    )
    second = simulate(
        first.network, inputs, 60, state=first.state, between=both(7), between_every=20, threads=2
    )
    for old, new in zip(network.projections, whole.network.projections, strict=True):
        assert new.synapses.n_active == old.synapses.n_active
        assert new.synapses != old.synapses
    for mine, theirs in zip(whole.network.projections, second.network.projections, strict=True):
        assert mine.synapses == theirs.synapses
    assert whole.spikes["out"].window(60, 120) == second.spikes["out"]
    other = simulate(
        network, inputs, 120, rng=np.random.default_rng(5), between=both(8), between_every=20
    )
    assert other.network.projections[0].synapses != whole.network.projections[0].synapses


def test_rates_approach_the_target() -> None:
    """Neurons that are driven unequally end up at nearly the same rate."""
    rng = np.random.default_rng(11)
    n, target = 100, 0.06
    synapses = Synapses.fixed_fan_in(400, n, fan_in=40, weights=0.15, rng=rng)
    network = Network(
        {"in": Population(400), "out": Population(n, LIF(du=1.0, dv=0.1, vth=1.0))},
        [Projection("in", "out", synapses)],
    )
    inputs = {"in": Poisson(0.02), "out": np.tile(np.linspace(-0.05, 0.05, n), (20_000, 1))}
    hook = HomeostaticRewirer(["in->out"], target, speed=2.0, rng=rng)
    run = simulate(network, inputs, 12_000, rng=rng, between=hook, between_every=200)
    rates = {
        part: run.spikes["out"].window(start, start + 2000).counts() / 2000
        for part, start in (("begin", 0), ("end", 10_000))
    }
    assert rates["begin"].std() > 0.01
    assert rates["end"].std() < rates["begin"].std() / 3
    errors = {part: np.abs(rate - target).mean() for part, rate in rates.items()}
    assert errors["end"] < errors["begin"] / 3
    assert run.network.n_synapses == network.n_synapses
    fan_in = run.network.projections[0].synapses.fan_in
    assert np.corrcoef(fan_in, np.arange(n))[0, 1] < -0.8  # less drive, more synapses


# ---------------------------------------------------------------------- bad input

RNG = np.random.default_rng(0)
CONSTANT = Synapses.random(12, 9, density=0.5, weights=1.0, rng=RNG)
VARIED = CONSTANT.with_weights(RNG.normal(size=CONSTANT.n_active).astype(np.float32))
DELAYED = Synapses.random(
    12, 9, density=0.5, weights=1.0, delays=lambda r, n: r.integers(1, 3, n), rng=RNG
)
TIED = Synapses.fixed_fan_in(12, 9, fan_in=4, multapses=True, weights=1.0, rng=RNG)


@pytest.mark.parametrize(
    ("synapses", "newborn", "message"),
    [
        (CONSTANT, Newborn(weights=2.0), "'p': all synapses share the weight 1, and so do"),
        (VARIED, Newborn(), "'p': say in Newborn\\(weights="),
        (CONSTANT, Newborn(delays=2), "'p': the projection has one delay"),
        (DELAYED, Newborn(), "'p': say in Newborn\\(delays="),
        (DELAYED, Newborn(delays=0), "delays: got 0; allowed is 1 to 255"),
        (TIED, Newborn(), "'p': holds multapses"),
    ],
)
def test_newborns_that_do_not_fit(synapses: Synapses, newborn: Newborn, message: str) -> None:
    network = network_of(Projection("in", "out", synapses, name="p"))
    for hook in (
        SimulationRewirer({"p": newborn}, drop=RandomShare(0.5), rng=np.random.default_rng(0)),
        HomeostaticRewirer({"p": newborn}, 0.5, speed=3, rng=np.random.default_rng(0)),
    ):
        with pytest.raises(NeurosparseError, match=message):
            hook(moment_of(network, [10, 0] * 4 + [5]))


def test_what_homeostasis_refuses() -> None:
    network = network_of(Projection("in", "out", VARIED, name="p"))
    rng = np.random.default_rng(0)
    with pytest.raises(NeurosparseError, match="'p': holds weights of both signs"):
        HomeostaticRewirer({"p": Newborn(weights=1.0)}, 0.5, rng=rng)(moment_of(network))
    network = network_of(Projection("in", "out", CONSTANT, name="p"))
    with pytest.raises(NeurosparseError, match="target: no rate for 'out'; there are \\['E'\\]"):
        HomeostaticRewirer(["p"], {"E": 0.5}, rng=rng)(moment_of(network))
    with pytest.raises(NeurosparseError, match="target: got 3 rates for the 9 neurons of 'out'"):
        HomeostaticRewirer(["p"], [0.5] * 3, rng=rng)(moment_of(network))
    for bad in (0, -1.0, np.nan, np.inf, [0.5, 0.0]):
        with pytest.raises(NeurosparseError, match=r"target: got .*; allowed is > 0, finite"):
            HomeostaticRewirer(["p"], bad, rng=rng)
    with pytest.raises(NeurosparseError, match="speed: got 0; allowed is > 0"):
        HomeostaticRewirer(["p"], 0.5, speed=0, rng=rng)
    with pytest.raises(NeurosparseError, match="dt_ms: got -1; allowed is > 0"):
        HomeostaticRewirer.from_hz(["p"], 5, -1, rng=rng)


def test_projections_are_named() -> None:
    rng, drop = np.random.default_rng(0), RandomShare(0.5)
    network = network_of(Projection("in", "out", CONSTANT, name="p"))
    with pytest.raises(NeurosparseError, match="projections: no projection 'q'; there are 'p'"):
        SimulationRewirer(["q"], drop=drop, rng=rng)(moment_of(network))
    with pytest.raises(NeurosparseError, match="projections: got 'p'; expected a list"):
        SimulationRewirer("p", drop=drop, rng=rng)
    with pytest.raises(NeurosparseError, match="projections: got none"):
        SimulationRewirer([], drop=drop, rng=rng)
    with pytest.raises(NeurosparseError, match="'p' has a float; expected Newborn"):
        SimulationRewirer({"p": 0.5}, drop=drop, rng=rng)  # type: ignore[dict-item]
    with pytest.raises(NeurosparseError, match=r"rng: got 0; pass numpy\.random"):
        SimulationRewirer(["p"], drop=drop, rng=0)  # type: ignore[arg-type]
    with pytest.raises(NeurosparseError, match="share: got 0; allowed is 0 < value <= 1"):
        RandomShare(0)
