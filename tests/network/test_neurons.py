from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.errors import NeurosparseError, ParameterError, ShapeError
from neurosparse.network import LIF, FixedPointLIF
from tests.strategies.exact import fixed_point_lifs, lifs

NAN, INF = float("nan"), float("inf")

BAD_LIF: list[tuple[dict[str, Any], str]] = [
    ({"du": -0.1}, r"du: got -0.1; allowed is 0 to 1"),
    ({"du": 1.5}, r"du: got 1.5; allowed is 0 to 1"),
    ({"du": (0.5, 2.0)}, r"du: got 2.0; allowed is 0 to 1"),
    ({"du": NAN}, r"du: 1 of 1 entries are not finite"),
    ({"du": ()}, r"du: got no receptor"),
    ({"du": "fast"}, r"du: got 'fast'; expected a number"),
    ({"dv": -1e-9}, r"dv: got -1e-09; allowed is 0 to 1"),
    ({"dv": [0.1, 1.1]}, r"dv: got 1.1; allowed is 0 to 1"),
    ({"dv": NAN}, r"dv: 1 of 1 entries are not finite \(first at 0: nan\)"),
    ({"vth": 0.0}, r"vth: got 0.0; allowed is > 0"),
    ({"vth": [1.0, -2.0]}, r"vth: got -2.0; allowed is > 0"),
    ({"vth": INF}, r"vth: 1 of 1 entries are not finite"),
    ({"vth": "high"}, r"vth: got 'high'; expected a number or a vector"),
    ({"bias": [0.0, NAN, INF]}, r"bias: 2 of 3 entries are not finite \(first at 1: nan\)"),
    ({"v_reset": 1.0}, r"v_reset: got 1.0; it must lie below vth=1.0"),
    ({"v_reset": [0.0, 2.0]}, r"v_reset: got .* it must lie below vth=1.0"),
    ({"refractory": -1}, r"refractory: got -1; allowed is a whole number >= 0"),
    ({"refractory": 1.5}, r"refractory: got 1.5; allowed is a whole number >= 0"),
    ({"refractory": True}, r"refractory: got True"),
    ({"reset": "soft"}, r"reset: got 'soft'; allowed is 'zero' or 'subtract'"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_LIF)
def test_lif_names_what_is_out_of_range(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        LIF(**arguments)


def test_lif_refuses_matrices() -> None:
    with pytest.raises(ShapeError, match=r"vth: got shape \(2, 2\); expected a number or a vector"):
        LIF(vth=np.ones((2, 2)))


@pytest.mark.parametrize(
    "arguments",
    [{"du": 0}, {"du": 1}, {"dv": 0}, {"dv": 1}, {"vth": 5e-324}, {"v_reset": -1e300}],
)
def test_lif_takes_the_ends_of_its_ranges(arguments: dict[str, Any]) -> None:
    lif = LIF(**arguments)
    for name, value in arguments.items():
        assert getattr(lif, name) == value


def test_lif_numbers_its_receptors() -> None:
    assert LIF(du=0.25).decays_u == (0.25,)
    assert LIF(du=(0.25,)) == LIF(du=0.25)
    two = LIF(du=[0.25, 0.5])  # type: ignore[arg-type]
    assert (two.n_receptors, two.decays_u) == (2, (0.25, 0.5))


def test_vectors_are_copied_and_read_only() -> None:
    mine = np.array([1.0, 2.0])
    lif = LIF(vth=mine)
    mine[0] = 7.0
    assert isinstance(lif.vth, np.ndarray)
    assert lif.vth.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        lif.vth[0] = 3.0


@given(lifs(size=3, max_receptors=3))
def test_lifs_equal_themselves_and_nothing_else(lif: LIF) -> None:
    fields = {name: getattr(lif, name) for name in LIF.__dataclass_fields__}
    assert LIF(**fields) == lif
    assert LIF(**(fields | {"refractory": lif.refractory + 1})) != lif
    assert lif != FixedPointLIF()
    assert lif != "LIF"


def test_a_vector_differs_from_a_number() -> None:
    assert LIF(vth=[1.0, 1.0]) != LIF(vth=1.0)


@given(
    tau=st.floats(1e-3, 1e6),
    dt=st.floats(1e-3, 10),
)
def test_two_half_steps_decay_as_one(tau: float, dt: float) -> None:
    whole = LIF.from_time_constants(tau, tau, dt)
    half = LIF.from_time_constants(tau, tau, dt / 2)
    assert whole.dv == pytest.approx(1 - (1 - half.dv) ** 2, rel=1e-9, abs=1e-15)
    assert whole.du == whole.dv


def test_time_constants_become_decays_and_steps() -> None:
    lif = LIF.from_time_constants(
        20.0, (5.0, 10.0), 0.5, v_th_mv=15, v_reset_mv=-2, refractory_ms=2.2, reset="subtract"
    )
    assert lif.dv == pytest.approx(1 - math.exp(-0.5 / 20), rel=1e-14)
    assert lif.decays_u == pytest.approx((1 - math.exp(-0.1), 1 - math.exp(-0.05)), rel=1e-14)
    assert (lif.vth, lif.v_reset, lif.refractory, lif.reset) == (15, -2, 4, "subtract")


def test_no_synaptic_filter_and_no_leak() -> None:
    lif = LIF.from_time_constants(INF)
    assert (lif.du, lif.dv) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tau_mem_ms": 0}, "tau_mem_ms: got 0; allowed is > 0 ms"),
        ({"tau_mem_ms": NAN}, "tau_mem_ms: got nan"),
        ({"tau_mem_ms": 1, "tau_syn_ms": -1}, "tau_syn_ms: got -1"),
        ({"tau_mem_ms": 1, "tau_syn_ms": (1, 0)}, "tau_syn_ms: got 0"),
        ({"tau_mem_ms": 1, "dt_ms": 0}, "dt_ms: got 0; allowed is > 0 ms, finite"),
        ({"tau_mem_ms": 1, "dt_ms": INF}, "dt_ms: got inf"),
        ({"tau_mem_ms": 1, "refractory_ms": -1}, "refractory_ms: got -1; allowed is >= 0 ms"),
        ({"tau_mem_ms": 1, "refractory_ms": INF}, "refractory_ms: got inf"),
    ],
)
def test_time_constants_out_of_range(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        LIF.from_time_constants(**arguments)


# name, least, most: the widths of Lava's LIF
FIXED_RANGES = [
    ("du", 0, 4095),
    ("dv", 0, 4095),
    ("vth", 0, 131071),
    ("bias_mant", -4096, 4095),
    ("bias_exp", 0, 7),
]


@pytest.mark.parametrize(("name", "least", "most"), FIXED_RANGES)
def test_fixed_point_ranges(name: str, least: int, most: int) -> None:
    for value in (least, most):
        assert getattr(FixedPointLIF(**{name: value}), name) == value
    for value in (least - 1, most + 1):
        with pytest.raises(ParameterError, match=f"{name}: got {value}; allowed is .*{least}"):
            FixedPointLIF(**{name: value})
    for odd in (1.0, "1", True, None):
        with pytest.raises(ParameterError, match=f"{name}: got {odd!r}"):
            FixedPointLIF(**{name: odd})


@pytest.mark.parametrize("name", ["vth", "bias_mant"])
def test_fixed_point_vectors(name: str) -> None:
    neuron = FixedPointLIF(**{name: np.array([1, 2], dtype=np.int8)})
    assert getattr(neuron, name).dtype == np.int64
    with pytest.raises(ParameterError, match=f"{name}: got 200000; allowed is"):
        FixedPointLIF(**{name: [1, 200000]})
    with pytest.raises(NeurosparseError, match=name):
        FixedPointLIF(**{name: [[1]]})


@given(fixed_point_lifs(size=2))
def test_fixed_point_equality(neuron: FixedPointLIF) -> None:
    fields = {name: getattr(neuron, name) for name in FixedPointLIF.__dataclass_fields__}
    assert FixedPointLIF(**fields) == neuron
    assert neuron.n_receptors == 1


def test_vectors_must_match_the_population() -> None:
    message = "population 'out': vth has 2 entries; expected one number or 3"
    with pytest.raises(ShapeError, match=message):
        LIF(vth=[1.0, 2.0]).check_size("out", 3)
    with pytest.raises(ShapeError, match="bias_mant has 2 entries"):
        FixedPointLIF(bias_mant=[1, 2]).check_size("out", 3)
    LIF(vth=[1.0, 2.0, 3.0]).check_size("out", 3)
