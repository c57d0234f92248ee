"""Recipes that keep dense state, with lists and loops: no array, no part of the package.

The problem they are tried on: one number ``t`` per potential synapse, and the loss
``sum (m w - t)^2 / 2`` over all layers, whose gradient at the masked point is ``m w - t``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

__all__ = [
    "dpf_run",
    "lc_run",
    "snfs_exchange",
    "snfs_run",
    "soft_deep_r_run",
    "split",
    "top",
]

Numbers = list[list[float]]  # layer by layer
Masks = list[list[bool]]


def top(values: Numbers, counts: Sequence[int], *, pooled: bool) -> Masks:
    """Choose the largest magnitudes; where layers compete, the best of each comes first."""
    places = [(i, k) for i, layer in enumerate(values) for k in range(len(layer))]

    def size(place: tuple[int, int]) -> float:
        return abs(values[place[0]][place[1]])

    chosen: set[tuple[int, int]] = set()
    if pooled:
        for i in range(len(values)):
            chosen.add(max((place for place in places if place[0] == i), key=size))
        for place in sorted(places, key=size, reverse=True):
            if len(chosen) < sum(counts):
                chosen.add(place)
    else:
        for i, n in enumerate(counts):
            own = sorted((place for place in places if place[0] == i), key=size, reverse=True)
            chosen.update(own[:n])
    return [[(i, k) in chosen for k in range(len(layer))] for i, layer in enumerate(values)]


def soft_deep_r_run(
    theta: list[float],
    signs: list[int],
    targets: list[float],
    noise: list[list[float]],
    *,
    eta: float,
    alpha: float,
    temperature: float,
    p: float,
) -> list[float]:
    """Return theta of one layer after as many steps as there is noise."""
    least = -temperature * (1 - p) / (alpha * p)
    theta = list(theta)
    for numbers in noise:
        for k, number in enumerate(numbers):
            if theta[k] > 0:
                gradient = signs[k] * theta[k] - targets[k]
                theta[k] -= eta * signs[k] * gradient
                theta[k] -= eta * alpha
            theta[k] += math.sqrt(2 * eta * temperature) * number
            theta[k] = max(theta[k], least)
    return theta


def split(total: int, shares: list[float], free: list[int]) -> list[int]:
    """Split by shares in exact arithmetic; what finds no room is spread equally; round at last."""
    room = [Fraction(math.floor(Fraction(99, 100) * n)) for n in free]
    if sum(room) < total:
        room = [Fraction(n) for n in free]
    wanted = [Fraction(0)] * len(free)
    for i, share in enumerate(shares):
        wanted[i] = min(room[i], Fraction(share) / sum(map(Fraction, shares)) * total)
    while sum(wanted) < total:
        open_layers = [i for i in range(len(free)) if wanted[i] < room[i]]
        more = (total - sum(wanted)) / len(open_layers)
        for i in open_layers:
            wanted[i] = min(room[i], wanted[i] + more)
    counts = [math.floor(number) for number in wanted]
    while sum(counts) < total:
        i = max(range(len(free)), key=lambda i: wanted[i] - counts[i])
        counts[i] += 1
    return counts


def snfs_exchange(weights: Numbers, momenta: Numbers, masks: Masks, rate: float) -> Masks:
    """Return the masks after one exchange of algorithm 1, its total kept exactly."""
    n_layers = len(weights)
    means = []
    for momentum, mask in zip(momenta, masks, strict=True):
        active = [abs(m) for m, on in zip(momentum, mask, strict=True) if on]
        means.append(sum(active) / len(active))
    shares = [mean / sum(means) for mean in means]
    new, gone, free = [], [], []
    for weight, mask, share in zip(weights, masks, shares, strict=True):
        n, size = sum(mask), len(mask)
        sparsity = 1 - n / size
        own_rate = min(rate, sparsity) if sparsity < 0.2 and share > 1 / n_layers else rate
        n_gone = min(math.ceil(own_rate * n), n - 1)
        order = sorted((k for k in range(size) if mask[k]), key=lambda k: abs(weight[k]))
        left = set(order[n_gone:])
        new.append([k in left for k in range(size)])
        gone.append(n_gone)
        free.append(size - n + n_gone)
    for i, n_come in enumerate(split(sum(gone), shares, free)):
        masked = [k for k, on in enumerate(new[i]) if not on]
        masked.sort(key=lambda k: abs(momenta[i][k]), reverse=True)
        for k in masked[:n_come]:
            new[i][k] = True
    return new


def snfs_run(
    weights: Numbers,
    masks: Masks,
    targets: Numbers,
    *,
    n_steps: int,
    every: int,
    eta: float,
    momentum: float,
    rate: float,
    last_rate: float,
) -> tuple[Numbers, Masks]:
    """Train by gradient descent with momentum, and exchange after every period but the last."""
    weights = [list(layer) for layer in weights]
    buffers = [[0.0] * len(layer) for layer in weights]
    for step in range(n_steps):
        _descend(weights, masks, targets, buffers, eta, momentum)
        for weight, mask in zip(weights, masks, strict=True):
            _clear(weight, mask)
        if (step + 1) % every == 0 and step < n_steps - 1:
            now = last_rate + (rate - last_rate) * (1 + math.cos(math.pi * step / n_steps)) / 2
            masks = snfs_exchange(weights, buffers, masks, now)
            for weight, mask in zip(weights, masks, strict=True):
                _clear(weight, mask)
    return weights, masks


def dpf_run(
    weights: Numbers,
    targets: Numbers,
    counts: Sequence[int],
    *,
    n_steps: int,
    every: int,
    stop: int,
    eta: float,
    pooled: bool,
) -> tuple[Numbers, Masks]:
    """Descend along the gradient at masked weights, for all of them; DNW if ``stop`` is 0.

    With ``stop = 0`` the final number holds from the start, and the mask is taken in every step.
    """
    weights = [list(layer) for layer in weights]
    masks = [[True] * len(layer) for layer in weights]
    if not stop:
        masks = top(weights, counts, pooled=pooled)
    last = stop // every * every - 1
    for step in range(n_steps):
        _descend(weights, masks, targets, None, eta, 0.0)
        if not stop:
            masks = top(weights, counts, pooled=pooled)
        elif (step + 1) % every == 0 and step < stop:
            way = 1 - (1 - min(1.0, step / last)) ** 3
            now = [
                round(len(layer) - way * (len(layer) - n))
                for layer, n in zip(weights, counts, strict=True)
            ]
            masks = top(weights, now, pooled=pooled)
    return weights, masks


def lc_run(
    weights: Numbers,
    targets: Numbers,
    compress: Callable[[Numbers, float], Numbers],
    *,
    n_steps: int,
    n_stages: int,
    period: int,
    eta: float,
    pull: float,
    growth: float,
) -> Numbers:
    """Train densely, then in stages of L and C steps; return theta at the end."""
    weights = [list(layer) for layer in weights]
    full = [[True] * len(layer) for layer in weights]

    def descend() -> None:
        _descend(weights, full, targets, None, eta, 0.0)

    for _ in range(n_steps - n_stages * period):
        descend()
    theta = compress(weights, 0.0)
    multipliers = [[0.0] * len(layer) for layer in weights]
    mu = pull / (eta * period)
    for _ in range(n_stages):
        for _ in range(period):
            descend()
            for w, wanted, multiplier in zip(weights, theta, multipliers, strict=True):
                for k in range(len(w)):
                    aim = wanted[k] + multiplier[k] / mu
                    w[k] = (w[k] + eta * mu * aim) / (1 + eta * mu)
        moved = [
            [w - multiplier / mu for w, multiplier in zip(*pair, strict=True)]
            for pair in zip(weights, multipliers, strict=True)
        ]
        theta = compress(moved, mu)
        for w, wanted, multiplier in zip(weights, theta, multipliers, strict=True):
            for k in range(len(w)):
                multiplier[k] -= mu * (w[k] - wanted[k])
        mu *= growth
    return theta


def _descend(
    weights: Numbers,
    masks: Masks,
    targets: Numbers,
    buffers: Numbers | None,
    eta: float,
    momentum: float,
) -> None:
    for i, layer in enumerate(weights):
        for k in range(len(layer)):
            gradient = masks[i][k] * layer[k] - targets[i][k]
            if buffers is not None:
                buffers[i][k] = momentum * buffers[i][k] + gradient
                gradient = buffers[i][k]
            layer[k] -= eta * gradient


def _clear(weights: list[float], mask: list[bool]) -> None:
    for k, on in enumerate(mask):
        if not on:
            weights[k] = 0.0
