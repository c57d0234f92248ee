"""Dropout: hidden units that fall silent at random while training."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neurosparse.errors import ParameterError
from neurosparse.train.classifier import SpikingClassifier
from neurosparse.train.packed import PackedSpikes
from neurosparse.train.sparse_linear import SparseLinear
from neurosparse.train.spiking_layer import SpikingLayer

__all__ = ["DropoutLayer", "DropoutReLU", "Silencer", "add_dropout", "silence"]


class Silencer(nn.Module):
    """Draws which units are silent for which samples; its random numbers are part of its state.

    Parameters
    ----------
    p : float
        Probability, ``0 < p < 1``.
    rng : numpy.random.Generator
        Source of randomness, saved in the state dict, so that a resumed run draws on.
    """

    def __init__(self, p: float, rng: np.random.Generator) -> None:
        super().__init__()
        self.p, self._rng = p, rng

    @property
    def scale(self) -> float:
        """What the units that are not silent are to count, so that the mean stays."""
        return 1 / (1 - self.p)

    def draw(self, *shape: int) -> NDArray[np.bool_]:
        """Return True for units that are not silent."""
        return self._rng.random(shape, dtype=np.float32) >= self.p

    def get_extra_state(self) -> dict[str, Any]:
        """Return the state of the random numbers, for the state dict."""
        return {"rng": self._rng.bit_generator.state}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take up `get_extra_state`."""
        self._rng.bit_generator.state = state["rng"]

    def extra_repr(self) -> str:
        """Describe it."""
        return f"p={self.p}"


class DropoutLayer(SpikingLayer):
    """A `SpikingLayer` to which, in training, some neurons of the layer before are silent.

    A silent neuron stays so through all steps of a sample; what the others send counts
    ``1 / (1 - p)`` times. Spikes remain 0 and 1: the weights are scaled, for the pass.
    """

    def __init__(self, layer: SpikingLayer, silencer: Silencer) -> None:
        super().__init__(layer.connection, layer.neurons, delay=layer.delay)
        self.silencer = silencer

    def _spikes(self, x: PackedSpikes) -> PackedSpikes:
        if not self.training:
            return super()._spikes(x)
        heard = silence(x, self.silencer.draw(x.size, x.n_lanes))
        with _scaled_weights(self.connection, self.silencer.scale):
            return super()._spikes(heard)


class DropoutReLU(nn.ReLU):
    """A ReLU of which, in training, some units are silent, and the others count ``1 / (1 - p)``."""

    def __init__(self, silencer: Silencer) -> None:
        super().__init__()
        self.silencer = silencer

    def forward(self, input: Tensor) -> Tensor:
        """Return the answers of the units."""
        answers = super().forward(input)
        if not self.training:
            return answers
        keep = torch.from_numpy(self.silencer.draw(*answers.shape))
        return answers * (keep * self.silencer.scale).to(answers.dtype)


Model = TypeVar("Model", SpikingClassifier, nn.Sequential)


