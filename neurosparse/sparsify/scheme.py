"""A scheme is a composition: noise, drop rule, budget, grow rule, signs, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError, TopologyError
from neurosparse.network.checks import check_count
from neurosparse.sparsify.budget import Budget, LayerBudget
from neurosparse.sparsify.drop import DropRule, Nothing
from neurosparse.sparsify.drop_kernels import are_ascending
from neurosparse.sparsify.exchange import Rewiring, exchange
from neurosparse.sparsify.grow import GrowRule, Uniform
from neurosparse.sparsify.layer import LayerView
from neurosparse.sparsify.noise import Noise
from neurosparse.sparsify.signs import RandomSigns, SignRule

__all__ = ["Schedule", "Scheme"]


@dataclass(frozen=True)
class Schedule:
    """When synapses are exchanged.

    Parameters
    ----------
    every : int [steps]
        Period.
    start, stop : int [steps]
        First step that counts, and the first that no longer does (none: never stops).
    """

    every: int = 1
    start: int = 0
    stop: int | None = None

    def __post_init__(self) -> None:
        check_count("every", self.every, least=1)
        check_count("start", self.start)

    def due(self, step: int) -> bool:
        """Whether synapses are exchanged after step ``step`` (counted from 0)."""
        running = step >= self.start and (self.stop is None or step < self.stop)
        return running and (step - self.start + 1) % self.every == 0


@dataclass(frozen=True)
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
    """

    name: str
    drop: DropRule = field(default_factory=Nothing)
    grow: GrowRule = field(default_factory=Uniform)
    budget: Budget = field(default_factory=LayerBudget)
    noise: Noise | None = None
    signs: SignRule = field(default_factory=RandomSigns)
    schedule: Schedule = field(default_factory=Schedule)

    def step(
        self, layers: Sequence[LayerView], step: int, rng: np.random.Generator
    ) -> list[Rewiring | None]:
        """Perturb the weights in place and decide the exchange after one optimiser step.

        Parameters
        ----------
        layers : sequence of LayerView
            All layers under the budget.
        step : int
            Number of the step, from 0.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        list of Rewiring or None
            One per layer; none where nothing changes. The total number of synapses is kept
            exactly, without duplicates. Cost O(n_active).

        Raises
        ------
        ParameterError
            If a drop rule returns anything but ascending positions.
        TopologyError
            If a grow rule returns anything but as many ascending keys of dormant synapses.
        """
        if self.noise is not None:
            for layer in layers:
                self.noise(layer, rng)
        if not self.schedule.due(step):
            return [None] * len(layers)
        dropped = [_checked(self.drop(layer, rng), layer) for layer in layers]
        if not any(positions.size for positions in dropped):
            return [None] * len(layers)
        before = np.array([layer.n_active for layer in layers])
        surviving = before - np.array([positions.size for positions in dropped])
        potential = np.array([layer.n_potential for layer in layers])
        missing = self.budget.missing(before, surviving, potential, rng)
        return [
            self._rewire(layer, positions, n_grow, rng)
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
        return exchange(layer, dropped, born, self.signs(layer.post_major(born), layer.n_pre, rng))


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
