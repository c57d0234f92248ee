"""Whoever leaves 24 bits is counted, and named once."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from neurosparse.errors import RegisterOverflowWarning
from neurosparse.network import LIF, FixedPointLIF, Network, Population, Projection, Synapses
from neurosparse.simulate import Overflow, simulate, simulate_batch

PLAIN = FixedPointLIF(du=4095, dv=0, vth=131071)
NETWORK = Network({"a": Population(2, PLAIN), "b": Population(1, PLAIN), "in": Population(1)})
CURRENTS = {
    "a": np.array([[2**17 + 1, -100_000], [2**17, -100_000], [0, -100_000]]),
    "b": np.array([[-(2**17) - 1], [1], [0]]),
}
EXPECTED = {"a": Overflow(wraps=1, saturations=2), "b": Overflow(wraps=1, saturations=1)}


def test_counts_and_one_warning() -> None:
    """In a, one u turns over, the other v stops twice; in b, u is 2^23 - 64 and then v stops."""
    with pytest.warns(RegisterOverflowWarning) as caught:
        run = simulate(NETWORK, CURRENTS)
    assert run.overflows == EXPECTED
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert str(caught[0].message).startswith(
        "more than 24 bits: population 'a': u turned over 1 times, v was stopped 2 times; "
        "population 'b': u turned over 1 times, v was stopped 1 times."
    )


def test_a_batch_counts_all_samples() -> None:
    samples = {name: np.stack([table] * 11) for name, table in CURRENTS.items()}
    with pytest.warns(RegisterOverflowWarning, match="turned over 11 times") as caught:
        run = simulate_batch(NETWORK, samples, threads=2)
    assert caught[0].filename == __file__
    assert run.overflows == {
        name: Overflow(11 * wraps, 11 * saturations)
        for name, (wraps, saturations) in EXPECTED.items()
    }


def test_nothing_to_say() -> None:
    neurons = Network({"n": Population(2, LIF())})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quiet = simulate(NETWORK, {"a": np.full((3, 2), 1000)})
        floats = simulate(neurons, {"n": np.full((3, 2), 1e9)})
        batch = simulate_batch(neurons, np.full((3, 1, 2), 1e9))
    assert quiet.overflows == {"a": (0, 0), "b": (0, 0)}
    assert floats.overflows == batch.overflows == {}


def test_counts_go_on_across_rewiring() -> None:
    loop = Synapses.from_edges([0], [0], 2, n_pre=1, n_post=1, dtype=np.int16)
    network = Network({"n": Population(1, PLAIN)}, [Projection("n", "n", loop)], inputs=["n"])
    table = np.full((9, 1), 2**17 + 1)
    whole = simulate(network, {"n": table})
    cut = simulate(network, {"n": table}, between=lambda _: {"n->n": loop}, between_every=2)
    assert whole.overflows["n"].wraps == 9
    assert cut.overflows == whole.overflows
