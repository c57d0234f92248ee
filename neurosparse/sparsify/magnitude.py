"""Drop rules that take the smallest weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.network.checks import check_fraction, check_positive
from neurosparse.sparsify.context import Context
from neurosparse.sparsify.drop import LayerDropRule
from neurosparse.sparsify.layer import LayerView
from neurosparse.sparsify.schedules import Curve
from neurosparse.sparsify.target import Target

__all__ = ["AdaptiveThreshold", "Beyond", "Score", "Smallest", "SmallestBySign", "lowest"]

Score = Callable[[LayerView, Context], NDArray[Any]]


def lowest(scores: NDArray[Any], n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the positions of the ``n`` lowest scores, (n,) int64, ascending.

    Among equals chance decides: newborns that nothing has moved yet all stand at 0, and order in
    memory must not favour any.
    """
    if n >= scores.size:
        return np.arange(scores.size)
    if n <= 0:
        return np.zeros(0, dtype=np.int64)
    border = np.partition(scores, n - 1)[n - 1]
    below = np.flatnonzero(scores < border)
    equal = np.flatnonzero(scores == border)
    if below.size + equal.size > n:
        equal = rng.choice(equal, n - below.size, replace=False)
    return np.sort(np.concatenate([below, equal]))


def magnitude(layer: LayerView, context: Context) -> NDArray[Any]:
    """Score a synapse by ``|w|``."""
    return np.asarray(np.abs(layer.weights))


def chance(layer: LayerView, context: Context) -> NDArray[Any]:
    """Score a synapse by a random number."""
    return context.rng.random(layer.n_active)


_SCORES: dict[str, Score] = {"magnitude": magnitude, "random": chance}


class Smallest(LayerDropRule):
    """Drop a share of a layer's synapses, the smallest ``|w|``.

    Parameters
    ----------
    share : float or callable
        ``0 < share <= 1``, or a `Curve` of it; ``floor(share * n_active)`` go.

    Raises
    ------
    ParameterError
        If a number lies outside.

    References
    ----------
    Evci et al. 2020 (RigL), section 3.
    """

    def __init__(self, share: float | Curve) -> None:
        self.share = share if callable(share) else _constant(check_fraction("share", share))

    def choose(self, layer: LayerView, context: Context) -> NDArray[np.int64]:
        """Return the smallest."""
        n = int(self.share(context.step) * layer.n_active)
        return lowest(np.abs(layer.weights), n, context.rng)


class SmallestBySign(LayerDropRule):
    """Drop a share of the positive weights closest to 0, and as large a one of the negative.

    Parameters
    ----------
    share : float
        ``zeta``, ``0 < zeta <= 1``.

    Notes
    -----
    Weights of exactly 0 count as positive. ``floor`` of each share goes.

    References
    ----------
    Mocanu et al. 2018 (SET), Nature Communications 9:2383, algorithm 1.
    """

    def __init__(self, share: float) -> None:
        self.share = check_fraction("share", share)

    def choose(self, layer: LayerView, context: Context) -> NDArray[np.int64]:
        """Return the smallest of either sign."""
        negative = layer.weights < 0
        chosen = []
        for positions in (np.flatnonzero(~negative), np.flatnonzero(negative)):
            sizes = np.abs(layer.weights[positions])
            n = int(self.share * positions.size)
            chosen.append(positions[lowest(sizes, n, context.rng)])
        return np.sort(np.concatenate(chosen))


class AdaptiveThreshold:
    """Drop what is smaller than one threshold for all layers, which follows a wanted number.

    After a step that dropped fewer than ``(1 - tolerance) n`` the threshold is doubled, after more
    than ``(1 + tolerance) n`` it is halved. No layer is emptied: its largest weight stays.

    Parameters
    ----------
    n : int or float
        How many are wanted, in all layers; below 1 a share of the active synapses. Where more are
        wanted than can go, the threshold stops above the largest weight.
    threshold : float
        The first, ``H``; > 0.
    tolerance : float
        ``0 < tolerance <= 1``.

    Raises
    ------
    ParameterError
        If a number lies outside.

    Notes
    -----
    No sorting: O(n_active). The threshold is kept in the context's memory.

    References
    ----------
    Mostafa & Wang 2019 (DSR), arXiv 1902.05967, algorithm 1.
    """

    def __init__(self, n: float, *, threshold: float = 1e-3, tolerance: float = 0.1) -> None:
        self.n, self.threshold = check_positive("n", n), check_positive("threshold", threshold)
        self.tolerance = check_fraction("tolerance", tolerance)

    def __call__(self, layers: Sequence[LayerView], context: Context) -> list[NDArray[np.int64]]:
        """Return what is below the threshold, and adapt it."""
        threshold = context.memory.get("threshold", self.threshold)
        largest = 0.0
        dropped = []
        for layer in layers:
            sizes = np.abs(layer.weights)
            largest = max(largest, float(sizes.max(initial=0.0)))
            goes = np.flatnonzero(sizes < threshold)
            if goes.size and goes.size == layer.n_active:
                goes = np.delete(goes, np.argmax(sizes))
            dropped.append(goes)
        n = sum(positions.size for positions in dropped)
        wanted = self.n if self.n >= 1 else self.n * sum(layer.n_active for layer in layers)
        if n < (1 - self.tolerance) * wanted:
            threshold *= 2 if threshold <= largest else 1
        elif n > (1 + self.tolerance) * wanted:
            threshold /= 2
        context.memory["threshold"] = threshold
        return dropped


class Beyond:
    """Drop the lowest-scored synapses of which there are more than a target allows.

    Parameters
    ----------
    target : Target
        How many each layer keeps.
    score : {"magnitude", "random"} or callable
        ``(layer, context) -> (n_active,)``.
    pooled : bool
        Whether all layers share one budget, the sum of the target's, and one threshold; every layer
        keeps its best synapse. Else each keeps its own number.

    Raises
    ------
    ParameterError
        If the score is unknown.
    """

    def __init__(
        self,
        target: Target,
        score: Literal["magnitude", "random"] | Score = "magnitude",
        *,
        pooled: bool = False,
    ) -> None:
        if not callable(score) and score not in _SCORES:
            raise ParameterError(f"score: got {score!r}; allowed is {', '.join(_SCORES)}")
        self.target, self.pooled = target, pooled
        self.score = score if callable(score) else _SCORES[score]

    def __call__(self, layers: Sequence[LayerView], context: Context) -> list[NDArray[np.int64]]:
        """Return the lowest-scored beyond the target."""
        excess = np.array([layer.n_active for layer in layers])
        excess = excess - self.target.counts(layers, context.step)
        nothing = np.zeros(0, dtype=np.int64)
        if excess.sum() <= 0 if self.pooled else (excess <= 0).all():
            return [nothing] * len(layers)
        scores = [np.array(self.score(layer, context)) for layer in layers]
        if not self.pooled:
            return [
                lowest(own, n, context.rng) for own, n in zip(scores, excess.tolist(), strict=True)
            ]
        for own in scores:
            if own.size:
                own[np.argmax(own)] = np.inf
        bounds = np.cumsum([0, *(own.size for own in scores)])
        chosen = lowest(np.concatenate(scores), int(excess.sum()), context.rng)
        cuts = np.searchsorted(chosen, bounds)
        return [
            chosen[low:high] - first
            for low, high, first in zip(cuts[:-1], cuts[1:], bounds[:-1], strict=True)
        ]


def _constant(value: float) -> Curve:
    def curve(step: int) -> float:
        return value

    return curve
