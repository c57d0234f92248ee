"""The papers' equations with dictionaries and loops: slow, obvious, without positions or arrays.

A layer is its weights by key, ``post * n_pre + pre``; what is not in it is dormant.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from fractions import Fraction

__all__ = [
    "bayesian_step",
    "dsr_growth",
    "dsr_prune",
    "dsr_threshold",
    "er_densities",
    "finnoff",
    "generalization_loss",
    "gmp_sparsity",
    "is_sparse_phase",
    "keep_largest",
    "keep_largest_of_all",
    "lprune_drops",
    "lprune_strength",
    "rigl_fraction",
    "rigl_step",
    "set_drops",
    "smallest",
]

Weights = Mapping[int, float]


def smallest(weights: Weights, n: int) -> set[int]:
    """Return the keys of the ``n`` smallest ``|w|``."""
    return set(sorted(weights, key=lambda key: abs(weights[key]))[: max(0, n)])


# ------------------------------------------------------------------ SET, Mocanu 2018, algorithm 1


def set_drops(weights: Weights, zeta: float) -> set[int]:
    """Return a fraction of the smallest positive weights and of the largest negative ones."""
    positive = sorted((w, key) for key, w in weights.items() if w > 0)
    negative = sorted(((w, key) for key, w in weights.items() if w < 0), reverse=True)
    gone = positive[: math.floor(zeta * len(positive))]
    gone += negative[: math.floor(zeta * len(negative))]
    return {key for _, key in gone}


# ------------------------------------------------------------------ RigL, Evci 2020, algorithm 1


def rigl_fraction(t: int, alpha: float, t_end: int) -> float:
    return alpha / 2 * (1 + math.cos(t * math.pi / t_end))


def rigl_step(weights: Weights, gradient: Mapping[int, float], n: int) -> dict[int, float]:
    """Drop the ``n`` smallest, grow the ``n`` largest gradients of all that are not kept.

    The gradient is that of every potential synapse. One just dropped may come back, as it was.
    """
    kept = {key: weights[key] for key in weights.keys() - smallest(weights, n)}
    others = sorted(gradient.keys() - kept.keys(), key=lambda key: -abs(gradient[key]))
    return kept | {key: weights.get(key, 0.0) for key in others[:n]}


# ------------------------------------------------------------------ DSR, Mostafa & Wang 2019


def dsr_prune(layers: Sequence[Weights], threshold: float) -> list[set[int]]:
    """Prune every ``|w| < H``; of a layer that would be empty the largest stays."""
    gone = []
    for weights in layers:
        below = {key for key, w in weights.items() if abs(w) < threshold}
        if below == weights.keys():
            below -= {max(weights, key=lambda key: abs(weights[key]))}
        gone.append(below)
    return gone


def dsr_threshold(threshold: float, n_pruned: int, wanted: float, delta: float) -> float:
    if n_pruned < (1 - delta) * wanted:
        return 2 * threshold
    if n_pruned > (1 + delta) * wanted:
        return threshold / 2
    return threshold


def dsr_growth(survivors: Sequence[int], n_pruned: int) -> list[int]:
    """Return ``G_l = round(R_l / sum R * sum K)``, before what rounding leaves over."""
    total = sum(survivors)
    return [round(Fraction(own, total) * n_pruned) for own in survivors]


# ------------------------------------------------------------------ those that start full


def gmp_sparsity(t: int, t0: int, t1: int, final: Fraction, power: int = 3) -> Fraction:
    """Return ``s_f + (s_i - s_f) (1 - (t - t0)/(t1 - t0))^power`` with ``s_i = 0``, exactly."""
    progress = Fraction(min(max(t, t0), t1) - t0, t1 - t0)
    return final + (0 - final) * (1 - progress) ** power


def keep_largest(weights: Weights, n: int) -> dict[int, float]:
    gone = smallest(weights, len(weights) - n)
    return {key: w for key, w in weights.items() if key not in gone}


def keep_largest_of_all(layers: Sequence[Weights], n: int) -> list[dict[int, float]]:
    """Keep the ``n`` largest of all layers together, and every layer's largest in any case."""
    firsts = {(i, max(layer, key=lambda key: abs(layer[key]))) for i, layer in enumerate(layers)}
    rest = [
        (abs(w), i, key)
        for i, layer in enumerate(layers)
        for key, w in layer.items()
        if (i, key) not in firsts
    ]
    stay = firsts | {(i, key) for _, i, key in sorted(rest, reverse=True)[: n - len(firsts)]}
    return [
        {key: w for key, w in layer.items() if (i, key) in stay} for i, layer in enumerate(layers)
    ]


