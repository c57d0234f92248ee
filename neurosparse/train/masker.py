"""Hook a scheme of masks into a torch optimiser: dense weights, of which a mask lets some exist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neurosparse.errors import ParameterError, StorageError
from neurosparse.sparsify import Context, Turnover
from neurosparse.sparsify.masks.scheme import MaskScheme, MaskView
from neurosparse.train.masked_linear import MaskedLinear
from neurosparse.train.slots import first_value

__all__ = ["Masker"]


class Masker:
    """Apply a scheme of masks after every step of an optimiser.

    Parameters
    ----------
    scheme : MaskScheme
        For example ``neurosparse.sparsify.snfs(...)``. Its first masks are set at once.
    layers : torch.nn.Module or sequence of MaskedLinear
        Layers under the scheme; of a module, all its `MaskedLinear` layers (`mask_layers` makes
        them).
    optimizer : torch.optim.Optimizer
        Any optimiser with state per weight.
    rng : numpy.random.Generator or int
        Source of noise, of first masks, and of the choice among equals.

    Attributes
    ----------
    turnover : Turnover
        Synapses that were masked and unmasked since its last ``take``.

    Raises
    ------
    ParameterError
        If there is no masked layer, a layer's weights are not in the optimiser, the optimiser keeps
        state that cannot be aligned with weights (LBFGS), or the scheme refuses the layers.

    Notes
    -----
    Every step costs O(n_potential), in time and memory, whatever the density. Where the scheme says
    ``reach="active"``, the gradient of masked weights is set to 0 before the optimiser's step, and
    what it moves of them all the same (momentum, weight decay) is taken back, with fresh state.
    """

    def __init__(
        self,
        scheme: MaskScheme,
        layers: nn.Module | Sequence[MaskedLinear],
        optimizer: torch.optim.Optimizer,
        rng: np.random.Generator | int = 0,
    ) -> None:
        if isinstance(layers, nn.Module):
            layers = [layer for layer in layers.modules() if isinstance(layer, MaskedLinear)]
        if not layers:
            raise ParameterError(
                f"layers: no MaskedLinear among them, which {scheme.name} needs; make them of "
                "SparseLinear by mask_layers(model), before the optimiser"
            )
        if isinstance(optimizer, torch.optim.LBFGS):
            raise ParameterError("optimizer: LBFGS keeps flat state across layers; use another")
        self.scheme = scheme
        self.layers = list(layers)
        self.optimizer = optimizer
        self.turnover = Turnover([0] * len(self.layers), [0] * len(self.layers))
        self._rng = np.random.default_rng(rng)
        self._context = Context(0, self._rng)
        self._held = [_Held(layer, optimizer) for layer in self.layers]
        scheme.begin([held.view() for held in self._held], self._context)
        self._handles = [optimizer.register_step_post_hook(self._after_step)]
        if scheme.reach == "active":
            self._handles.append(optimizer.register_step_pre_hook(self._before_step))

    def remove(self) -> None:
        """Stop; the layers keep masks and weights as they are."""
        for handle in self._handles:
            handle.remove()

    def observe(self, valid_loss: float) -> None:
        """Note the loss on the validation set, for schemes that watch it."""
        self._context.observe(valid_loss)

    def _before_step(self, *_: Any) -> None:
        for held in self._held:
            held.guard()

    def _after_step(self, *_: Any) -> None:
        for held in self._held:
            held.take_back()
        before = [layer.mask.numpy().copy() for layer in self.layers]
        self.scheme.step([held.view() for held in self._held], self._context)
        self._context.step += 1
        self.turnover.n_steps += 1
        for index, (layer, old) in enumerate(zip(self.layers, before, strict=True)):
            new = layer.mask.numpy()
            self.turnover.dropped[index] += int(np.count_nonzero(old & ~new))
            self.turnover.grown[index] += int(np.count_nonzero(new & ~old))

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs besides the layers, arrays of the rules included."""
        return {
            "step": self._context.step,
            "rng": self._rng.bit_generator.state,
            "memory": dict(self._context.memory),
            "kept": [
                {name: torch.from_numpy(array.copy()) for name, array in held.kept.items()}
                for held in self._held
            ],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up where `state_dict` was called.

        Raises
        ------
        StorageError
            If the state is not one, or belongs to other layers.
        """
        try:
            step, memory = int(state["step"]), dict(state["memory"])
            kept = [
                {name: tensor.numpy().copy() for name, tensor in given.items()}
                for given in state["kept"]
            ]
            for held, arrays in zip(self._held, kept, strict=True):
                held.check(arrays)
            self._rng.bit_generator.state = state["rng"]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise StorageError(f"masker state: not usable ({error})") from error
        self._context.step, self._context.memory = step, memory
        for held, arrays in zip(self._held, kept, strict=True):
            held.kept = arrays


class _Held:
    """A layer under a scheme, with what the optimiser and the rules keep for it."""

    def __init__(self, layer: MaskedLinear, optimizer: torch.optim.Optimizer) -> None:
        self._layer, self._weight, self._optimizer = layer, layer.weight, optimizer
        self.kept: dict[str, NDArray[Any]] = {}
        self._guarded: tuple[Tensor, Tensor] | None = None
        self._group()  # raises if the optimiser does not hold the weights

    def _group(self) -> dict[str, Any]:
        """Return the optimiser's group; loading a state puts others in the place of groups."""
        for group in self._optimizer.param_groups:
            if any(parameter is self._weight for parameter in group["params"]):
                found: dict[str, Any] = group
                return found
        raise ParameterError(f"optimizer: does not hold the weights of {self._layer}")

    def _slots(self) -> dict[str, Tensor]:
        """Return what the optimiser keeps one of per weight, by name."""
        shape = self._weight.shape
        return {
            name: slot
            for name, slot in self._optimizer.state.get(self._weight, {}).items()
            if isinstance(slot, Tensor) and slot.shape == shape
        }

    def view(self) -> MaskView:
        """Return the layer as arrays that share memory with its tensors."""
        layer, grad = self._layer, self._weight.grad
        return MaskView(
            layer.out_features,
            layer.in_features,
            self._weight.detach().numpy(),
            layer.mask.numpy(),
            layer.signs.numpy(),
            float(self._group()["lr"]),
            None if grad is None else grad.detach().numpy(),
            {name: slot.numpy() for name, slot in self._slots().items()},
            self.kept,
        )

    def guard(self) -> None:
        """Keep the gradient from masked weights, and note where they are."""
        masked = ~self._layer.mask
        if self._weight.grad is not None:
            self._weight.grad[masked] = 0
        self._guarded = masked, self._weight.detach()[masked]

    def take_back(self) -> None:
        """Put masked weights back to where they were, with the state of new weights."""
        if self._guarded is None:
            return
        masked, weights = self._guarded
        self._guarded = None
        self._weight.detach()[masked] = weights
        for name, slot in self._slots().items():
            slot[masked] = first_value(name, self._group())

    def check(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Raise ValueError if arrays are not one number per weight."""
        for name, array in arrays.items():
            if array.shape != tuple(self._weight.shape):
                raise ValueError(f"{name}: shape {array.shape} for {self._layer}")
