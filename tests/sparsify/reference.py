"""Rewiring with sets and dictionaries: slow, obvious, without a kernel and without positions."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping

__all__ = ["deep_r_step", "exchanged"]

Values = Mapping[int, float]


def exchanged(
    values: Values, dropped: Iterable[int], born: Mapping[int, float]
) -> list[tuple[int, float]]:
    """Take keys out, put others in; what is left by key, in order."""
    gone = set(dropped)
    after = {key: value for key, value in values.items() if key not in gone}
    assert not after.keys() & born.keys()
    return sorted({**after, **born}.items())


def deep_r_step(
    weights: Values,
    signs: Values,
    n_potential: int,
    *,
    learning_rate: float,
    l1: float,
    temperature: float,
    rng: random.Random,
) -> tuple[dict[int, float], dict[int, float]]:
    """Return weights and signs by key after algorithm 1 of Bellec et al. 2018."""
    theta = {key: signs[key] * weight for key, weight in weights.items()}
    spread = math.sqrt(2 * learning_rate * temperature)
    for key in theta:
        theta[key] += -learning_rate * l1 + spread * rng.gauss(0, 1)
    active = {key for key in theta if theta[key] >= 0}
    new_signs = {key: signs[key] for key in active}
    new_weights = {key: signs[key] * theta[key] for key in active}
    while len(new_weights) < len(weights):
        key = rng.randrange(n_potential)
        if key not in new_weights:
            new_weights[key], new_signs[key] = 0.0, rng.choice((-1, 1))
    return new_weights, new_signs
