"""ImageDataset: what it accepts and how it is split."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.data import ImageDataset
from neurosparse.errors import ParameterError, ShapeError


def make(n=6, **changes):
    fields = {
        "name": "toy",
        "images": np.linspace(0, 1, n * 6).reshape(n, 6),
        "labels": np.arange(n) % 3,
        "n_classes": 3,
        "shape": (2, 3),
    }
    return ImageDataset(**{**fields, **changes})


def test_types_are_fixed_and_the_callers_arrays_stay_writeable():
    images = np.zeros((2, 6), dtype=np.float32)
    labels = np.zeros(2, dtype=np.int64)
    data = make(images=images, labels=labels)
    assert data.images.dtype == np.float32
    assert data.labels.dtype == np.int64
    assert (len(data), data.n_pixels) == (2, 6)
    images[0, 0] = 1
    labels[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        data.images[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        data.labels[0] = 1


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"images": np.full((6, 6), 1.5)}, ParameterError, "images: got values from 1.5 to 1.5"),
        ({"images": np.full((6, 6), -0.1)}, ParameterError, "allowed is 0 to 1, finite"),
        ({"images": np.full((6, 6), np.nan)}, ParameterError, "images: got values from nan"),
        ({"images": np.full((6, 6), np.inf)}, ParameterError, "images: got values from inf"),
        ({"images": np.zeros((6, 2, 3))}, ShapeError, r"images: got shape \(6, 2, 3\); expected"),
        ({"images": np.zeros((0, 6))}, ShapeError, "neither of them 0"),
        ({"images": np.full((6, 6), "a")}, ParameterError, "images: got dtype <U1"),
        ({"labels": np.zeros(5, int)}, ShapeError, r"labels: got shape \(5,\) of int64; expected"),
        ({"labels": np.zeros(6)}, ShapeError, "of float64; expected .* whole numbers"),
        ({"labels": np.full(6, 3)}, ParameterError, r"labels: 6 outside 0..2 \(first at 0: 3\)"),
        ({"labels": [0, 1, -1, 0, 1, 2]}, ParameterError, r"labels: 1 outside .*first at 2: -1"),
        ({"n_classes": 0}, ParameterError, "n_classes: got 0"),
        ({"shape": (3, 3)}, ShapeError, r"shape: got \(3, 3\) for images of 6 pixels"),
        ({"shape": (6,)}, ShapeError, r"shape: got \(6,\)"),
        ({"name": ""}, ParameterError, "name: got none"),
    ],
)
def test_what_does_not_fit_is_named(changes, error, match):
    with pytest.raises(error, match=match):
        make(**changes)


def test_take_keeps_the_order_asked_for():
    data = make()
    taken = data.take([4, 0, 4])
    np.testing.assert_array_equal(taken.images, data.images[[4, 0, 4]])
    assert taken.labels.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("indices", "error", "match"),
    [
        ([6], ParameterError, r"indices: 1 outside 0..5 \(first: 6\)"),
        ([-1, 0], ParameterError, "indices: 1 outside"),
        ([], ShapeError, "not empty"),
        ([0.5], ShapeError, "whole numbers"),
        ([[0]], ShapeError, r"got shape \(1, 1\)"),
        ([True] * 6, ShapeError, "of bool"),
    ],
)
def test_take_names_bad_indices(indices, error, match):
    with pytest.raises(error, match=match):
        make().take(indices)


@given(st.data())
def test_a_split_is_a_partition_and_stratified_to_within_one(data):
    labels = data.draw(st.lists(st.integers(0, 3), min_size=2, max_size=60))
    n = len(labels)
    number = data.draw(st.integers(1, n - 1))
    images = np.arange(n, dtype=np.float32)[:, None] / n  # each image tells who it is
    whole = ImageDataset("toy", images, np.array(labels), n_classes=4, shape=(1, 1))
    stratified = data.draw(st.booleans())
    seed = data.draw(st.integers(0, 9))
    rest, held_out = whole.split(number, np.random.default_rng(seed), stratified=stratified)
    assert len(held_out) == number
    together = np.concatenate([rest.images, held_out.images])
    np.testing.assert_array_equal(np.sort(together, axis=0), images)
    for part in (rest, held_out):
        assert np.all(np.diff(part.images[:, 0]) > 0)
    if stratified:
        share = np.bincount(labels, minlength=4) * number / n
        given_out = np.bincount(held_out.labels, minlength=4)
        assert np.all(np.abs(given_out - share) < 1)
    again = whole.split(number, np.random.default_rng(seed), stratified=stratified)
    np.testing.assert_array_equal(again[1].images, held_out.images)


def test_a_share_is_a_share_of_the_images(rng):
    rest, held_out = make(30).split(0.2, rng)
    assert (len(rest), len(held_out)) == (24, 6)
    assert np.bincount(held_out.labels).tolist() == [2, 2, 2]


@pytest.mark.parametrize("held_out", [0, 6, -1, 0.0, 1.0, 1.5, float("nan"), 0.01, True, "half"])
def test_neither_part_may_be_empty(held_out, rng):
    with pytest.raises(ParameterError, match="held_out: got"):
        make().split(held_out, rng)


def test_a_seed_is_not_a_generator():
    with pytest.raises(ParameterError, match=r"rng: got 0; expected a Generator"):
        make().split(2, 0)
