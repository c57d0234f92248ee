"""Messages of sources that do not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurosparse.errors import ParameterError
from neurosparse.network import (
    FixedPointLIF,
    Network,
    Population,
    Projection,
    Spikes,
    SynapseFormat,
    Synapses,
)
from neurosparse.simulate import Probe, simulate, simulate_batch


def network(*bits: int) -> Network:
    """Return a source and one projection for every length of messages."""
    synapses = Synapses.all_to_all(np.full((2, 3), 2), dtype=np.int16)
    return Network(
        {"in": Population(3), "n": Population(2, FixedPointLIF())},
        [
            Projection("in", "n", synapses, name=f"p{n}", format=SynapseFormat(num_message_bits=n))
            for n in bits
        ],
    )


TABLE = np.array([[0, 3, -1], [7, 0, 0]])


@pytest.mark.parametrize(
    ("bits", "table", "message"),
    [
        ((0,), TABLE, r"inputs\['in'\]: a raster holds zeros and ones only"),
        ((3,), TABLE + 1, "got 8; allowed is -7 to 7, as projection 'p3' sends messages of 3 bits"),
        ((5, 2, 0), TABLE, "got 7; allowed is -3 to 3, as projection 'p2' sends messages of 2"),
        ((24,), TABLE.astype(float), "got float64 messages; expected integers"),
        ((24,), TABLE * 1j, "got complex128 messages"),
        ((24,), np.array([[0, 0, 2**24]]), "got 16777216; allowed is -16777215 to 16777215"),
        ((24,), np.array([[0, 0, 2**63]], np.uint64), "got 9223372036854775808; allowed"),
    ],
)
def test_mistakes(bits: tuple[int, ...], table: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        simulate(network(*bits), {"in": table})
    with pytest.raises(ParameterError, match=message):
        simulate_batch(network(*bits), table[None])


def test_one_bit_is_a_sign() -> None:
    signs = np.array([[1, -1, 0], [0, 0, -1]])
    form = network(1)
    by_table = simulate(form, {"in": signs}, 4)
    by_spikes = simulate(form, {"in": Spikes.from_raster(signs, signed=True)}, 4)
    assert by_table.state == by_spikes.state
    assert by_table.activity.spikes["in"] == 3


def test_signs_do_not_matter_without_messages() -> None:
    signed = Spikes.from_raster([[1, -1, 0], [0, 0, -1]], signed=True)
    plain = Spikes.from_raster(signed.raster())
    one, other = (simulate(network(0), {"in": train}, 4) for train in (signed, plain))
    assert one.spikes["n"].n_spikes > 0
    assert one.spikes == other.spikes


@pytest.mark.parametrize("n_samples", [1, 8, 11])
def test_a_batch_of_messages(n_samples: int, rng: np.random.Generator) -> None:
    """Lanes and single samples do what `simulate` does with each."""
    samples = rng.integers(-15, 16, (n_samples, 6, 3))
    net = network(4, 0)
    counts = simulate_batch(net, samples).counts["n"]
    for sample, count in zip(samples, counts, strict=True):
        run = simulate(net, {"in": sample}, 7)
        assert run.spikes["n"].window(1, 7).counts().tolist() == count.tolist()
    assert counts.any()


def test_sums_turn_over_at_32_bits_before_they_are_rounded() -> None:
    weight, message, bits = -256, -(2**23) - 1, 7
    form = SynapseFormat(weight_exp=-bits, num_message_bits=24)
    edges = ([0], [0], np.array([weight]))
    synapses = Synapses.from_edges(*edges, n_pre=1, n_post=1, dtype=np.int16)
    net = Network(
        {"in": Population(1), "n": Population(1, FixedPointLIF(du=0, vth=131071))},
        [Projection("in", "n", synapses, format=form)],
    )
    run = simulate(net, {"in": np.array([[message]])}, 2, probes=[Probe("n", "u")])
    total = np.array([weight * message]).astype(np.int32)  # turns over
    assert total[0] < 0
    arrived = int(total[0] >> bits) << 6
    assert run.traces[Probe("n", "u")][1, 0] == arrived + 2**24  # u turns over once more
