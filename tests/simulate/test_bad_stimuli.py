"""Stimuli that cannot be, and stimuli that do not fit the network."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from neurosparse.errors import (
    NeurosparseError,
    ParameterError,
    ShapeError,
)
from neurosparse.network import (
    Network,
)
from neurosparse.simulate import NoiseCurrent, Poisson, StepCurrent, simulate
from tests.simulate.small_networks import FLOAT, INTEGER


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Poisson(-0.5), ParameterError, "rate: got -0.5; allowed is 0 to 500 events per"),
        (lambda: Poisson([1, 2, -3]), ParameterError, "rate: got -3.0; allowed is 0 to 500"),
        (lambda: Poisson([[1], [501]]), ParameterError, "rate: got 501.0; allowed is 0 to 500"),
        (lambda: Poisson(np.nan), ParameterError, "rate: 1 of 1 entries are not finite"),
        (lambda: Poisson([1, np.inf]), ParameterError, "rate: 1 of 2 entries are not finite"),
        (lambda: Poisson("fast"), ParameterError, "rate: got dtype <U4; expected numbers"),
        (lambda: Poisson(None), ParameterError, "rate: got dtype object; expected numbers"),
        (lambda: Poisson(np.ones((1, 1, 1))), ShapeError, "rate: got 3 dimensions; allowed is at"),
        (lambda: Poisson(1, np.nan), ParameterError, "weight: 1 of 1 entries are not finite"),
        (lambda: Poisson(1, [1, 2]), ShapeError, "weight: got 1 dimensions"),
        (lambda: Poisson(1, 1, -1), ParameterError, "receptor: got -1; allowed is a whole number"),
        (lambda: Poisson(1, 1, 0.5), ParameterError, "receptor: got 0.5; allowed is a whole"),
        (lambda: Poisson.from_hz(10, 0), ParameterError, "dt_ms: got 0; allowed is > 0 ms"),
        (lambda: Poisson.from_hz(-10, 1), ParameterError, "rate: got -0.01; allowed is 0 to 500"),
        (lambda: Poisson.from_hz(1e6, 1), ParameterError, "rate: got 1000.0; allowed is 0 to 500"),
        (lambda: StepCurrent([], []), ParameterError, "starts: got []; expected whole numbers"),
        (lambda: StepCurrent([0.5], [1]), ParameterError, "starts: got [0.5]; expected whole"),
        (lambda: StepCurrent([3, 3], [1, 2]), ParameterError, "starts: got [3, 3]; they must asc"),
        (lambda: StepCurrent([-1], [1]), ParameterError, "they must ascend from 0 or later"),
        (lambda: StepCurrent([1], [1, 2]), ShapeError, "values: got shape (2,); expected one for"),
        (lambda: StepCurrent([1], 2), ShapeError, "values: got shape (); expected one for each of"),
        (lambda: StepCurrent([1], [np.nan]), ParameterError, "values: 1 of 1 entries are not fin"),
        (lambda: NoiseCurrent(-1), ParameterError, "std: got -1.0; allowed is >= 0"),
        (lambda: NoiseCurrent(np.inf), ParameterError, "std: 1 of 1 entries are not finite"),
        (lambda: NoiseCurrent(1, np.nan), ParameterError, "mean: 1 of 1 entries are not finite"),
        (lambda: NoiseCurrent([[1]]), ShapeError, "std: got 2 dimensions; allowed is at most 1"),
        (lambda: NoiseCurrent([[1], [1, 2]]), ShapeError, "std: got rows of several lengths"),
        (lambda: Poisson([[1], [1, 2]]), ShapeError, "rate: got rows of several lengths"),
        (
            lambda: Poisson(np.longdouble("1e400")),
            ParameterError,
            "rate: 1 of 1 entries are not fi",
        ),
        (lambda: StepCurrent([[1], [1, 2]], [1]), ShapeError, "starts: got rows of several"),
        (lambda: StepCurrent(np.array([2**63], np.uint64), [1]), ParameterError, "must ascend"),
        (lambda: StepCurrent([1, 2], [[1], [1, 2]]), ShapeError, "values: got rows of several"),
    ],
)
def test_descriptions(make: Any, error: type[NeurosparseError], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        make()


RNG = {"rng": np.random.default_rng(0)}
KEYLESS = "rng: needed to draw Poisson events or noise; pass numpy.random.default_rng(seed)"


@pytest.mark.parametrize(
    ("network", "inputs", "options", "error", "message"),
    [
        (FLOAT, {"in": Poisson(1.0)}, {}, ParameterError, KEYLESS),
        (FLOAT, {"out": NoiseCurrent(1.0)}, {}, ParameterError, KEYLESS),
        (FLOAT, {"in": Poisson(1.0)}, {"rng": 3}, ParameterError, "rng: got 3; pass numpy.random"),
        (
            FLOAT,
            {"in": Poisson([1.0, 2.0])},
            RNG,
            ShapeError,
            "inputs['in']: rates of shape (2,); expected one number, (3,) or (n_steps, 1 or 3)",
        ),
        (FLOAT, {"in": Poisson(np.ones((9, 2)))}, RNG, ShapeError, "rates of shape (9, 2)"),
        (
            FLOAT,
            {"out": Poisson(1.0, receptor=2)},
            RNG,
            ParameterError,
            "inputs['out']: receptor 2, but 'out' has 2 (numbered from 0)",
        ),
        (FLOAT, {"in": Poisson(1.0, 2.0)}, RNG, ParameterError, "Poisson weight of 2.0 for a spi"),
        (FLOAT, {"in": Poisson(1.0, receptor=1)}, RNG, ParameterError, "receptor 1, but 'in' has"),
        (
            FLOAT,
            {"in": StepCurrent([0], [1.0])},
            {},
            ShapeError,
            "inputs['in']: got StepCurrent, but 'in' is a spike source; expected Spikes, a raster",
        ),
        (FLOAT, {"in": NoiseCurrent(1.0)}, RNG, ShapeError, "got NoiseCurrent, but 'in' is a spi"),
        (
            FLOAT,
            {"in": [np.zeros((4, 3)), Poisson(1.0)]},
            RNG,
            ParameterError,
            "inputs['in']: 2 stimuli for a spike source; give one",
        ),
        (FLOAT, {"in": [Poisson(1.0)] * 2}, RNG, ParameterError, "2 stimuli for a spike source"),
        (
            FLOAT,
            {"out": StepCurrent([0], [[1.0, 2.0, 3.0]])},
            {},
            ShapeError,
            "inputs['out']: got values for 3 neurons; expected 1 or 2",
        ),
        (FLOAT, {"out": NoiseCurrent([1.0] * 3)}, RNG, ShapeError, "got values for 3 neurons"),
        (FLOAT, {"out": NoiseCurrent(1, [1.0] * 3)}, RNG, ShapeError, "got values for 3 neurons"),
        (
            FLOAT,
            {"out": [Poisson(1.0), np.zeros((4, 9))]},
            RNG,
            ShapeError,
            "inputs['out']: got shape (4, 9); expected (n_steps, 2)",
        ),
        (
            INTEGER,
            {"out": Poisson(1.0, 0.5)},
            RNG,
            ParameterError,
            "got a Poisson weight of 0.5 for an integer network; expected a whole number",
        ),
        (
            INTEGER,
            {"out": NoiseCurrent(1.0)},
            RNG,
            ParameterError,
            "inputs['out']: noise for an integer network; expected whole currents",
        ),
        (
            INTEGER,
            {"out": StepCurrent([0], [0.5])},
            {},
            ParameterError,
            "inputs['out']: fractional currents for an integer network",
        ),
    ],
)
def test_stimuli(
    network: Network, inputs: Any, options: Any, error: type[NeurosparseError], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        simulate(network, inputs, 3, **options)


@pytest.mark.parametrize(
    ("network", "stimulus"),
    [
        (FLOAT, StepCurrent([0], [1e300])),
        (FLOAT, NoiseCurrent(1e300)),
        (FLOAT, NoiseCurrent(0.0, 1e300)),
        (FLOAT, Poisson(1.0, 1e300)),
        (INTEGER, StepCurrent([0], [2.0**31])),
        (INTEGER, StepCurrent([0], [1e30])),
        (INTEGER, Poisson(1.0, 2.0**31)),
        (INTEGER, Poisson(1.0, 1e30)),
    ],
)
def test_descriptions_beyond_the_arithmetic(network: Network, stimulus: Any) -> None:
    """As `test_currents_beyond_float32` and the currents of integer networks beyond int32."""
    with pytest.raises(ParameterError, match=re.escape("inputs['out']")):
        simulate(network, {"out": stimulus}, 3, rng=np.random.default_rng(0))


def test_noise_beyond_float32_when_it_is_drawn() -> None:
    message = re.escape("inputs['out']: sum of currents from step 0 on: ")
    with pytest.raises(ParameterError, match=message):
        simulate(FLOAT, {"out": NoiseCurrent(3e38)}, 300, rng=np.random.default_rng(0))


@pytest.mark.parametrize("several", [list, tuple])
def test_several_stimuli(several: Any) -> None:
    steps = [StepCurrent([0], [0.5]), StepCurrent([1], [0.25])]
    both = StepCurrent([0, 1], [0.5, 0.75])
    run = simulate(FLOAT, {"out": several(steps)}, 5)
    assert run.state == simulate(FLOAT, {"out": both}, 5).state
