"""Which positions of a layer have ever held a synapse."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch
    from torch import nn

    from neurosparse.train import History

__all__ = ["EverActive"]


class EverActive:
    """Follows the connectivity of layers over a training; R_s is what it counts over all pairs.

    Parameters
    ----------
    model : torch.nn.Module
        All its `SparseLinear` layers are followed, `MaskedLinear` ones among them.

    Attributes
    ----------
    per_epoch : list of list of int
        Positions of every layer that had held a synapse by the end of each epoch.

    Notes
    -----
    It looks at the layers before the scheme of a step does (`watch`) and at the end of an epoch
    (it is a log for `neurosparse.train.fit`), and so sees the connectivity of every step. A byte
    per position, time O(n_active) per step.

    References
    ----------
    Liu, Yin, Mocanu & Pechenizkiy 2021, Do We Actually Need Dense Over-Parameterization?
    (arXiv 2102.02887): R_s, the in-time over-parametrisation rate.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._layers: list[Any] = []
        self._seen: list[NDArray[np.bool_]] = []
        self.per_epoch: list[list[int]] = []

    def watch(
        self, make_optimizer: Callable[[Any], torch.optim.Optimizer]
    ) -> Callable[[Any], torch.optim.Optimizer]:
        """Return a maker of optimisers after each step of which the layers are looked at.

        The hook is registered before any scheme's, and so sees what the step was made with.
        """

        def make(parameters: Any) -> torch.optim.Optimizer:
            self._find_layers()  # not before: fit may have replaced them
            optimizer = make_optimizer(parameters)
            optimizer.register_step_post_hook(lambda *_: self._look())
            return optimizer

        return make

    def __call__(self, history: History) -> None:
        """Note what there is at the end of an epoch."""
        self._look()
        self.per_epoch.append([int(np.count_nonzero(seen)) for seen in self._seen])

    def _find_layers(self) -> None:
        from neurosparse.train import SparseLinear

        self._layers = [m for m in self._model.modules() if isinstance(m, SparseLinear)]
        self._seen = [np.zeros(layer.n_potential, dtype=np.bool_) for layer in self._layers]

    def _look(self) -> None:
        for layer, seen in zip(self._layers, self._seen, strict=True):
            full = layer.n_active == layer.n_potential
            seen[slice(None) if full else layer.keys()] = True
