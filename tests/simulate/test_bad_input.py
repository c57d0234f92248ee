"""Each mistake of the user gives one error that names it."""

from __future__ import annotations

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
    Network,
    Spikes,
)
from neurosparse.simulate import Poisson, Probe, StepCurrent, simulate
from tests.simulate.small_networks import FLOAT, INTEGER

RASTER = np.zeros((4, 3))
TWO = np.zeros((4, 3))
TWO[1, 2] = 2
NAN = np.zeros((4, 2))
NAN[3, 1] = np.nan

INPUTS: list[tuple[str, Any, type[NeurosparseError], str]] = [
    (
        "unknown",
        {"inn": RASTER},
        TopologyError,
        "inputs: no population 'inn'; there are 'in', 'out'",
    ),
    (
        "no mapping",
        RASTER,
        ParameterError,
        "inputs: got a ndarray; expected a mapping of population",
    ),
    (
        "flat",
        {"in": np.zeros(3)},
        ShapeError,
        "inputs['in']: got shape (3,); expected (n_steps, 3)",
    ),
    ("wide", {"in": np.zeros((4, 5))}, ShapeError, "got shape (4, 5); expected (n_steps, 3)"),
    ("a two", {"in": TWO}, ParameterError, "inputs['in']: a raster holds zeros and ones only"),
    ("minus one", {"in": -np.ones((4, 3))}, ParameterError, "zeros and ones only"),
    ("text", {"in": np.full((4, 3), "1")}, ParameterError, "zeros and ones only"),
    ("NaN raster", {"in": np.full((4, 3), np.nan)}, ParameterError, "zeros and ones only"),
    ("currents to a source", {"in": RASTER + 0.5}, ParameterError, "zeros and ones only"),
    (
        "spikes too wide",
        {"in": Spikes([0], [0], 4, 7)},
        ShapeError,
        "inputs['in']: spikes of 7 neurons; expected 3",
    ),
    (
        "spikes to neurons",
        {"out": Spikes([0], [0], 4, 2)},
        ShapeError,
        "inputs['out']: got Spikes, but 'out' holds neurons, which take currents",
    ),
    ("currents too wide", {"out": RASTER}, ShapeError, "got shape (4, 3); expected (n_steps, 2)"),
    (
        "NaN currents",
        {"out": NAN},
        ParameterError,
        "inputs['out']: 1 of 8 entries are not finite (first at 7: nan)",
    ),
    (
        "infinite currents",
        {"out": np.full((4, 2), np.inf)},
        ParameterError,
        "inputs['out']: 8 of 8 entries are not finite (first at 0: inf)",
    ),
    ("complex", {"out": np.zeros((4, 2), complex)}, ParameterError, "got complex128 currents"),
    ("text currents", {"out": np.full((4, 2), "a")}, ParameterError, "currents; expected numbers"),
    ("a list", [RASTER], ParameterError, "inputs: got a list; expected a mapping of population"),
    ("ragged", {"in": [[0, 1], [1]]}, ShapeError, "inputs['in']: got rows of several lengths"),
    ("ragged currents", {"out": [[0], [0, 1]]}, ShapeError, "inputs['out']: got rows of several"),
    (
        "nothing",
        {"in": None},
        ParameterError,
        "inputs['in']: got None; expected Spikes, a raster or Poisson",
    ),
    (
        "a class",
        {"out": Poisson},
        ParameterError,
        "inputs['out']: got the class Poisson; expected currents, StepCurrent, NoiseCurrent or",
    ),
    (
        "not a stimulus",
        {"out": [StepCurrent([0], [1.0]), None]},
        ParameterError,
        "inputs['out']: got None; expected currents",
    ),
    (
        "masked",
        {"out": np.ma.masked_array(np.ones((4, 2)), mask=True)},  # type: ignore[no-untyped-call]
        ParameterError,
        "inputs['out']: got a masked array; fill its gaps first",
    ),
]


