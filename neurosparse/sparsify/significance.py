"""Pruning driven by the loss of generalisation (Prechelt)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.network.checks import check_count, check_fraction, check_positive
from neurosparse.sparsify.context import Context
from neurosparse.sparsify.layer import LayerView
from neurosparse.sparsify.magnitude import lowest
from neurosparse.sparsify.target import Target

__all__ = ["GeneralizationLoss", "generalization_loss", "significance"]


def generalization_loss(context: Context) -> float:
    """Return ``GL = 100 (E_valid / min E_valid - 1)`` in percent; 0 before any was observed.

    References
    ----------
    Prechelt 1997 (Neurocomputing 16:49-61; ICSI TR-95-009), section 2.
    """
    least = context.memory.get("least_valid_loss", 0.0)
    if not least > 0:
        return 0.0
    return float(100 * (context.memory["valid_loss"] / least - 1))


def significance(layer: LayerView, n_patterns: int) -> NDArray[np.float64]:
    r"""Return Finnoff's test of whether a weight is zero, (n_active,) float64.

    ``T = ln(|sum_p (w - eta g_p)| / (eta sqrt(sum_p (g_p - mean g)^2)))``, with mean and variance
    of the gradient over patterns taken from the moments that Adam keeps.

    Raises
    ------
    ParameterError
        If the optimiser keeps no ``exp_avg`` and ``exp_avg_sq``.

    References
    ----------
    Finnoff, Hergert & Zimmermann 1993, doi:10.1016/S0893-6080(05)80122-4; Prechelt 1997.
    """
    if not {"exp_avg", "exp_avg_sq"} <= layer.slots.keys():
        raise ParameterError(
            "score: significance needs the moments that Adam keeps; use such an optimiser, or "
            "score='magnitude'"
        )
    weights = layer.weights.astype(np.float64)
    mean = layer.slots["exp_avg"].astype(np.float64)
    variance = np.maximum(layer.slots["exp_avg_sq"].astype(np.float64) - mean**2, 0)
    moved = n_patterns * np.abs(weights - layer.learning_rate * mean)
    spread = layer.learning_rate * np.sqrt(n_patterns * variance)
    tiny = np.finfo(np.float64).tiny
    return np.asarray(np.log(np.maximum(moved, tiny)) - np.log(np.maximum(spread, tiny)))


class GeneralizationLoss:
    r"""Prune as strongly as the network overfits: lprune.

    When a validation loss has come in, every synapse with ``T < lambda mean(T)`` goes, where
    ``lambda = most (1 - 1/(1 + a GL))`` grows with the loss of generalisation.

    Parameters
    ----------
    target : Target
        The least number of synapses per layer: where its curve stands at 1, what is beyond goes, so
        that a comparison at equal density is one. Prechelt has no such end.
    n_patterns : int
        Samples per epoch.
    most : float
        ``lambda_max``, ``0 < most <= 1``.
    a : float
        Steepness; > 0.
    trigger : float [%]
        ``GL`` from which on there is pruning; >= 0.
    score : {"significance", "magnitude"}
        ``T``, or ``|w|`` in its place.

    Raises
    ------
    ParameterError
        If one is out of range.

    References
    ----------
    Prechelt 1997, sections 3 and 4 (``lambda_max = 2/3``, ``a = 2``).
    """

    def __init__(
        self,
        target: Target,
        n_patterns: int,
        *,
        most: float = 2 / 3,
        a: float = 2.0,
        trigger: float = 0.0,
        score: Literal["significance", "magnitude"] = "significance",
    ) -> None:
        if score not in ("significance", "magnitude"):
            raise ParameterError(f"score: got {score!r}; allowed is significance, magnitude")
        if not 0 <= trigger < math.inf:
            raise ParameterError(f"trigger: got {trigger!r}; allowed is >= 0")
        self.target, self.score, self.trigger = target, score, float(trigger)
        self.n_patterns = check_count("n_patterns", n_patterns, least=1)
        self.most, self.a = check_fraction("most", most), check_positive("a", a)
        self.needs = ("validation", *(["slots"] if score == "significance" else []))

    def strength(self, context: Context) -> float:
        """Return ``lambda``."""
        return self.most * (1 - 1 / (1 + self.a * generalization_loss(context)))

    def __call__(self, layers: Sequence[LayerView], context: Context) -> list[NDArray[np.int64]]:
        """Return what is not significant, or everything beyond the target at its end."""
        is_new = context.memory.pop("valid_loss_is_new", False)
        at_end = self.target.curve(context.step) >= 1
        overfits = is_new and generalization_loss(context) > self.trigger
        if not at_end and not overfits:
            return [np.zeros(0, dtype=np.int64)] * len(layers)
        dropped = []
        for layer, keep in zip(layers, self.target.final_counts(layers).tolist(), strict=True):
            if layer.n_active <= keep:
                dropped.append(np.zeros(0, dtype=np.int64))
                continue
            scores: NDArray[Any] = (
                significance(layer, self.n_patterns)
                if self.score == "significance"
                else np.abs(layer.weights)
            )
            n = layer.n_active - keep
            if not at_end:
                n = min(n, int((scores < self.strength(context) * scores.mean()).sum()))
            dropped.append(lowest(scores, n, context.rng))
        return dropped
