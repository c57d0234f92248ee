"""Descriptions of schemes: equal for equal settings, different for different ones, no addresses."""

from __future__ import annotations

import functools
import re
from typing import Any

import numpy as np
import pytest

from neurosparse.sparsify import (
    CATALOGUE,
    DaleSigns,
    FixedSigns,
    Plan,
    deep_r,
    deep_r_global,
    gmp,
    rigl,
    set_,
)
from neurosparse.sparsify.description import describe

PLAN: dict[str, Any] = {
    "n_active": (100, 40),
    "epochs": 10,
    "steps_per_epoch": 100,
    "n_potential": 1500,
    "n_patterns": 640,
}


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_recipe_by_its_settings_alone(name: str) -> None:
    one, two = (CATALOGUE[name].make(Plan(**PLAN)) for _ in range(2))
    assert repr(one) == repr(two) == describe(one)
    assert repr(name) in repr(one)
    assert not re.search(r"\bat 0x|object at", repr(one))


def test_settings_tell_schemes_apart() -> None:
    rate = {"every": 5, "n_steps": 100}
    schemes = [
        deep_r(),
        deep_r(l1=1.0),
        deep_r(temperature=1.0),
        deep_r(signs=FixedSigns(1)),
        deep_r(signs=FixedSigns(2)),
        deep_r(signs=DaleSigns(np.ones(50, dtype=int))),
        deep_r(signs=DaleSigns(-np.ones(50, dtype=int))),
        deep_r_global(),
        deep_r_global(shares=[1.0, 2.0]),
        set_(every=5),
        set_(every=6),
        rigl(**rate),
        rigl(**{**rate, "n_steps": 200}),
        gmp([3, 4], start=1, stop=9, every=2),
        gmp([3, 5], start=1, stop=9, every=2),
        gmp([3, 4], start=1, stop=8, every=2),
    ]
    assert len({repr(scheme) for scheme in schemes}) == len(schemes)


def test_functions_by_name_and_what_they_enclose() -> None:
    def power(exponent: float) -> Any:
        return lambda x: x**exponent

    assert describe(power(2.0)) == describe(power(2.0)) != describe(power(3.0))
    assert describe(functools.partial(power, exponent=2.0)).endswith("power, exponent=2.0)")
    assert describe(np.float32(0.5)) == "0.5"
    assert describe({"b", "a"}) == "{'a', 'b'}"
    assert describe([1, None, ("x", True)]) == "(1, None, ('x', True))"
    assert "0x" not in describe(object())
