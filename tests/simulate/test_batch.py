"""A batch of samples does what its samples do one at a time."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.errors import NeurosparseError, ParameterError, ShapeError, TopologyError
from neurosparse.network import LIF, FixedPointLIF, Network, Population, Projection, Synapses
from neurosparse.simulate import Run, batch, simulate, simulate_batch
from tests.strategies.exact import feed_forward_networks
from tests.strategies.integer import draw_messages, message_bits
from tests.strategies.rich import rich_networks

kinds = pytest.mark.parametrize("kind", [np.float32, np.float64, "integer"])


@kinds
@given(data=st.data(), length=st.integers(1, 8), n_samples=st.integers(1, 20))
def test_feed_forward(kind: Any, data: st.DataObject, length: int, n_samples: int) -> None:
    """The counts of `simulate` with ``reset_every``, sample by sample."""
    dtype = np.float32 if kind == "integer" else kind
    network = data.draw(feed_forward_networks(integer=kind == "integer", dtype=dtype))
    network = Network(
        network.populations,
        [
            dataclasses.replace(projection, delay=data.draw(st.integers(1, 4)))
            for projection in network.projections
        ],
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    samples = rng.random((n_samples, length, network.populations["l0"].size)) < 0.5
    record = list(network.populations)
    n_steps = n_samples * length + max(network.depths.values())
    flat = samples.reshape(n_samples * length, -1)
    run = simulate(network, {"l0": flat}, n_steps, reset_every=length, dtype=dtype)
    for threads in (1, 3):
        got = simulate_batch(network, samples, record=record, dtype=dtype, threads=threads)
        assert got.n_steps == length
        for name, counts in got.counts.items():
            windows = run.spikes[name].counts_per_window(length, start=network.depths[name])
            np.testing.assert_array_equal(counts, windows[:n_samples], err_msg=name)


def one_at_a_time(network: Network, inputs: dict[str, Any], dtype: Any) -> list[Run]:
    """Run every sample from rest, each population as of the step in which it sees the sample."""
    n_samples, length = next(iter(inputs.values())).shape[:2]
    n_steps = length + max(network.depths.values())
    return [
        simulate(
            network,
            {name: samples[b] for name, samples in inputs.items()},
            n_steps,
            reset_every=n_steps + 1,
            dtype=dtype,
        )
        for b in range(n_samples)
    ]


@kinds
@given(data=st.data(), length=st.integers(1, 12), n_samples=st.integers(1, 20))
def test_any_network(kind: Any, data: st.DataObject, length: int, n_samples: int) -> None:
    """Loops, delays, multapses, currents: as many separate runs, their activity added up."""
    dtype = np.float32 if kind == "integer" else kind
    network = data.draw(rich_networks(integer=kind == "integer", dtype=dtype))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    inputs: dict[str, Any] = {}
    for name, population in network.populations.items():
        shape = (n_samples, length, population.size)
        if population.neuron is None:
            bits = message_bits(network, name)
            messages = bits and data.draw(st.booleans())
            sent = draw_messages(rng, bits, shape, 0.3) if messages else rng.random(shape) < 0.3
            inputs[name] = sent
        elif data.draw(st.booleans()):
            whole = rng.integers(-50, 90, shape)
            inputs[name] = whole if network.is_integer else rng.normal(0.1, 0.3, shape)
    record = list(network.populations)
    runs = one_at_a_time(network, inputs, dtype)
    room = data.draw(st.sampled_from((1, 1 << 22)))
    lanes_bytes = data.draw(st.sampled_from((0, 1 << 26)))
    for threads in (1, 2, 7):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(batch, "_ROOM", room)
            patched.setattr(batch, "_LANES_BYTES", lanes_bytes)
            got = simulate_batch(network, inputs, record=record, dtype=dtype, threads=threads)
        for name, counts in got.counts.items():
            depth = network.depths[name]
            for one, run in zip(counts, runs, strict=True):
                window = run.spikes[name].window(depth, depth + length)
                np.testing.assert_array_equal(one, window.counts(), err_msg=name)
        assert got.activity.n_steps == sum(run.n_steps for run in runs)
        for part in ("spikes", "synaptic_events", "neuron_updates"):
            total: dict[str, int] = {}
            for run in runs:
                for name, n in getattr(run.activity, part).items():
                    total[name] = total.get(name, 0) + n
            assert getattr(got.activity, part) == total
        for name, overflow in got.overflows.items():
            assert overflow == tuple(np.sum([run.overflows[name] for run in runs], axis=0))


def test_all_forms_of_a_raster_are_the_same() -> None:
    rng = np.random.default_rng(4)
    network = Network(
        {"in": Population(29), "out": Population(11, LIF(dv=0.1))},
        [Projection("in", "out", Synapses.random(29, 11, density=0.3, rng=rng))],
    )
    samples = rng.random((6, 9, 29)) < 0.4
    expected = simulate_batch(network, samples).counts["out"]
    assert expected.sum() > 0
    frozen = samples.astype(np.uint8)
    frozen.setflags(write=False)
    forms = [frozen, samples.astype(float), samples.tolist(), np.asfortranarray(samples)]
    forms.append(np.concatenate([samples, samples], axis=1)[:, ::2][:, :0])  # no steps
    for form in forms[:-1]:
        np.testing.assert_array_equal(simulate_batch(network, form).counts["out"], expected)
    assert simulate_batch(network, forms[-1]).counts["out"].tolist() == np.zeros((6, 11)).tolist()
    assert simulate_batch(network, samples[:0]).counts["out"].shape == (0, 11)


FLOAT = Network(
    {"in": Population(3), "out": Population(2, LIF())},
    [Projection("in", "out", Synapses.all_to_all(np.ones((2, 3))))],
)
INTEGER = Network(
    {"in": Population(3), "out": Population(2, FixedPointLIF())},
    [Projection("in", "out", Synapses.all_to_all(np.ones((2, 3)), dtype=np.int16))],
)
TWO_INPUTS = Network({"a": Population(1), "b": Population(1)})
GOOD = np.ones((2, 4, 3))


@pytest.mark.parametrize(
    ("network", "inputs", "options", "error", "message"),
    [
        (FLOAT, {}, {}, ParameterError, "inputs: got none; expected at least one array"),
        (TWO_INPUTS, GOOD, {}, ParameterError, "inputs: got one array for the inputs"),
        (FLOAT, {"x": GOOD}, {}, TopologyError, "inputs: no population 'x'; there are 'in', 'out'"),
        (FLOAT, GOOD[0], {}, ShapeError, r"got shape \(4, 3\); expected \(batch, n_steps, 3\)"),
        (FLOAT, GOOD[..., :2], {}, ShapeError, r"got shape \(2, 4, 2\)"),
        (
            FLOAT,
            {"in": GOOD, "out": GOOD[:1, :, :2]},
            {},
            ShapeError,
            r"inputs: got \(batch, n_steps\) of \[\(1, 4\), \(2, 4\)\]; expected one",
        ),
        (FLOAT, 2 * GOOD, {}, ParameterError, r"inputs\['in'\]: a raster holds zeros and ones"),
        (FLOAT, (2 * GOOD).astype(np.uint8), {}, ParameterError, "zeros and ones only"),
        (FLOAT, GOOD * np.nan, {}, ParameterError, "zeros and ones only"),
        (FLOAT, {"out": GOOD[..., :2] * np.nan}, {}, ParameterError, "16 of 16 .* not finite"),
        (FLOAT, {"out": GOOD[..., :2] + 1j}, {}, ParameterError, "got complex128 currents"),
        (FLOAT, {"out": GOOD[..., :2] * 1e39}, {}, ParameterError, "as float32: 16 of 16"),
        (INTEGER, {"out": GOOD[..., :2]}, {}, ParameterError, "got float64 currents for an integ"),
        (
            INTEGER,
            {"out": np.full((2, 4, 2), 1 << 40)},
            {},
            ParameterError,
            "got 1099511627776; allowed is -2147483648 to",
        ),
        (FLOAT, GOOD, {"record": ["x"]}, TopologyError, "record: no population 'x'"),
        (FLOAT, GOOD, {"record": "out"}, ParameterError, "record: got 'out'; expected a sequence"),
        (3, GOOD, {}, ParameterError, "network: got 3; expected a Network"),
        (FLOAT, [[[1, 0, 1], [1]]], {}, ShapeError, r"inputs\['in'\]: got rows of several lengths"),
        (FLOAT, GOOD, {"threads": 0}, ParameterError, "threads: got 0; allowed is .* 1 to 1024"),
        (FLOAT, GOOD, {"dtype": int}, ParameterError, "dtype: got .* float32 or float64"),
    ],
)
def test_mistakes(
    network: Any,
    inputs: Any,
    options: Any,
    error: type[NeurosparseError],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        simulate_batch(network, inputs, **options)
