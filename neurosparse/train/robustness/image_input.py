"""Images into what a model takes, so that gradients reach the pixels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from neurosparse.data import Encoding
from neurosparse.errors import ParameterError
from neurosparse.train.sparse_linear import SparseLinear

__all__ = ["encode_images", "undisturbed"]

_NO_GRADIENT = {
    "latency": "the step of a pixel's spike is a whole number, which has no gradient",
    "events": "recorded events have no pixels",
}


def encode_images(images: Tensor, encoding: Encoding | None, rng: np.random.Generator) -> Tensor:
    r"""Encode images as `Encoding.encode` does, to the bit, differentiably.

    ========  ==================================  ==========================================
    encoding  value at step ``t``                 derivative with respect to pixel ``x``
    ========  ==================================  ==========================================
    none      ``x``, no steps                     1
    current   ``gain x``                          ``gain``, exact; the rest is the surrogate
                                                  of the neurons that the current drives
    rate      1 with probability ``max_rate x``   ``max_rate``, that of the expected value
                                                  (straight through the draw)
    latency,  refused
    events
    ========  ==================================  ==========================================

    Parameters
    ----------
    images : (batch, n_pixels) Tensor, float32
        Every value in ``[0, 1]``.
    encoding : Encoding, optional
        Without it, images are handed back as they are.
    rng : numpy.random.Generator
        For ``rate``; untouched by the others.

    Returns
    -------
    (n_steps, batch, n_pixels) Tensor
        Currents (one step's, expanded) or spikes as 0 and 1.

    Raises
    ------
    ParameterError
        If the encoding is ``latency`` or ``events``.
    """
    if encoding is None:
        return images
    if encoding.kind in _NO_GRADIENT:
        raise ParameterError(
            f"encoding: got kind {encoding.kind!r}, through which no gradient reaches an image: "
            f"{_NO_GRADIENT[encoding.kind]}; allowed is current, rate or none"
        )
    shape = (encoding.n_steps, *images.shape)
    if encoding.is_current:
        return (images * encoding.gain).expand(shape)
    probability = images * encoding.max_rate
    draws = torch.from_numpy(rng.random(shape, dtype=np.float32))
    # adds 0 exactly, and with it the gradient of the expectation
    return (draws < probability).to(images.dtype) + (probability - probability.detach())


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode without gradients of its own; undo it at the end.

    Nothing then draws (dropout), no statistics change, no time goes into gradients of weights, and
    nobody looks for large ones of dormant synapses.
    """
    modules = list(model.modules())
    training = [module for module in modules if module.training]
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    probing = [(m, m.probe) for m in modules if isinstance(m, SparseLinear) and m.probe]
    model.eval()
    for parameter in learning:
        parameter.requires_grad_(False)
    for layer, _ in probing:
        layer.probe = None
    try:
        yield
    finally:
        for module in training:  # not module.train(), which would reach others below it
            module.training = True
        for parameter in learning:
            parameter.requires_grad_(True)
        for layer, probe in probing:
            layer.probe = probe
