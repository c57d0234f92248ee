"""Hook whatever kind of scheme into an optimiser."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from neurosparse.sparsify import MaskScheme, Scheme
from neurosparse.train.masked_linear import MaskedLinear, mask_layers
from neurosparse.train.masker import Masker
from neurosparse.train.rewire import Rewirer

__all__ = ["attach", "prepare"]


def prepare(model: nn.Module, scheme: Scheme | MaskScheme | None) -> None:
    """Give a model the layers that a scheme wants, before its optimiser is made.

    A `MaskScheme` needs `MaskedLinear` layers; where there is none, `mask_layers` makes them.

    Raises
    ------
    ParameterError
        If the model has no sparse layer.
    """
    if isinstance(scheme, MaskScheme) and not any(
        isinstance(layer, MaskedLinear) for layer in model.modules()
    ):
        mask_layers(model)


def attach(
    scheme: Scheme | MaskScheme,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    rng: np.random.Generator | int = 0,
) -> Rewirer | Masker:
    """Return what applies a scheme after every step: a `Rewirer`, or a `Masker` for masks.

    Parameters
    ----------
    scheme : Scheme or MaskScheme
        What `neurosparse.sparsify` has.
    model : torch.nn.Module
        All its sparse layers come under the scheme; see `prepare`.
    optimizer : torch.optim.Optimizer
        Holds their weights.
    rng : numpy.random.Generator or int
        Source of randomness.

    Returns
    -------
    Rewirer or Masker

    Raises
    ------
    ParameterError
        As theirs.
    """
    kind = Masker if isinstance(scheme, MaskScheme) else Rewirer
    return kind(scheme, model, optimizer, rng)  # type: ignore[arg-type]