def is_sparse_phase(t: int, sparse_steps: int, dense_steps: int, n_steps: int) -> bool:
    """Return whether IHT is in a sparse phase after step ``t``, counted from 0.

    Phases take turns, dense first, as often as both fit in; the last sparse one lasts to the end.
    """
    both = dense_steps + sparse_steps
    n_turns = n_steps // both
    done = t + 1
    turn = min(done // both, n_turns - 1)
    return done - turn * both >= dense_steps


# ------------------------------------------------------------------ lprune, Prechelt 1997


def generalization_loss(valid_losses: Sequence[float]) -> float:
    """Return ``100 (E(t) / min_{t' <= t} E(t') - 1)``."""
    return 100 * (valid_losses[-1] / min(valid_losses) - 1)


def finnoff(w: float, gradients: Sequence[float], eta: float) -> float:
    """Return ``T(w)`` from the gradient of every pattern."""
    mean = sum(gradients) / len(gradients)
    moved = sum(w - eta * g for g in gradients)
    spread = math.sqrt(sum((g - mean) ** 2 for g in gradients))
    return math.log(abs(moved) / (eta * spread))


def lprune_strength(gl: float, most: float, a: float) -> float:
    return most * (1 - 1 / (1 + a * gl))


def lprune_drops(significance: Weights, strength: float, least: int) -> set[int]:
    """Return what has ``T < lambda mean(T)``, so far as ``least`` synapses stay."""
    mean = sum(significance.values()) / len(significance)
    border = min(strength * mean, mean)
    below = sorted((t, key) for key, t in significance.items() if t < border)
    return {key for _, key in below[: max(0, len(significance) - least)]}


# ------------------------------------------------------------------ Ozdenizci & Legenstein 2021


def bayesian_step(
    layers: Sequence[tuple[Weights, Weights]],
    sizes: Sequence[int],
    *,
    learning_rate: float,
    l2: float,
    temperature: float,
    rng: random.Random,
) -> list[tuple[dict[int, float], dict[int, float]]]:
    """Return weights and signs of every layer after a step under one budget.

    ``theta -= eta l2 theta``, noise on active ones, then as many at 0 as went dormant: a layer for
    each in proportion to its size, and a dormant place in it.
    """
    spread = math.sqrt(2 * learning_rate * temperature)
    after = []
    for weights, signs in layers:
        theta = {key: signs[key] * w * (1 - learning_rate * l2) for key, w in weights.items()}
        theta = {key: value + spread * rng.gauss(0, 1) for key, value in theta.items()}
        alive = {key for key, value in theta.items() if value >= 0}
        after.append(
            ({key: signs[key] * theta[key] for key in alive}, {key: signs[key] for key in alive})
        )
    missing = sum(len(weights) for weights, _ in layers) - sum(len(own) for own, _ in after)
    while missing:
        index = rng.choices(range(len(layers)), weights=sizes)[0]
        weights, signs = after[index]
        if len(weights) == sizes[index]:
            continue
        key = rng.randrange(sizes[index])
        while key in weights:
            key = rng.randrange(sizes[index])
        weights[key], signs[key] = 0.0, rng.choice((-1, 1))
        missing -= 1
    return after


# ------------------------------------------------------------------ Erdos-Renyi budgets


def er_densities(shapes: Sequence[tuple[int, int]], density: float) -> list[float]:
    """Return ``min(1, eps (n_in + n_out) / (n_in n_out))``, with the ``eps`` that gives the total.

    Found by halving an interval: the number of synapses rises with ``eps``.
    """
    total = density * sum(a * b for a, b in shapes)
    low, high = 0.0, 2.0 * max(a * b for a, b in shapes)
    for _ in range(200):
        middle = (low + high) / 2
        count = sum(min(a * b, middle * (a + b)) for a, b in shapes)
        low, high = (middle, high) if count < total else (low, middle)
    return [min(1.0, high * (a + b) / (a * b)) for a, b in shapes]