def add_dropout(model: Model, p: float, rng: np.random.Generator | int = 0) -> Model:
    """Have the units of all hidden layers fall silent at random while training.

    Every unit is silent for a sample with probability ``p``, independently; what the others
    send on counts ``1 / (1 - p)`` times, so that the next layer's mean drive stays. A spiking
    neuron that is silent is so in all steps, or the next layer would average the noise away.
    In evaluation nothing is silent and nothing is scaled.

    Parameters
    ----------
    model : SpikingClassifier or torch.nn.Sequential
        Changed in place, and returned. Parameters and their names stay; of a Sequential, every
        ``torch.nn.ReLU`` changes.
    p : float
        ``0 < p < 1``.
    rng : numpy.random.Generator or int
        Seed of what is drawn. Torch's own random numbers are not touched.

    Returns
    -------
    SpikingClassifier or torch.nn.Sequential
        The same model. Its state dict holds the random numbers' state too, an entry
        ``..._extra_state`` per layer: a run of `fit` that is resumed draws on as if it had not been
        interrupted. A model without dropout does not load such a state.

    Raises
    ------
    ParameterError
        If ``p`` is out of range, the model is of another kind, has no hidden layer, or has dropout
        already.

    Notes
    -----
    Binary spikes cannot be scaled as snnTorch and SpikingJelly scale theirs; the weights of
    `DropoutLayer` are, in each pass, at the cost of a copy of the active ones. The drive is that of
    scaled spikes, and so is the gradient. Feed-forward connections only: neurons of a layer hear
    one another as they are. Regularisers of activity and counts of events see all spikes that
    neurons fire, those that are dropped on the way too.

    References
    ----------
    Srivastava et al. 2014 (JMLR 15:1929); masks that stay over time: Gal & Ghahramani 2016 (arXiv
    1512.05287), and for spiking networks Lee et al. 2020 (arXiv 1903.06379).

    Examples
    --------
    >>> model = add_dropout(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)), 0.5)
    >>> model[1]
    DropoutReLU(
      (silencer): Silencer(p=0.5)
    )
    """
    if not 0 < p < 1:
        raise ParameterError(f"p: got {p!r}; allowed is 0 < p < 1")
    places: list[int]
    if isinstance(model, SpikingClassifier):
        modules: Any = model.layers
        places = list(range(1, len(modules)))
    elif isinstance(model, nn.Sequential):
        modules = model
        places = [i for i, module in enumerate(model) if isinstance(module, nn.ReLU)]
    else:
        raise ParameterError(
            f"model: got a {type(model).__name__}; allowed is SpikingClassifier or "
            "torch.nn.Sequential"
        )
    if not places:
        raise ParameterError("model: no hidden layer in it to drop units of")
    if any(isinstance(modules[i], DropoutLayer | DropoutReLU) for i in places):
        raise ParameterError("model: has dropout already")
    for i, own in zip(places, np.random.default_rng(rng).spawn(len(places)), strict=True):
        silencer = Silencer(float(p), own)
        old = modules[i]
        new: nn.Module = (
            DropoutLayer(old, silencer) if isinstance(old, SpikingLayer) else DropoutReLU(silencer)
        )
        modules[i] = new.train(old.training)
    return model


def silence(spikes: PackedSpikes, keep: NDArray[np.bool_]) -> PackedSpikes:
    """Return the spikes of the neurons and samples marked; gradients reach those only.

    Parameters
    ----------
    spikes : PackedSpikes
        Stays as it is.
    keep : (size, n_lanes) bool
        Lanes are samples; those past the batch do not matter.

    Returns
    -------
    PackedSpikes
    """
    bits = np.packbits(keep, axis=1, bitorder="little")
    edge = spikes.edge
    if edge is not None:
        edge = _Silenced.apply(edge, torch.from_numpy(keep))  # type: ignore[no-untyped-call]
    return PackedSpikes(spikes.packed & bits[:, None, :], spikes.batch, edge)


class _Silenced(torch.autograd.Function):
    """An edge is a carrier without values: forward it stays, backward the mask applies."""

    @staticmethod
    def forward(ctx: Any, edge: Tensor, keep: Tensor) -> Tensor:
        ctx.keep = keep
        return edge.view_as(edge)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return grads[0] * ctx.keep[:, None, :], None


@contextlib.contextmanager
def _scaled_weights(connection: SparseLinear | nn.Linear, scale: float) -> Iterator[None]:
    """Let a connection weigh ``scale`` times as much within the body; gradients pass."""
    weight = connection.weight
    parameters: dict[str, Any] = connection._parameters
    parameters["weight"] = _Scaled.apply(weight, scale)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        parameters["weight"] = weight


class _Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, scale: float) -> Tensor:
        ctx.scale = scale
        ctx.save_for_backward(weight)
        return weight * scale

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        _ = ctx.saved_tensors  # raises where synapses have been exchanged since
        return grads[0] * ctx.scale, None