@pytest.mark.parametrize(
    ("inputs", "error", "message"), [i[1:] for i in INPUTS], ids=[i[0] for i in INPUTS]
)
def test_inputs(inputs: Any, error: type[NeurosparseError], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        simulate(FLOAT, inputs)


def test_currents_beyond_float32() -> None:
    currents = {"out": np.full((1, 2), 1e300)}
    with pytest.raises(ParameterError, match="as float32: 2 of 2 entries are not finite"):
        simulate(FLOAT, currents)
    run = simulate(FLOAT, currents, dtype=np.float64)
    assert run.spikes["out"].n_spikes == 2


def test_currents_whose_sum_is_beyond_float32() -> None:
    one = np.full((5, 2), 3e38)
    message = "inputs['out']: sum of currents from step 0 on: 10 of 10 entries are not finite"
    with pytest.raises(ParameterError, match=re.escape(message)):
        simulate(FLOAT, {"out": [one, one]})
    assert simulate(FLOAT, {"out": [one, -one]}).spikes["out"].n_spikes == 0


@pytest.mark.parametrize(
    ("currents", "message"),
    [
        (np.zeros((4, 2)), "inputs['out']: got float64 currents for an integer network"),
        (np.full((1, 2), 2**31), "inputs['out']: got 2147483648; allowed is -2147483648 to"),
        (np.full((1, 2), -(2**40)), "inputs['out']: got -1099511627776; allowed is"),
        (np.full((1, 2), 2**64 - 1, np.uint64), "inputs['out']: got 18446744073709551615"),
    ],
)
def test_currents_of_an_integer_network(currents: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(message)):
        simulate(INTEGER, {"out": currents})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_steps": None}, ParameterError, "n_steps: needed where no input gives the length"),
        ({"n_steps": -1}, ParameterError, "n_steps: got -1; allowed is a whole number >= 0"),
        ({"n_steps": 2.5}, ParameterError, "n_steps: got 2.5; allowed is a whole number >= 0"),
        ({"reset_every": 0}, ParameterError, "reset_every: got 0; allowed is a whole number >= 1"),
        ({"reset_every": True}, ParameterError, "reset_every: got True"),
        ({"dtype": np.float16}, ParameterError, "allowed is float32 or float64"),
        ({"dtype": int}, ParameterError, "dtype: got <class 'int'>; allowed is float32 or float64"),
        ({"dtype": "floaty"}, ParameterError, "dtype: got 'floaty'; allowed is float32 or float64"),
        ({"dtype": None}, ParameterError, "dtype: got None; allowed is float32 or float64"),
        ({"record": ["exc"]}, TopologyError, "record: no population 'exc'; there are 'in', 'out'"),
        ({"record": [3]}, TopologyError, "record: no population 3; there are 'in', 'out'"),
        ({"record": [["in"]]}, TopologyError, "record: no population ['in']; there are 'in'"),
        ({"n_steps": 2**62 + 1}, ParameterError, "n_steps: got 4611686018427387905 from step 0 on"),
    ],
)
def test_options(options: dict[str, Any], error: type[NeurosparseError], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        simulate(FLOAT, {}, **{"n_steps": 3, **options})


@pytest.mark.parametrize(
    ("probe", "error", "message"),
    [
        (Probe("exc", "v"), TopologyError, "probes: no population 'exc'; there are 'in', 'out'"),
        (Probe("in", "v"), ParameterError, "probes: cannot record 'v' of 'in'; u and v of popul"),
        (Probe("out", "u", receptor=2), ParameterError, "'out' has 2 receptors, numbered from 0"),
        (Probe("out", "v", (0, 2)), TopologyError, "neurons of 'out': 1 entries outside 0..1"),
        (Probe("out", "v", (-1,)), TopologyError, "neurons of 'out': 1 entries outside 0..1"),
        (Probe("out", "v", (2**63,)), TopologyError, "(first at 0: 9223372036854775808)"),
    ],
)
def test_probes(probe: Probe, error: type[NeurosparseError], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        simulate(FLOAT, {}, 3, probes=[probe])


@pytest.mark.parametrize("neurons", [(0.5,), 3, "01", [[0, 1]], {1}, (True, False), (2**70,)])
def test_probe_neurons_are_whole_numbers(neurons: Any) -> None:
    with pytest.raises(ParameterError, match=r"probe of 'out': neurons: got .*whole numbers"):
        Probe("out", "v", neurons)


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        ({"population": 3}, "population: got 3; expected the name of a population"),
        ({"population": ["out"]}, "population: got a list; expected the name of a population"),
        ({"variable": "w"}, "probe of 'out': variable: got 'w'; expected 'u' or 'v'"),
        ({"variable": ["v"]}, "probe of 'out': variable: got ['v']; expected 'u' or 'v'"),
        ({"receptor": -1}, "probe of 'out': receptor: got -1; allowed is a whole number"),
        ({"receptor": 0.5}, "probe of 'out': receptor: got 0.5; allowed is a whole number"),
        ({"receptor": "a"}, "probe of 'out': receptor: got 'a'; allowed is a whole number"),
        ({"receptor": 1}, "probe of 'out': got receptor 1 of v; only u has receptors"),
        ({"every": 0}, "every: got 0; allowed is a whole number >= 1"),
        ({"neurons": [[0], [0, 1]]}, "probe of 'out': neurons: got rows of several lengths"),
    ],
)
def test_probes_of_nothing(probe: dict[str, Any], message: str) -> None:
    with pytest.raises(NeurosparseError, match=re.escape(message)):
        Probe(**{"population": "out", "variable": "v", **probe})


@pytest.mark.parametrize("network", [FLOAT, INTEGER])
def test_a_good_run_still_passes(network: Network) -> None:
    """The networks above are fine; it is the inputs that were not."""
    currents = np.ones((4, 2), np.int32)
    assert simulate(network, {"in": RASTER, "out": currents}).n_steps == 4
