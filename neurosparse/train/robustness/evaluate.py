"""Accuracy of a trained network on clean images, under attack, under noise and with damage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from torch import nn

from neurosparse.data import Encoding, ImageDataset
from neurosparse.network.checks import check_count
from neurosparse.train.batches import Dataset, predict
from neurosparse.train.robustness.attacks import FGSM, PGD, Attack, adversarial_images
from neurosparse.train.robustness.image_input import undisturbed
from neurosparse.train.robustness.perturb import add_noise, lose_synapses

__all__ = ["Draws", "Robustness", "evaluate_robustness", "robust_accuracy"]

_NOISE, _LOSS = 0, 1  # streams of random numbers


class Draws(NamedTuple):
    """Accuracies of several draws of a random disturbance.

    Parameters
    ----------
    mean, low, high : float
        Of the draws, shares from 0 to 1.
    n : int
        How many.
    """

    mean: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, accuracies: Iterable[float]) -> Draws:
        """Summarise accuracies, at least one."""
        values = list(accuracies)
        return cls(float(np.mean(values)), min(values), max(values), len(values))


@dataclass(frozen=True)
class Robustness:
    """Accuracies of one network, shares from 0 to 1.

    Parameters
    ----------
    clean : float
        On the samples as they are.
    attacked : dict of Attack to float
        On images that were changed to mislead this very network.
    noisy : dict of float to Draws
        By the standard deviation of the noise.
    damaged : dict of float to Draws
        By the share of synapses that was lost.
    """

    clean: float
    attacked: dict[Attack, float]
    noisy: dict[float, Draws]
    damaged: dict[float, Draws]

    def to_row(self) -> dict[str, float]:
        """Return the means by readable names, a row of a table."""
        return {
            "clean": self.clean,
            **{str(attack): accuracy for attack, accuracy in self.attacked.items()},
            **{f"noise of {std:g}": draws.mean for std, draws in self.noisy.items()},
            **{f"{share:.3g} of synapses lost": d.mean for share, d in self.damaged.items()},
        }


def _accuracy(model: nn.Module, data: Dataset, encoding: Encoding | None) -> float:
    with undisturbed(model):
        return float((predict(model, data, encoding) == data.labels).mean())


def robust_accuracy(
    model: nn.Module,
    data: ImageDataset,
    encoding: Encoding | None = None,
    *,
    attack: Attack,
    seed: int = 0,
) -> float:
    """Return the share of images that a network gets right after they were changed to mislead it.

    Parameters
    ----------
    model : torch.nn.Module
        Maps what the encoding gives, or images, to logits; left as it was, mode and gradients too.
    data : ImageDataset
        Clean images.
    encoding : Encoding, optional
        Images into time: ``current`` or ``rate`` (see `encode_images`).
    attack : Attack
        `FGSM` or `PGD`.
    seed : int
        Of what the attack draws.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ParameterError
        If the data are no images, or the encoding has no gradient.
    """
    return _accuracy(model, adversarial_images(model, data, attack, encoding, seed=seed), encoding)


def evaluate_robustness(
    model: nn.Module,
    data: Dataset,
    encoding: Encoding | None = None,
    *,
    attacks: Sequence[Attack] = (FGSM(0.1), PGD(0.1, step_size=0.02, n_steps=10)),
    noise_stds: Sequence[float] = (0.1, 0.3),
    lost_shares: Sequence[float] = (0.1, 0.3),
    n_draws: int = 5,
    seed: int = 0,
) -> Robustness:
    """Measure accuracy on clean samples, under attack, under noise and with synapses lost.

    Parameters
    ----------
    model : torch.nn.Module
        Maps what the encoding gives, or images, to logits; left as it was, mode and gradients too.
    data : ImageDataset or EventDataset
        Test samples; of recordings, only clean accuracy and loss of synapses can be measured.
    encoding : Encoding, optional
        Samples into time; attacks need ``current``, ``rate`` or none.
    attacks : sequence of Attack
        Each on its own; none if empty.
    noise_stds : sequence of float [1]
        Standard deviations for `add_noise`.
    lost_shares : sequence of float
        Shares for `lose_synapses`.
    n_draws : int
        Draws of noise and of lost synapses, each, >= 1.
    seed : int
        Of all draws; each kind of disturbance has its own stream.

    Returns
    -------
    Robustness

    Raises
    ------
    ParameterError
        If an argument is out of range, or attacks or noise meet what has no pixels or no gradient.

    Notes
    -----
    Encodings that draw do so from the same seed as in `predict`, in every evaluation.
    """
    draws = range(check_count("n_draws", n_draws, least=1))
    check_count("seed", seed)

    def rng(stream: int, draw: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, draw)))

    return Robustness(
        _accuracy(model, data, encoding),
        {
            attack: robust_accuracy(model, data, encoding, attack=attack, seed=seed)  # type: ignore[arg-type]
            for attack in attacks
        },
        {
            std: Draws.of(
                _accuracy(model, add_noise(data, std, rng(_NOISE, draw)), encoding)  # type: ignore[arg-type]
                for draw in draws
            )
            for std in noise_stds
        },
        {
            share: Draws.of(
                _accuracy(lose_synapses(model, share, rng(_LOSS, draw)), data, encoding)
                for draw in draws
            )
            for share in lost_shares
        },
    )
