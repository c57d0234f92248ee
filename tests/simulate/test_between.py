"""The hook between steps: a run that rewires is the pieces of it, each with its own network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.errors import NeurosparseError, ParameterError, ShapeError, TopologyError
from neurosparse.network import LIF, Network, Population, Projection, Synapses
from neurosparse.simulate import Moment, simulate
from tests.simulate.agreement import all_probes, assert_same_run, joined, reference_run
from tests.simulate.resumable import rewire, run
from tests.strategies.rich import rich_inputs, rich_networks, rich_states

N_STEPS = 17


def shuffled(synapses: Synapses, rng: np.random.Generator) -> Synapses:
    """Return as many synapses or a few less, elsewhere; delays stay among those there were."""
    n = synapses.n_active - int(rng.integers(0, 3)) * (synapses.n_active > 3)
    pairs = synapses.n_pre * synapses.n_post
    keys = rng.choice(pairs, n, replace=synapses.multapses)
    delays = None
    if synapses.delays is not None:
        delays = synapses.delays[:n].copy()
        if n:
            delays[0] = synapses.delays.max()  # the longest stays
    return Synapses.from_edges(
        keys % synapses.n_pre,
        keys // synapses.n_pre,
        rng.permutation(synapses.weights.copy())[:n],
        n_pre=synapses.n_pre,
        n_post=synapses.n_post,
        delays=delays,
        dtype=synapses.dtype,
        multapses=synapses.multapses,
    )


@pytest.mark.parametrize("kind", [np.float32, "integer"])
@given(data=st.data(), every=st.integers(1, 9), seed=st.integers(0, 2**32))
def test_rewiring_is_running_in_pieces(
    kind: Any, data: st.DataObject, every: int, seed: int
) -> None:
    dtype = np.float32
    network = data.draw(rich_networks(integer=kind == "integer"))
    state = data.draw(rich_states(network))
    inputs = data.draw(rich_inputs(network, N_STEPS))
    rng = np.random.default_rng(seed)
    networks, moments = [network], []

    def shuffle(moment: Moment) -> dict[str, Synapses] | None:
        assert moment.network == networks[-1]
        moments.append(moment)
        chosen = [p for p in moment.network.projections if rng.random() < 0.6]
        changes = {p.name: shuffled(p.synapses, rng) for p in chosen}
        networks.append(moment.network.with_synapses(changes))
        return changes or None

    options: Any = {"probes": all_probes(network), "dtype": dtype}
    threads = data.draw(st.sampled_from((1, 2)))
    whole = simulate(
        network,
        inputs,
        N_STEPS,
        state=state,
        between=shuffle,
        between_every=every,
        threads=threads,
        **options,
    )
    assert whole.network == networks[-1]
    start, pieces = state.step, []
    stop = start + N_STEPS
    while state.step < stop:
        now = networks[len(pieces)]
        n = min(every - state.step % every, stop - state.step)
        piece = simulate(now, inputs, n, state=state, **options)
        slow = reference_run(now, inputs, n, dtype=dtype, state=state)
        assert piece.state == slow.state
        if piece.state.step % every == 0:
            moment = moments[len(pieces)]
            assert (moment.step, moment.n_steps) == (piece.state.step, n)
            assert moment.state == piece.state
            for name, raster in slow.rasters.items():
                np.testing.assert_array_equal(moment.counts[name], (raster != 0).sum(axis=0))
        pieces.append(piece)
        state = piece.state
    assert len(moments) == stop // every - start // every
    pieces[-1] = type(whole)(**{**vars(pieces[-1]), "network": whole.network})
    assert_same_run(whole, joined(pieces))


def test_it_is_called_at_the_same_steps_however_a_run_is_cut() -> None:
    """Hooks that look at step, network and state alone do not see the cut."""
    seen: list[tuple[int, int]] = []

    def note_and_rewire(moment: Moment) -> Any:
        seen.append((moment.step, moment.n_steps))
        return rewire(moment)

    hook: dict[str, Any] = {"between": note_and_rewire, "between_every": 7}
    whole = run(60, **hook)
    assert seen == [(step, 7) for step in range(7, 60, 7)]
    for cut in (1, 24, 35, 59):
        seen.clear()
        first = run(cut, **hook)
        second = run(60 - cut, state=first.state, of=first.network, **hook)
        assert_same_run(whole, joined([first, second]))
        assert second.network == whole.network
        # where the run was cut in between, less is known of the steps since the last call
        assert seen == [(step, min(7, step - cut) if step > cut else 7) for step in range(7, 60, 7)]


def test_counts_begin_with_the_run() -> None:
    moments: list[Moment] = []
    hook: dict[str, Any] = {"between": moments.append, "between_every": 10}
    whole = run(40, **hook)
    first = run(24, **hook)
    run(16, state=first.state, **hook)
    in_one, in_pieces = moments[:4], moments[4:]
    assert [moment.n_steps for moment in in_pieces] == [10, 10, 6, 10]
    for moment, other in zip(in_one, in_pieces, strict=True):
        assert (moment.step, moment.state) == (other.step, other.state)
        for name, spikes in whole.spikes.items():
            own = spikes.window(other.step - other.n_steps, other.step)
            np.testing.assert_array_equal(other.counts[name], own.raster().sum(axis=0))


@given(data=st.data(), every=st.integers(1, 9))
def test_a_hook_that_looks_changes_nothing(data: st.DataObject, every: int) -> None:
    network = data.draw(rich_networks())
    inputs = data.draw(rich_inputs(network, N_STEPS, random=False))
    steps = []

    def look(moment: Moment) -> None:
        steps.append(moment.step)

    options: Any = {"probes": all_probes(network), "record": ["in"]}
    watched = simulate(network, inputs, N_STEPS, between=look, between_every=every, **options)
    assert_same_run(watched, simulate(network, inputs, N_STEPS, **options))
    assert steps == list(range(every, N_STEPS + 1, every))


def own_delay(*delays: int) -> Synapses:
    """Return synapses of one pair, one for each delay."""
    n = len(delays)
    zeros = np.zeros(n, np.int64)
    return Synapses.from_edges(
        zeros, zeros, 2.0, n_pre=1, n_post=1, delays=np.array(delays, np.uint8), multapses=True
    )


@pytest.mark.parametrize("delays", [(9,), (20,), (2,), ()])
def test_what_was_sent_still_arrives(delays: tuple[int, ...]) -> None:
    """Also where the new synapses are all faster than those that sent it, or there are none."""
    network = Network(
        {"in": Population(1), "out": Population(1, LIF())}, [Projection("in", "out", own_delay(9))]
    )

    def grow(moment: Moment) -> Any:
        return {"in->out": own_delay(*delays)} if moment.step == 3 else None

    done = simulate(network, {"in": np.eye(15, 1)}, 30, between=grow, between_every=3)
    assert done.spikes["out"].steps.tolist() == [9]


NETWORK = Network(
    {"in": Population(3), "out": Population(2, LIF())},
    [
        Projection("in", "out", Synapses.all_to_all(np.ones((2, 3)))),
        Projection(
            "out",
            "out",
            Synapses.from_edges([0], [1], 1.0, n_pre=2, n_post=2, delays=[4]),
            name="loop",
        ),
    ],
)
FULL = NETWORK.projections[0].synapses
ONE_MORE = Synapses.from_edges([0, 1], [1, 0], 1.0, n_pre=2, n_post=2, delays=[4, 4])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ([FULL], ParameterError, "between: the hook returned a list; expected None or a mapping"),
        (FULL, ParameterError, "between: the hook returned a Synapses"),
        ({"out->in": FULL}, TopologyError, "no projection 'out->in'; there are 'in->out', 'loop'"),
        ({"in->out": 3}, ParameterError, "between: 'in->out' became 3; expected Synapses"),
        ({3: FULL}, TopologyError, "between: no projection 3; there are 'in->out', 'loop'"),
        (3, ParameterError, "between: the hook returned 3; expected None or a mapping"),
        (False, ParameterError, "between: the hook returned False; expected None or a mapping"),
        ([], ParameterError, "between: the hook returned a list; expected None or a mapping"),
        (np.ones(3), ParameterError, "between: the hook returned a ndarray; expected None or a"),
        (
            {"in->out": Synapses.all_to_all(np.ones((3, 2)))},
            ShapeError,
            r"'in->out' became \(3, 2\); expected \(2, 3\)",
        ),
        (
            {"loop": Synapses.from_edges([0], [1], 1.0, n_pre=2, n_post=2)},
            TopologyError,
            "'loop' must keep its kind of delays",
        ),
        (
            {"in->out": Synapses.all_to_all(np.ones((2, 3)), dtype=np.int16)},
            TopologyError,
            "int16 weights in a float network",
        ),
        (
            {"loop": ONE_MORE},
            TopologyError,
            "between: 8 synapses after rewiring; the budget is 7, .*: drop as many as are grown",
        ),
    ],
)
def test_what_a_hook_may_not_return(
    changes: Any, error: type[NeurosparseError], message: str
) -> None:
    with pytest.raises(error, match=message):
        simulate(NETWORK, {}, 10, between=lambda _: changes, between_every=5)


def test_the_budget_is_that_of_the_begin() -> None:
    """What is dropped now can be grown again later."""
    few = Synapses.from_edges([0], [0], 1.0, n_pre=3, n_post=2)
    plan: list[Callable[[], Any]] = [
        lambda: {"in->out": few},
        lambda: {"loop": ONE_MORE},
        lambda: None,
        lambda: {"in->out": FULL, "loop": own_loop()},
    ]

    def own_loop() -> Synapses:
        return NETWORK.projections[1].synapses

    done = simulate(NETWORK, {}, 12, between=lambda m: plan[m.step // 3 - 1](), between_every=3)
    assert done.network == NETWORK


def test_an_error_in_the_hook_comes_through() -> None:
    def fail(_: Moment) -> None:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        simulate(NETWORK, {}, 10, between=fail, between_every=5)
