"""A linear layer that stores every potential synapse, and lets a mask say which exist."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network import Synapses
from neurosparse.sparsify.layer import rows_of
from neurosparse.train.sparse_linear import SparseLinear

__all__ = ["MaskedLinear", "mask_layers", "unmask_layers"]


class MaskedLinear(SparseLinear):
    r"""``y = (m * W) x + b``: dense weights under a mask, for schemes that keep dense state.

    The gradient passes the mask: every weight gets ``dL/d(m W)``, the dense gradient at the masked
    point, whether its synapse exists or not.

    Parameters
    ----------
    in_features, out_features, density, n_active, bias, gain, rng
        As of `SparseLinear`. Synapses beyond ``n_active`` are masked and weigh 0.

    Attributes
    ----------
    weight : (n_potential,) float32 Parameter
        Of every potential synapse, ordered by postsynaptic, then presynaptic neuron.
    mask : (n_potential,) bool buffer
        Which of them exist.
    signs : (n_potential,) int8 buffer
        The sign each was given.

    Notes
    -----
    Memory and time follow ``n_pre * n_post``, in training and in the state dict, at any density:
    that is what SNFS, DPF, DNW, LC and soft-DEEP R cost. ``n_active``, ``density``, `keys`,
    `to_synapses` and counts of events are those of the synapses that exist; `to_sparse` gives the
    layer without the rest. `neurosparse.train.Masker` changes weights and masks.

    Examples
    --------
    >>> layer = MaskedLinear(4, 3, n_active=5, rng=0)
    >>> layer.n_active, layer.weight.numel(), layer.to_sparse().weight.numel()
    (5, 12, 5)
    """

    mask: Tensor

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        density: float | None = None,
        n_active: int | None = None,
        bias: bool = False,
        gain: float = 1.0,
        rng: np.random.Generator | int = 0,
    ) -> None:
        super().__init__(
            in_features,
            out_features,
            density=density,
            n_active=n_active,
            bias=bias,
            gain=gain,
            rng=rng,
        )
        self.register_buffer("mask", torch.zeros(self.n_potential, dtype=torch.bool))
        self._fill(super().keys(), self.weight.detach(), self.signs)

    def _fill(self, keys: NDArray[np.int64], weights: Tensor, signs: Tensor) -> None:
        """Store every potential synapse, of which those at ``keys`` exist."""
        at = torch.from_numpy(keys)
        full = torch.zeros(self.n_potential, dtype=weights.dtype)
        full[at] = weights
        given = torch.ones(self.n_potential, dtype=torch.int8)
        given[at] = signs
        self.mask = torch.zeros(self.n_potential, dtype=torch.bool)
        self.mask[at] = True
        indptr, indices = rows_of(np.arange(self.n_potential), self.out_features, self.in_features)
        super().set_weights(full)
        self.set_topology(indptr, indices, given.numpy())

    @classmethod
    def from_sparse(cls, layer: SparseLinear) -> MaskedLinear:
        """Make a layer with the synapses of ``layer``; others are masked and weigh 0."""
        bias = layer.bias is not None
        made = cls(layer.in_features, layer.out_features, n_active=1, bias=bias)
        made._fill(layer.keys(), layer.weight.detach(), layer.signs)
        _copy_rest(layer, made)
        return made

    @classmethod
    def from_synapses(cls, synapses: Synapses) -> MaskedLinear:
        """Make a layer with the topology and weights of ``synapses``; others are masked."""
        return cls.from_sparse(SparseLinear.from_synapses(synapses))

    # ------------------------------------------------------------------ what exists

    @property
    def n_active(self) -> int:
        """Number of synapses that exist."""
        return int(self.mask.sum())

    def keys(self) -> NDArray[np.int64]:
        """Return ``post * n_pre + pre`` of the synapses that exist, (n_active,) int64."""
        return np.flatnonzero(self.mask.numpy())

    def fan_out(self) -> NDArray[np.int64]:
        """Return how many existing synapses lead from every presynaptic neuron, (n_pre,) int64."""
        matrix = self.mask.numpy().reshape(self.out_features, self.in_features)
        counts: NDArray[np.int64] = matrix.sum(axis=0)
        return counts

    def values(self) -> Tensor:
        """Return ``m * w``, (n_potential,), with the gradient that goes straight to ``w``."""
        masked: Tensor = _Masked.apply(self.weight, self.mask)  # type: ignore[no-untyped-call]
        return masked

    def to_sparse(self) -> SparseLinear:
        """Return the layer of the synapses that exist, as a copy; signs are those of weights."""
        keys = self.keys()
        bias = self.bias is not None
        layer = SparseLinear(
            self.in_features, self.out_features, n_active=max(1, keys.size), bias=bias
        )
        weights = self.weight.detach()[self.mask]
        layer.set_weights(weights)
        signs = torch.where(weights < 0, -1, 1).to(torch.int8)
        layer.set_topology(*rows_of(keys, self.out_features, self.in_features), signs.numpy())
        _copy_rest(self, layer)
        return layer

    def to_synapses(self) -> Synapses:
        """Return the synapses that exist as a copy (no delays)."""
        return self.to_sparse().to_synapses()

    # ------------------------------------------------------------------ replacing

    def set_weights(self, values: Tensor) -> None:
        """Replace the weights, one per potential synapse; the gradient is dropped.

        Raises
        ------
        ShapeError
            If there are more or fewer.
        """
        if values.shape != (self.n_potential,):
            raise ShapeError(
                f"values: got shape {tuple(values.shape)}; MaskedLinear stores all "
                f"({self.n_potential},)"
            )
        super().set_weights(values)


class _Masked(torch.autograd.Function):
    """``m * w`` forward, the identity backward (straight-through)."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask, weight, torch.zeros((), dtype=weight.dtype))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return grads[0], None


