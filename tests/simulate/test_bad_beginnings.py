"""States, options and networks that a run cannot begin with."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
import pytest

from neurosparse.errors import (
    NeurosparseError,
    ParameterError,
    ShapeError,
    TopologyError,
)
from neurosparse.network import (
    LIF,
    FixedPointLIF,
    Network,
    Population,
    Projection,
    Spikes,
    Synapses,
)
from neurosparse.simulate import State, simulate
from tests.simulate.small_networks import FLOAT, INTEGER

DELAYED = Network(
    {"in": Population(3), "out": Population(2, LIF(refractory=4))},
    [
        Projection(
            "in",
            "out",
            Synapses.from_edges([0, 1], [0, 1], 1.0, n_pre=3, n_post=2, delays=[3, 6]),
        )
    ],
)
F32 = np.float32
FLOAT_SYNAPSES = FLOAT.projections[0].synapses


@pytest.mark.parametrize(
    ("part", "value", "error", "message"),
    [
        (
            "pending",
            np.zeros((9, 1, 3), F32),
            ShapeError,
            "got shape (9, 1, 3); expected (9, 1, 2)",
        ),
        (
            "pending",
            np.zeros((5, 1, 2), F32),
            ShapeError,
            "got shape (5, 1, 2); expected (6, 1, 2)",
        ),
        ("pending", np.full((6, 1, 2), np.nan, F32), ParameterError, "12 of 12 entries are not"),
        ("v", np.array([0, np.nan], F32), ParameterError, "v of 'out': 1 of 2 entries are not fin"),
        ("u", np.array([[np.inf, 0]], F32), ParameterError, "u of 'out': 1 of 2 entries are not f"),
        ("v", np.zeros(2), ShapeError, "v of 'out': got dtype float64; this run takes float32"),
        ("wait", np.array([0, 5]), ParameterError, "wait of 'out': got 5; allowed is 0 to 4"),
        ("wait", np.array([0, -1]), ParameterError, "wait of 'out': got -1; allowed is 0 to 4"),
        ("recent", Spikes([], [], 2, 2), ShapeError, "recent of 'out': got 2 steps of 2 neurons"),  # type: ignore[arg-type]
    ],
)
def test_states(part: str, value: Any, error: type[NeurosparseError], message: str) -> None:
    rest = State.at_rest(DELAYED)
    state = dataclasses.replace(rest, **{part: {**getattr(rest, part), "out": value}})
    with pytest.raises(error, match=re.escape(message)):
        simulate(DELAYED, {}, 3, state=state)


def test_a_state_of_another_network_or_arithmetic() -> None:
    with pytest.raises(TopologyError, match="pending: 'out' has no place in it"):
        simulate(FLOAT, {}, 3, state=State.at_rest(DELAYED))
    with pytest.raises(ShapeError, match="got dtype float32; this run takes float64"):
        simulate(FLOAT, {}, 3, state=State.at_rest(FLOAT), dtype=np.float64)
    with pytest.raises(ShapeError, match="this run takes int64"):
        simulate(
            INTEGER,
            {},
            3,
            state=dataclasses.replace(State.at_rest(INTEGER), v={"out": np.zeros(2)}),
        )


@pytest.mark.parametrize("current", [2**17, 2**31 - 1])
def test_an_integer_run_can_be_continued_whatever_u_is(current: int) -> None:
    network = Network({"out": Population(1, FixedPointLIF(du=4095, dv=4095, vth=131071))})
    table = np.full((6, 1), current)
    whole = simulate(network, {"out": table})
    first = simulate(network, {"out": table}, 3)
    assert simulate(network, {"out": table}, 3, state=first.state).state == whole.state


def look(_: Any) -> None:
    """Rewire nothing."""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threads": 0}, "threads: got 0; allowed is a whole number, 1 to 1024"),
        ({"threads": -2}, "threads: got -2; allowed is a whole number, 1 to 1024"),
        ({"threads": 1.5}, "threads: got 1.5; allowed is a whole number"),
        ({"threads": 2000}, "threads: got 2000; allowed is a whole number, 1 to 1024"),
        ({"between": look}, "between_every: needed with between; got None"),
        ({"between_every": 5}, "between_every: got 5, but between was not given"),
        ({"between": look, "between_every": 0}, "between_every: got 0; allowed is a whole number"),
        ({"between": look, "between_every": 1.5}, "between_every: got 1.5; allowed is a whole"),
        ({"checkpoint_every": 5}, "checkpoint_every: got 5, but checkpoint was not given"),
        ({"checkpoint": "a", "checkpoint_every": 0}, "checkpoint_every: got 0; allowed is a who"),
    ],
)
def test_more_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(message)):
        simulate(FLOAT, {}, 10, **options)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Population(0), ParameterError, "size: got 0; allowed is a whole number"),
        (lambda: Network({}), TopologyError, "populations: got none; a network has at least one"),
        (
            lambda: Network(FLOAT.populations, [Projection("in", "exc", FLOAT_SYNAPSES)]),
            TopologyError,
            "projection 'in->exc': no population 'exc'; there are 'in', 'out'",
        ),
        (
            lambda: Network(FLOAT.populations, [Projection("exc", "out", FLOAT_SYNAPSES)]),
            TopologyError,
            "projection 'exc->out': no population 'exc'",
        ),
        (lambda: Projection("in", "out", FLOAT_SYNAPSES, delay=256), ParameterError, "1 to 255"),
        (lambda: Projection("in", "out", FLOAT_SYNAPSES, delay=0), ParameterError, "1 to 255"),
    ],
)
def test_networks(make: Any, error: type[NeurosparseError], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        make()


@pytest.mark.parametrize("delay", [0, 256, -1])
def test_delays_beyond_the_ring(delay: int) -> None:
    with pytest.raises(ParameterError, match=f"delays: .*{delay}"):
        Synapses.from_edges([0], [0], 1.0, n_pre=1, n_post=1, delays=[delay])
