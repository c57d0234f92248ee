"""Samples into what a model takes, and the answers it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neurosparse.data import EVALUATION_SEED, Encoding, EventDataset, ImageDataset
from neurosparse.train.classifier import SpikingClassifier
from neurosparse.train.packed import PackedSpikes

__all__ = ["Augment", "Dataset", "answers", "model_input", "predict"]

Dataset = ImageDataset | EventDataset
# what `Dataset.samples` gives, changed at random, in the same form
Augment = Callable[[Any, np.random.Generator], Any]

_EVALUATION_BATCH = 256


def model_input(
    model: nn.Module, samples: Any, encoding: Encoding | None, rng: np.random.Generator
) -> Tensor | PackedSpikes:
    """Encode samples as ``model`` takes them.

    Parameters
    ----------
    model : torch.nn.Module
        A `SpikingClassifier` gets spikes packed; any other module (n_steps, batch, n_inputs)
        floats.
    samples : array or EventDataset
        Of ``samples(indices)`` of a data set.
    encoding : Encoding, optional
        Without it, images go in as they are, (batch, n_pixels).
    rng : numpy.random.Generator
        For encodings that draw.

    Returns
    -------
    Tensor or PackedSpikes
    """
    if encoding is None:
        return torch.from_numpy(np.array(samples, dtype=np.float32))
    packed = isinstance(model, SpikingClassifier) and not encoding.is_current
    if packed and encoding.kind == "events":
        return PackedSpikes.from_events(encoding.encode_events(samples))
    encoded = encoding.encode(samples, rng)
    if packed:
        return PackedSpikes.from_tensor(torch.from_numpy(encoded))
    if encoding.is_current:  # the same in every step: one step is enough
        return torch.from_numpy(encoded[0].copy()).expand(encoded.shape)
    return torch.from_numpy(encoded.astype(np.float32))


def _batches(n: int) -> Iterator[NDArray[np.int64]]:
    for start in range(0, n, _EVALUATION_BATCH):
        yield np.arange(start, min(start + _EVALUATION_BATCH, n))


def answers(model: nn.Module, data: Dataset, encoding: Encoding | None = None) -> Tensor:
    """Return the logits of all samples, (n, n_classes).

    Encodings are drawn from a fixed seed, so that repeated calls see the same spikes.
    """
    model.eval()
    rng = np.random.default_rng(EVALUATION_SEED)
    with torch.no_grad():
        parts = [
            model(model_input(model, data.samples(chosen), encoding, rng))
            for chosen in _batches(len(data))
        ]
    return torch.cat(parts)


def predict(model: nn.Module, data: Dataset, encoding: Encoding | None = None) -> NDArray[np.int64]:
    """Return the predicted class of every sample, (n,) int64; ties go to the lowest class."""
    predicted: NDArray[np.int64] = np.argmax(answers(model, data, encoding).numpy(), axis=1)
    return predicted
