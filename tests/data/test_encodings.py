"""Rate, latency and current encodings."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neurosparse.data import Encoding, current, latency, rate
from neurosparse.errors import ParameterError, ShapeError

images = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(1, 6)),
    elements=st.floats(0, 1, width=32),
)
steps = st.integers(1, 12)


@given(images, steps, st.integers(0, 99))
def test_rate_repeats_and_its_extremes_are_certain(x, n_steps, seed):
    spikes = rate(x, n_steps, np.random.default_rng(seed))
    assert spikes.shape == (n_steps, *x.shape)
    assert spikes.dtype == np.uint8
    assert set(np.unique(spikes)) <= {0, 1}
    assert not spikes[:, x == 0].any()
    assert spikes[:, x == 1].all()
    np.testing.assert_array_equal(spikes, rate(x, n_steps, np.random.default_rng(seed)))


@pytest.mark.parametrize("max_rate", [1.0, 0.3])
def test_rate_has_the_probability_it_should(max_rate):
    x = np.array([[0.1, 0.5, 0.9]])
    n = 20000
    mean = rate(x, n, np.random.default_rng(1), max_rate=max_rate).mean(axis=0)
    p = x * max_rate
    # five standard deviations of a binomial share
    assert np.all(np.abs(mean - p) < 5 * np.sqrt(p * (1 - p) / n))


@given(images, steps, st.sampled_from([0.0, 0.05, 0.5, 0.99]))
def test_latency_follows_its_equation_and_never_turns_brightness_round(x, n_steps, threshold):
    spikes = latency(x, n_steps, threshold=threshold)
    for sample in range(x.shape[0]):
        for pixel in range(x.shape[1]):
            value = float(x[sample, pixel])
            expected = np.zeros(n_steps)
            if x[sample, pixel] > np.float32(threshold):
                at = int(np.floor((n_steps - 1) * (1 - value) / (1 - threshold) + 0.5))
                expected[min(at, n_steps - 1)] = 1
            np.testing.assert_array_equal(spikes[:, sample, pixel], expected)
    first = np.where(spikes.any(axis=0), spikes.argmax(axis=0), n_steps)
    order = np.argsort(x.ravel(), kind="stable")
    assert np.all(np.diff(first.ravel()[order]) <= 0)


def test_latency_by_hand():
    spikes = latency([[1.0, 0.75, 0.5, 0.25, 0.0]], 5, threshold=0.0)[:, 0]
    assert spikes.argmax(axis=0).tolist() == [0, 1, 2, 3, 0]
    assert spikes.sum(axis=0).tolist() == [1, 1, 1, 1, 0]
    # a pixel at the threshold is silent
    assert latency([[0.05]], 3).sum() == 0


@given(images, steps, st.floats(-4, 4, width=32).filter(bool))
def test_current_is_constant(x, n_steps, gain):
    currents = current(x, n_steps, gain=gain)
    assert currents.dtype == np.float32
    assert currents.strides[0] == 0  # one step's currents, not n_steps copies
    assert not currents.flags.writeable
    for row in currents:
        np.testing.assert_array_equal(row, x * np.float32(gain))


@pytest.mark.parametrize("kind", ["rate", "latency", "current"])
def test_an_encoding_does_what_its_function_does_and_survives_json(kind):
    encoding = Encoding(kind, 7, max_rate=0.5, threshold=0.2, gain=3.0)
    x = np.linspace(0, 1, 12).reshape(2, 6)
    expected = {
        "rate": lambda: rate(x, 7, np.random.default_rng(3), max_rate=0.5),
        "latency": lambda: latency(x, 7, threshold=0.2),
        "current": lambda: current(x, 7, gain=3.0),
    }[kind]()
    again = Encoding.from_dict(json.loads(json.dumps(encoding.to_dict())))
    assert again == encoding
    np.testing.assert_array_equal(again.encode(x, np.random.default_rng(3)), expected)
    assert encoding.is_current == (kind == "current")


def test_only_rate_draws():
    generator = np.random.default_rng(0)
    before = generator.bit_generator.state
    for kind in ("latency", "current"):
        Encoding(kind, 3).encode([[0.5]], generator)
    assert generator.bit_generator.state == before
    with pytest.raises(ParameterError, match="rng: got None; expected a Generator"):
        Encoding("rate", 3).encode([[0.5]])


@pytest.mark.parametrize("kind", ["rate", "latency", "current"])
@pytest.mark.parametrize(
    ("bad", "error", "match"),
    [
        ([[2.0]], ParameterError, "images: got values from 2.0"),
        ([[np.nan]], ParameterError, "images: got values from nan"),
        ([0.5], ShapeError, r"images: got shape \(1,\)"),
    ],
)
def test_bad_images_are_named(kind, bad, error, match):
    with pytest.raises(error, match=match):
        Encoding(kind, 3).encode(bad, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"kind": "morse"}, "kind: got 'morse'; allowed is rate, latency, current, events"),
        ({"n_steps": 0}, "n_steps: got 0"),
        ({"n_steps": 2.0}, "n_steps: got 2.0"),
        ({"max_rate": 0}, "max_rate: got 0"),
        ({"max_rate": 1.1}, "max_rate: got 1.1"),
        ({"threshold": 1.0}, "threshold: got 1.0; allowed is 0 <= threshold < 1"),
        ({"threshold": -0.1}, "threshold: got -0.1"),
        ({"gain": 0.0}, "gain: got 0.0; allowed is a finite number, not 0"),
        ({"gain": np.inf}, "gain: got inf"),
        ({"gain": "loud"}, "gain: got 'loud'"),
    ],
)
def test_bad_parameters_are_named(changes, match):
    with pytest.raises(ParameterError, match=match):
        Encoding(**{"kind": "rate", "n_steps": 3, **changes})


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"kind": "rate"}, r"missing \['n_steps'\]"),
        ({"kind": "rate", "n_steps": 3, "colour": 1}, r"unknown \['colour'\]"),
    ],
)
def test_foreign_dictionaries_are_refused(values, match):
    with pytest.raises(ParameterError, match=match):
        Encoding.from_dict(values)
