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

_DECAYS = 0.9, 0.999  # of Adam's first and second moment, unless told otherwise
_ROUNDING = 1e-7  # of float32 moments: what of a variance may be nothing but rounding


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


def significance(layer: LayerView, n_patterns: int, n_steps: int) -> NDArray[np.float64]:
    r"""Return Finnoff's test of whether a weight is zero, (n_active,) float64.

    ``T = ln(|sum_p (w - eta g_p)| / (eta sqrt(sum_p (g_p - mean g)^2)))``, with mean and variance
    of the gradient over patterns taken from the moments that Adam keeps.

    Parameters
    ----------
    layer : LayerView
        With slots.
    n_patterns : int
        Samples per epoch.
    n_steps : int
        Steps that Adam has taken; its moments are corrected for their start from 0, with its usual
        decay rates.

    Returns
    -------
    (n_active,) float64
        ``-inf`` where no gradient has ever been, as from an input that is always 0: ``T`` is not
        defined there, and the loss does not depend on the weight.

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
    mean, square = (
        layer.slots[name].astype(np.float64) / (1 - decay**n_steps)
        for name, decay in zip(("exp_avg", "exp_avg_sq"), _DECAYS, strict=True)
    )
    # the two go back over different numbers of steps, so that the difference may be below 0
    variance = np.maximum(square - mean**2, _ROUNDING * square)
    moved = n_patterns * np.abs(layer.weights.astype(np.float64) - layer.learning_rate * mean)
    spread = layer.learning_rate * np.sqrt(n_patterns * variance)
    test = np.full(layer.n_active, -np.inf)
    np.log(moved, out=test, where=(square > 0) & (moved > 0))
    test[square > 0] -= np.log(spread[square > 0])
    return test


class GeneralizationLoss:
    r"""Prune as strongly as the network overfits: lprune.

    When a validation loss has come in, every synapse with ``T < lambda mean(T)`` goes, where
    ``lambda = most (1 - 1/(1 + a GL))`` grows with the loss of generalisation. Synapses that no
    gradient has reached, for which there is no ``T``, go first.

    Parameters
    ----------
    target : Target
        The least number of synapses per layer: where its curve stands at 1, the smallest ``|w|``
        beyond go, so that a comparison at equal density is one. Prechelt has no such end, and ``T``
        is no score for it: the less a synapse matters to the loss, the less its gradient varies.
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
            n = max(0, layer.n_active - keep)
            if at_end:
                scores: NDArray[Any] = np.abs(layer.weights)
            else:
                scores = self._scores(layer, context)
                mean = _mean_of_finite(scores)
                # of a negative mean less would be more
                border = min(self.strength(context) * mean, mean)
                n = min(n, int((scores < border).sum()))
            dropped.append(lowest(scores, n, context.rng))
        return dropped

    def _scores(self, layer: LayerView, context: Context) -> NDArray[Any]:
        if self.score == "magnitude":
            return np.asarray(np.abs(layer.weights))
        return significance(layer, self.n_patterns, context.step + 1)


def _mean_of_finite(scores: NDArray[Any]) -> float:
    finite = scores[np.isfinite(scores)]
    return float(finite.mean()) if finite.size else 0.0
