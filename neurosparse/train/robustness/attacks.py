"""Attacks on images: FGSM and PGD in the maximum norm, on ReLU and on spiking networks.

Ours, and small, because no attack library fits: torchattacks (3.5.1, 2023) pins an old ``requests``
and needs torchvision, foolbox (3.3.4, 2024) and advertorch (0.2.3, 2020) are no longer released,
and ART (1.20, 2025) goes through NumPy and a wrapper that owns the model; none draws from a
generator whose state can be saved with a run, or knows of input over time.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from neurosparse.data import Encoding, ImageDataset
from neurosparse.data.labelled import check_rng
from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network.checks import check_count, check_fraction
from neurosparse.train.robustness.image_input import encode_images, undisturbed

__all__ = ["FGSM", "PGD", "Attack", "adversarial_images"]

_BATCH = 256
# PGD's step unless one is given, in eps / n_steps: reaches the rim from wherever it starts, and
# goes on along it (Madry et al. 2018)
_STEP = 2.5

# images -> scalar that is to become large; a sum over samples, so that none depends on the others
Harm = Callable[[Tensor], Tensor]


class Attack(ABC):
    """Look for images within ``eps`` of given ones that a model gets wrong.

    ``|x' - x| <= eps`` in every pixel and ``0 <= x' <= 1``.
    """

    eps: float
    random_start: bool = False

    @abstractmethod
    def climb(self, harm: Harm, images: Tensor, rng: np.random.Generator) -> Tensor:
        """Return images near the given ones for which ``harm`` is large.

        Parameters
        ----------
        harm : callable
            ``images -> scalar``, a sum over samples.
        images : (batch, n_pixels) Tensor
            Every value in ``[0, 1]``; left as they are.
        rng : numpy.random.Generator
            Source of a random start.

        Returns
        -------
        (batch, n_pixels) Tensor
            Without gradient.
        """

    def __call__(
        self,
        model: nn.Module,
        images: Tensor,
        labels: Tensor,
        *,
        encoding: Encoding | None = None,
        rng: np.random.Generator,
    ) -> Tensor:
        """Return images near the given ones for which the cross entropy of the labels is large.

        Parameters
        ----------
        model : torch.nn.Module
            Attacked in evaluation mode; mode, weights and their gradients are as before afterwards.
        images : (batch, n_pixels) Tensor, float32
            Every value in ``[0, 1]``.
        labels : (batch,) int64 Tensor
            Their classes.
        encoding : Encoding, optional
            Images into time; see `encode_images` for the gradients. Encodings that draw do so
            anew for every gradient.
        rng : numpy.random.Generator
            Source of the random start, and for such encodings.

        Returns
        -------
        (batch, n_pixels) Tensor
            Without gradient.

        Raises
        ------
        ShapeError, ParameterError
            If images or labels are out of range, the encoding has no gradient, or the answers of
            the model have none.
        """
        _check_images(images)
        check_rng(rng)

        def harm(x: Tensor) -> Tensor:
            logits: Tensor = model(encode_images(x, encoding, rng))
            if labels.numel() and int(labels.max()) >= logits.shape[-1]:
                raise ParameterError(
                    f"labels: got {int(labels.max())}; the model has {logits.shape[-1]} classes"
                )
            return nn.functional.cross_entropy(logits, labels, reduction="sum")

        with undisturbed(model):
            return self.climb(harm, images.detach(), rng)


@dataclass(frozen=True)
class FGSM(Attack):
    r"""Fast gradient sign method: one step to the rim, ``x' = clip(x + eps sign(dL/dx), 0, 1)``.

    Parameters
    ----------
    eps : float [1]
        Largest change of a pixel, ``0 < eps <= 1``; white is 1.

    Raises
    ------
    ParameterError
        If it is out of range.

    References
    ----------
    Goodfellow, Shlens, Szegedy: Explaining and harnessing adversarial examples, ICLR 2015,
    arXiv 1412.6572, section 4.

    Examples
    --------
    >>> model = nn.Linear(2, 2)
    >>> model.weight.data = torch.tensor([[1.0, -1.0], [0.0, 0.0]])
    >>> images, labels = torch.tensor([[0.5, 0.95]]), torch.tensor([0])
    >>> FGSM(0.1)(model, images, labels, rng=np.random.default_rng(0))
    tensor([[0.4000, 1.0000]])
    """

    eps: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "eps", check_fraction("eps", self.eps))

    def climb(self, harm: Harm, images: Tensor, rng: np.random.Generator) -> Tensor:
        """Take the step; draws nothing."""
        return (images + self.eps * _gradient(harm, images).sign()).clamp(0, 1)


@dataclass(frozen=True)
class PGD(Attack):
    r"""Projected gradient descent, the standard attack of the field, in the maximum norm.

    From ``x_0 = clip(x + U(-eps, eps), 0, 1)``, or ``x``, ``n_steps`` times::

        x_{k+1} = clip(x_k + step_size sign(dL/dx_k), x - eps, x + eps) and into [0, 1]

    Parameters
    ----------
    eps : float [1]
        Largest change of a pixel, ``0 < eps <= 1``; white is 1.
    step_size : float [1], optional
        Default ``2.5 eps / n_steps``.
    n_steps : int
        Gradients per sample, >= 1.
    random_start : bool
        Whether to start from a random point within ``eps``.

    Raises
    ------
    ParameterError
        If a number is out of range.

    Notes
    -----
    Cost of ``n_steps`` forward passes and backward passes to the input, without gradients of
    weights. One step of ``step_size = eps`` without a random start is `FGSM`.

    References
    ----------
    Madry, Makelov, Schmidt, Tsipras, Vladu: Towards deep learning models resistant to adversarial
    attacks, ICLR 2018, arXiv 1706.06083, section 2.1.

    Examples
    --------
    >>> PGD(0.1)
    PGD(eps=0.1, step_size=0.025, n_steps=10, random_start=True)
    """

    eps: float
    step_size: float | None = None
    n_steps: int = 10
    random_start: bool = True

    def __post_init__(self) -> None:
        fix = object.__setattr__
        fix(self, "eps", check_fraction("eps", self.eps))
        fix(self, "n_steps", check_count("n_steps", self.n_steps, least=1))
        step_size = _STEP * self.eps / self.n_steps if self.step_size is None else self.step_size
        if not 0 < step_size < math.inf:
            raise ParameterError(f"step_size: got {step_size!r}; allowed is > 0, finite")
        fix(self, "step_size", float(step_size))
        fix(self, "random_start", bool(self.random_start))

    def climb(self, harm: Harm, images: Tensor, rng: np.random.Generator) -> Tensor:
        """Climb from a start that is drawn where ``random_start`` says so."""
        assert self.step_size is not None  # noqa: S101 -- for the type checker
        low, high = (images - self.eps).clamp(min=0), (images + self.eps).clamp(max=1)
        x = images
        if self.random_start:
            draws = torch.from_numpy(rng.random(tuple(images.shape), dtype=np.float32))
            x = (images + self.eps * (2 * draws - 1)).clamp(low, high)
        for _ in range(self.n_steps):
            x = (x + self.step_size * _gradient(harm, x).sign()).clamp(low, high)
        return x


def _gradient(harm: Harm, images: Tensor) -> Tensor:
    x = images.detach().requires_grad_()
    with torch.enable_grad():
        value = harm(x)
    if not value.requires_grad:
        raise ParameterError("model: its answers have no gradient with respect to the images")
    return torch.autograd.grad(value, x)[0]


def _check_images(images: Tensor) -> None:
    if images.ndim != 2 or not images.numel() or images.dtype != torch.float32:
        raise ShapeError(
            f"images: got shape {tuple(images.shape)} of {images.dtype}; expected (batch, "
            "n_pixels) float32, neither of them 0"
        )
    low, high = float(images.min()), float(images.max())
    if not (low >= 0 and high <= 1):
        raise ParameterError(f"images: got values from {low} to {high}; allowed is 0 to 1, finite")


def adversarial_images(
    model: nn.Module,
    data: ImageDataset,
    attack: Attack,
    encoding: Encoding | None = None,
    *,
    seed: int = 0,
) -> ImageDataset:
    """Attack every image of a data set.

    Parameters
    ----------
    model : torch.nn.Module
        Maps what the encoding gives, or images, to logits; left as it was.
    data : ImageDataset
        What to attack.
    attack : Attack
        `FGSM` or `PGD`.
    encoding : Encoding, optional
        Images into time.
    seed : int
        Of what the attack draws.

    Returns
    -------
    ImageDataset
        The same labels, other images.

    Raises
    ------
    ParameterError
        If the data are no images, or as the attack says.
    """
    if not isinstance(data, ImageDataset):
        raise ParameterError(
            f"data: got {data!r}; attacks change pixels, which an ImageDataset has"
        )
    rng = np.random.default_rng(check_count("seed", seed))
    images = np.empty_like(data.images)
    for start in range(0, len(data), _BATCH):
        part = slice(start, start + _BATCH)
        given = torch.from_numpy(data.images[part].copy())
        labels = torch.from_numpy(data.labels[part].copy())
        images[part] = attack(model, given, labels, encoding=encoding, rng=rng).numpy()
    return replace(data, images=images)
