"""Regularisers of weights: the baselines that sparsity is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from neurosparse.network.checks import check_positive
from neurosparse.train.activity import Regularizer
from neurosparse.train.masked_linear import MaskedLinear
from neurosparse.train.packed import PackedSpikes
from neurosparse.train.sparse_linear import SparseLinear

__all__ = ["L1", "L2", "WeightRegularizer", "penalty_of"]


@runtime_checkable
class WeightRegularizer(Protocol):
    """A regulariser of `fit` that looks at the weights of a model, not at its spikes."""

    def of_weights(self, model: nn.Module) -> Tensor:
        """Return what is added to the loss."""
        ...


def penalty_of(
    regularizer: Regularizer | WeightRegularizer, model: nn.Module, trains: Sequence[PackedSpikes]
) -> Tensor:
    """Return what a regulariser of either kind adds to the loss."""
    if isinstance(regularizer, WeightRegularizer):
        return regularizer.of_weights(model)
    return regularizer(trains)


class _Norm:
    def __init__(self, strength: float) -> None:
        self.strength = check_positive("strength", strength)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.strength})"


class L1(_Norm):
    r"""Add ``strength * sum |w|`` over all synapses of a model to the loss (lasso).

    Its gradient, ``strength * sign(w)``, goes through the optimiser, unlike the prior of DEEP R
    (`neurosparse.sparsify.Langevin`), which acts after it. It makes weights small but, by gradient
    steps, none exactly 0: what is to go is pruned afterwards.

    Parameters
    ----------
    strength : float
        > 0.

    Raises
    ------
    ParameterError
        If it is not.

    Notes
    -----
    Counts the synapses that exist of `SparseLinear` and `MaskedLinear`, recurrent ones too, and all
    weights of ``torch.nn.Linear``; no biases. At exactly 0 the gradient is 0.

    References
    ----------
    Tibshirani 1996, doi:10.1111/j.2517-6161.1996.tb02080.x.

    Examples
    --------
    >>> layer = nn.Linear(2, 1)
    >>> layer.weight.data = torch.tensor([[3.0, -4.0]])
    >>> L1(0.5).of_weights(layer).item(), L2(0.5).of_weights(layer).item()
    (3.5, 6.25)
    """

    def of_weights(self, model: nn.Module) -> Tensor:
        """Return the penalty."""
        penalty = torch.zeros(())
        for weights in _weights(model):
            penalty = penalty + self.strength * weights.abs().sum()
        return penalty


class L2(_Norm):
    r"""Add ``strength / 2 * sum w^2`` over all synapses of a model to the loss (ridge).

    With plain SGD this is the optimiser's ``weight_decay=strength``, but for the biases, which it
    leaves alone. With Adam it is not the decoupled decay of ``torch.optim.AdamW``.

    Parameters
    ----------
    strength : float
        > 0.

    Raises
    ------
    ParameterError
        If it is not.

    Notes
    -----
    Counts the weights that `L1` counts.

    References
    ----------
    Krogh & Hertz 1992 (NIPS 4, 950); Loshchilov & Hutter 2019 (arXiv 1711.05101) on the difference.
    """

    def of_weights(self, model: nn.Module) -> Tensor:
        """Return the penalty."""
        penalty = torch.zeros(())
        for weights in _weights(model):
            penalty = penalty + self.strength / 2 * weights.square().sum()
        return penalty


def _weights(model: nn.Module) -> Iterator[Tensor]:
    for layer in model.modules():
        if isinstance(layer, MaskedLinear):
            yield layer.weight[layer.mask]
        elif isinstance(layer, SparseLinear | nn.Linear):
            yield layer.weight
