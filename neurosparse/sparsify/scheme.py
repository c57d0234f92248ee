"""A scheme is a composition: noise, drop rule, budget, grow rule, signs, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, TopologyError
from neurosparse.sparsify.birth import Birth
from neurosparse.sparsify.budget import Budget, LayerBudget
from neurosparse.sparsify.context import Context
from neurosparse.sparsify.description import describe
from neurosparse.sparsify.drop import DropRule, Nothing, SignChange
from neurosparse.sparsify.drop_kernels import are_ascending
from neurosparse.sparsify.exchange import Rewiring, exchange
from neurosparse.sparsify.grow import GrowRule, Uniform
from neurosparse.sparsify.layer import LayerView
from neurosparse.sparsify.noise import Noise
from neurosparse.sparsify.schedules import Schedule
from neurosparse.sparsify.signs import RandomSigns, SignRule

__all__ = ["Scheme"]


@dataclass(frozen=True, repr=False)
class Scheme:
    """How connectivity changes during training.

    Parameters
    ----------
    name : str
        For tables.
    drop : DropRule
        Which active synapses go.
    grow : GrowRule
        Which dormant ones come.
    budget : Budget
        How many each layer regrows.
    noise : Noise, optional
        Applied after every optimiser step.
    signs : SignRule
        Signs of newborns.
    schedule : Schedule
        When.
    birth : Birth, optional
        First weights of newborns; without it they start at 0.
    """

    name: str
    drop: DropRule = field(default_factory=Nothing)
    grow: GrowRule = field(default_factory=Uniform)
    budget: Budget = field(default_factory=LayerBudget)
    noise: Noise | None = None
    signs: SignRule = field(default_factory=RandomSigns)
    schedule: Schedule = field(default_factory=Schedule)
    birth: Birth | None = None

    def __repr__(self) -> str:
        """Name all parts and their settings."""
        return describe(self)

    @cached_property
    def needs(self) -> frozenset[str]:
        """What the rules want to see besides weights, by their attributes ``needs``.

        ``"gradient"`` and ``"slots"``: `LayerView.gradient`, `LayerView.slots`; ``"candidates"``:
        `LayerView.candidates`, for which dense gradients are looked through when an exchange is
        due; ``"validation"``: a loss after every epoch (`Context.observe`).
        """
        return frozenset().union(
            *(getattr(part, "needs", ()) for part in (self.drop, self.grow, self.budget))
        )

    def step(self, layers: Sequence[LayerView], context: Context) -> list[Rewiring | None]:
        """Perturb the weights in place and decide the exchange after one optimiser step.

        Parameters
        ----------
        layers : sequence of LayerView
            All layers under the budget.
        context : Context
            The step, random numbers, and what rules remember.

        Returns
        -------
        list of Rewiring or None
            One per layer; none where nothing changes. There are no duplicates, and numbers are what
            the budget says, exactly. Cost O(n_active).

        Raises
        ------
        ParameterError
            If a drop rule returns anything but ascending positions.
        TopologyError
            If a grow rule returns anything but as many ascending keys of dormant synapses.
        """
        if self.noise is not None:
            for layer in layers:
                self.noise(layer, context.rng)
        if not self.schedule.due(context.step):
            return [None] * len(layers)
        dropped = self.drop(layers, context)
        if not isinstance(self.drop, SignChange):  # whose positions ascend as they are found
            dropped = [
                _checked(positions, layer) for positions, layer in zip(dropped, layers, strict=True)
            ]
        surviving = np.array(
            [
                layer.n_active - positions.size
                for layer, positions in zip(layers, dropped, strict=True)
            ]
        )
        missing = self.budget.missing(layers, surviving, context)
        return [
            self._rewire(layer, positions, n_grow, context.rng)
            for layer, positions, n_grow in zip(layers, dropped, missing.tolist(), strict=True)
        ]

    def _rewire(
        self, layer: LayerView, dropped: NDArray[np.int64], n_grow: int, rng: np.random.Generator
    ) -> Rewiring | None:
        if not n_grow and not dropped.size:
            return None
        born = self.grow(layer, dropped, n_grow, rng)
        if born.size != n_grow:
            raise TopologyError(f"grow: the rule returned {born.size} keys; asked for {n_grow}")
        if getattr(self.grow, "revives", False):
            dropped, born = _without_revived(layer, dropped, born)
        signs = self.signs(layer.post_major(born), layer.n_pre, rng)
        rewiring = exchange(layer, dropped, born, signs)
        if self.birth is not None:
            rewiring.weights = self.birth(layer, born, signs, rng)
        return rewiring


def _without_revived(
    layer: LayerView, dropped: NDArray[np.int64], born: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Leave synapses alone that are dropped and grown at once: they keep weight and state."""
    keys = layer.keys[dropped]
    return dropped[~np.isin(keys, born)], born[~np.isin(born, keys)]


def _checked(dropped: NDArray[Any], layer: LayerView) -> NDArray[np.int64]:
    """Return what a drop rule chose, ready for the kernels, which check nothing."""
    if dropped.dtype.kind not in "iu":
        raise ParameterError(
            f"drop: the rule returned {dropped.dtype}; expected positions (numpy.flatnonzero)"
        )
    dropped = np.ascontiguousarray(dropped, dtype=np.int64)
    if not are_ascending(dropped, layer.n_active):
        raise ParameterError(
            f"drop: the rule returned positions that do not ascend within 0..{layer.n_active - 1}"
        )
    return dropped