def _copy_rest(source: SparseLinear, target: SparseLinear) -> None:
    """Copy what is not a synapse."""
    if source.bias is not None and target.bias is not None:
        target.bias.data = source.bias.detach().clone()
        target.bias.requires_grad_(source.bias.requires_grad)
    target.weight.requires_grad_(source.weight.requires_grad)
    target.train(source.training)


def mask_layers(model: nn.Module) -> list[MaskedLinear]:
    """Replace every `SparseLinear` inside a model by a `MaskedLinear` with the same synapses.

    Parameters
    ----------
    model : torch.nn.Module
        Changed in place: its parameters are others afterwards, so make the optimiser later.
        Recurrent connections are among what is replaced; hooks on layers are not kept.

    Returns
    -------
    list of MaskedLinear
        All there are in the model, in the order of ``model.modules()``.

    Raises
    ------
    ParameterError
        If there is none, or the model is itself a `SparseLinear`.

    Notes
    -----
    A full layer (``density=1``) keeps all its weights; of a sparse one the rest weighs 0.
    """
    _replace(model, lambda layer: isinstance(layer, MaskedLinear), MaskedLinear.from_sparse)
    return [layer for layer in model.modules() if isinstance(layer, MaskedLinear)]


def unmask_layers(model: nn.Module) -> list[SparseLinear]:
    """Replace every `MaskedLinear` inside a model by the `SparseLinear` of what exists.

    Parameters
    ----------
    model : torch.nn.Module
        Changed in place, as by `mask_layers`.

    Returns
    -------
    list of SparseLinear
        All there are in the model, in the order of ``model.modules()``.

    Raises
    ------
    ParameterError
        If there is none, or the model is itself a `MaskedLinear`.
    """
    _replace(
        model, lambda layer: not isinstance(layer, MaskedLinear), lambda layer: layer.to_sparse()
    )
    return [layer for layer in model.modules() if isinstance(layer, SparseLinear)]


def _replace(model: nn.Module, is_done: Any, make: Any) -> None:
    if isinstance(model, SparseLinear) and not is_done(model):
        raise ParameterError(
            f"model: is itself a {type(model).__name__}; replace it by from_sparse or to_sparse"
        )
    layers = [layer for layer in model.modules() if isinstance(layer, SparseLinear)]
    if not layers:
        raise ParameterError("model: no SparseLinear in it; a mask needs at least one")
    made: dict[nn.Module | None, nn.Module]
    made = {layer: make(layer) for layer in layers if not is_done(layer)}
    for module in list(model.modules()):
        for name, child in list(module._modules.items()):  # a layer may go by two names
            if child in made:
                setattr(module, name, made[child])
