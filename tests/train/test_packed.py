"""Spikes as bits: in and out without loss, counts, gradients, events, what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.data import EventBatch
from neurosparse.errors import ParameterError, ShapeError
from neurosparse.train import PackedSpikes
from neurosparse.train.packed import lanes_of

BATCHES = (1, 7, 8, 9, 16, 17, 63, 64, 65, 100, 129)


def raster(n_steps: int, batch: int, size: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(n_steps, batch, size, generator=generator) < 0.3).float()


@given(
    st.integers(1, 4),
    st.sampled_from(BATCHES),
    st.integers(1, 40),
    st.sampled_from((torch.float32, torch.float64, torch.bool, torch.uint8, torch.int64)),
    st.booleans(),
)
def test_nothing_is_lost(
    n_steps: int, batch: int, size: int, dtype: torch.dtype, neuron_major: bool
) -> None:
    given_spikes = raster(n_steps, batch, size).to(dtype)
    if neuron_major:
        given_spikes = given_spikes.movedim(-1, 0).contiguous().movedim(0, -1)
    spikes = PackedSpikes.from_tensor(given_spikes)
    assert spikes.shape == (n_steps, batch, size)
    # the oracle is numpy's own packing, samples along the last axis
    expected = np.packbits(
        given_spikes.movedim(-1, 0).movedim(1, 1).numpy().astype(bool), axis=-1, bitorder="little"
    )
    np.testing.assert_array_equal(spikes.packed[:, :, : expected.shape[2]], expected)
    assert not spikes.packed[:, :, expected.shape[2] :].any()
    assert torch.equal(spikes.to_tensor(), given_spikes.float())
    assert torch.equal(spikes.counts, given_spikes.float().sum(dim=0))


@pytest.mark.parametrize("batch", BATCHES)
def test_words_are_views_in_every_width(batch: int) -> None:
    spikes = PackedSpikes.from_tensor(raster(3, batch, 5))
    for lanes in (16, lanes_of(batch)):
        words = spikes.words(lanes)
        assert words.dtype.itemsize * 8 == lanes
        assert words.shape == (5, 3 * spikes.n_lanes // lanes)
        assert np.shares_memory(words, spikes.packed)


def test_groups_of_lanes_are_chosen_by_what_they_waste() -> None:
    assert [lanes_of(batch) for batch in (1, 16, 64, 100, 128)] == [16, 16, 64, 64, 64]


def test_gradients_pass_through() -> None:
    x = raster(3, 5, 4).requires_grad_()
    seen = torch.randn(3, 5, 4)
    spikes = PackedSpikes.from_tensor(x)
    ((spikes.to_tensor() * seen).sum() + spikes.counts.square().sum()).backward()
    expected = seen + 2 * x.detach().sum(dim=0)
    torch.testing.assert_close(x.grad, expected.expand(3, -1, -1))
    assert not PackedSpikes.from_tensor(x.detach()).to_tensor().requires_grad
    detached = spikes.detach()
    assert not detached.counts.requires_grad
    assert torch.equal(detached.to_tensor(), x.detach())


@given(st.sampled_from(BATCHES), st.integers(1, 20), st.integers(0, 2**31))
def test_events_are_the_raster_they_list(batch: int, size: int, seed: int) -> None:
    given_spikes = raster(4, batch, size, seed)
    steps, samples, neurons = np.nonzero(given_spikes.numpy())
    events = EventBatch(4, batch, size, steps, samples, neurons)
    assert torch.equal(PackedSpikes.from_events(events).to_tensor(), given_spikes)


def test_bad_input() -> None:
    for shape in ((3, 4), (0, 2, 2), (2, 0, 2), (2, 2, 0)):
        with pytest.raises(ShapeError, match=re.escape(f"spikes: got shape {shape}")):
            PackedSpikes.from_tensor(torch.zeros(shape))
    for value in (0.5, -1.0, 2.0, float("nan"), float("inf")):
        for size in (1, 40):
            for last in (0, -1):
                x = torch.zeros(2, 9, size)
                x[last, last, last] = value
                for each in (x, x.movedim(-1, 0).contiguous().movedim(0, -1)):
                    with pytest.raises(ParameterError, match="numbers other than 0 and 1"):
                        PackedSpikes.from_tensor(each)
