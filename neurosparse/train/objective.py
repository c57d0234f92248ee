"""What a training step minimises; by default the loss of the samples as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from neurosparse.data import Encoding
from neurosparse.errors import ParameterError
from neurosparse.train.batches import Dataset, model_input
from neurosparse.train.classifier import SpikingClassifier
from neurosparse.train.packed import PackedSpikes

__all__ = ["Assessment", "Batch", "Objective", "plain"]


class Assessment(NamedTuple):
    """What an objective says of a batch.

    Parameters
    ----------
    loss : scalar Tensor
        To be minimised, before regularisers.
    logits : (batch, n_classes) Tensor
        Answers that the training accuracy is counted from.
    spikes : list of PackedSpikes
        Of every layer in all that was answered, for regularisers and synaptic events; empty unless
        the model is a `SpikingClassifier`.
    """

    loss: Tensor
    logits: Tensor
    spikes: list[PackedSpikes]


@dataclass(frozen=True, eq=False)
class Batch:
    """A batch of training samples, and what an objective needs to assess it.

    Parameters
    ----------
    model : torch.nn.Module
        In training mode.
    data : ImageDataset or EventDataset
        The training set that the samples are of.
    samples : (batch, n_pixels) float32, or EventDataset
        Augmented, not yet encoded.
    labels : (batch,) int64 Tensor
        Their classes.
    encoding : Encoding, optional
        Samples into time.
    loss : callable
        ``(logits, labels) -> scalar``, as `fit` got it.
    rngs : mapping of str to numpy.random.Generator
        The run's streams, saved with it: ``encode`` for encodings that draw, ``attack`` for what
        the objective draws itself.
    """

    model: nn.Module
    data: Dataset
    samples: Any
    labels: Tensor
    encoding: Encoding | None
    loss: Callable[[Tensor, Tensor], Tensor]
    rngs: Mapping[str, np.random.Generator]

    def answer(self, samples: Any) -> tuple[Tensor, list[PackedSpikes]]:
        """Return the model's logits, and the spikes of all layers where it has them.

        Raises
        ------
        ParameterError
            If there are fewer logits than classes.
        """
        x = model_input(self.model, samples, self.encoding, self.rngs["encode"])
        spikes: list[PackedSpikes] = []
        # through the module's call, so that hooks see it
        if isinstance(self.model, SpikingClassifier):
            logits: Tensor = self.model(x, into=spikes)
        else:
            logits = self.model(x)
        if logits.ndim != 2 or logits.shape[1] < self.data.n_classes:
            raise ParameterError(
                f"model: answers with shape {tuple(logits.shape)}; {self.data.name} has labels 0 "
                f"to {self.data.n_classes - 1}, expected (batch, {self.data.n_classes}) or more "
                "classes"
            )
        return logits, spikes

    @property
    def images(self) -> Tensor:
        """The samples as (batch, n_pixels) float32, a copy.

        Raises
        ------
        ParameterError
            If the samples are recordings of events.
        """
        if not isinstance(self.samples, np.ndarray):
            raise ParameterError(
                f"samples: got {self.samples!r}; attacks change pixels and need images, "
                "(batch, n_pixels)"
            )
        return torch.from_numpy(np.array(self.samples, dtype=np.float32))


Objective = Callable[[Batch], Assessment]


def plain(batch: Batch) -> Assessment:
    """Assess the samples as they are by the loss of the run."""
    logits, spikes = batch.answer(batch.samples)
    return Assessment(batch.loss(logits, batch.labels), logits, spikes)
