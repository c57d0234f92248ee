"""Hook a scheme into a torch optimiser, so that connectivity is learned along with the weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neurosparse.errors import ParameterError, StorageError
from neurosparse.sparsify import LayerView, RandomSigns, Rewiring, Scheme, Turnover
from neurosparse.train.sparse_linear import SparseLinear

__all__ = ["Rewirer"]

# slots that torch.optim does not start from zero (Rprop, Adagrad), and the option they start from;
# Rprop's step size, cut to 1e-6, would take some forty steps to grow back
_STARTS_FROM = {"step_size": "lr", "sum": "initial_accumulator_value"}


class Rewirer:
    """Apply a scheme after every step of an optimiser.

    Parameters
    ----------
    scheme : Scheme
        For example ``neurosparse.sparsify.deep_r()``.
    layers : torch.nn.Module or sequence of SparseLinear
        Layers under the scheme; of a module, all its `SparseLinear` layers.
    optimizer : torch.optim.Optimizer
        Any optimiser with state per weight. What it keeps for a synapse (momentum, Adam's moments)
        moves with the synapse; a newborn gets what a new weight has: zero, or the learning rate
        where it is Rprop's step size.
    rng : numpy.random.Generator or int
        Source of noise and of new synapses.

    Raises
    ------
    ParameterError
        If there is no sparse layer, a layer's weights are not in the optimiser, or the optimiser
        keeps state that cannot be aligned with synapses (LBFGS).

    Notes
    -----
    Signs that a rule prescribes (`DaleSigns`, `FixedSigns`) are imposed on the given weights, which
    keep their magnitude; with `RandomSigns` every weight keeps its sign.
    """

    def __init__(
        self,
        scheme: Scheme,
        layers: nn.Module | Sequence[SparseLinear],
        optimizer: torch.optim.Optimizer,
        rng: np.random.Generator | int = 0,
    ) -> None:
        if isinstance(layers, nn.Module):
            layers = [layer for layer in layers.modules() if isinstance(layer, SparseLinear)]
        if not layers:
            raise ParameterError("layers: no SparseLinear among them; a scheme needs at least one")
        if isinstance(optimizer, torch.optim.LBFGS):
            raise ParameterError("optimizer: LBFGS keeps flat state across layers; use another")
        self.scheme = scheme
        self.layers = list(layers)
        self.optimizer = optimizer
        self.turnover = Turnover()
        self._rng = np.random.default_rng(rng)
        self._step = 0
        for layer in self.layers:
            self._group_of(layer)
            if not isinstance(scheme.signs, RandomSigns):
                signs = scheme.signs(layer.keys(), layer.in_features, self._rng)
                layer.weight.data = layer.weight.data.abs() * torch.from_numpy(signs)
                layer.set_topology(layer.keys(), signs)
        self._handle = optimizer.register_step_post_hook(self._after_step)

    def remove(self) -> None:
        """Stop rewiring; the layers keep the connectivity they have."""
        self._handle.remove()

    def _group_of(self, layer: SparseLinear) -> dict[str, Any]:
        for group in self.optimizer.param_groups:
            if any(parameter is layer.weight for parameter in group["params"]):
                return group
        raise ParameterError(f"optimizer: does not hold the weights of {layer}")

    def _after_step(self, *_: Any) -> None:
        # the rule works on float32 arrays that share memory with the parameters
        views = [
            LayerView(
                layer.out_features,
                layer.in_features,
                layer.keys(),
                layer.weight.detach().numpy(),
                layer.signs.numpy(),
                float(self._group_of(layer)["lr"]),
            )
            for layer in self.layers
        ]
        rewirings = self.scheme.step(views, self._step, self._rng)
        self._step += 1
        self.turnover.add(rewirings)
        for layer, rewiring in zip(self.layers, rewirings, strict=True):
            if rewiring is not None:
                self._apply(layer, rewiring)

    def _apply(self, layer: SparseLinear, rewiring: Rewiring) -> None:
        weight = layer.weight
        shape = weight.shape
        origin = torch.from_numpy(rewiring.origin)
        group = self._group_of(layer)
        state = self.optimizer.state.get(weight, {})
        for name, slot in state.items():
            if isinstance(slot, Tensor) and slot.shape == shape:
                first = group.get(_STARTS_FROM.get(name, ""), 0.0)
                state[name] = _move(slot, origin, float(first))
        grad = None if weight.grad is None else _move(weight.grad, origin)
        layer.set_weights(_move(weight.data, origin))
        weight.grad = grad
        layer.set_topology(rewiring.keys, rewiring.signs)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs: the step and the state of the random numbers."""
        return {"step": self._step, "rng": self._rng.bit_generator.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up where `state_dict` was called.

        Raises
        ------
        StorageError
            If the state is not one.
        """
        try:
            self._step = int(state["step"])
            self._rng.bit_generator.state = state["rng"]
        except (KeyError, TypeError, ValueError) as error:
            raise StorageError(f"rewirer state: not usable ({error})") from error


def _move(values: Tensor, origin: Tensor, first: float = 0.0) -> Tensor:
    """Gather ``values`` by origin; newborns (-1) get ``first``."""
    moved = values.new_full(origin.shape, first)
    survived = origin >= 0
    moved[survived] = values[origin[survived]]
    return moved
