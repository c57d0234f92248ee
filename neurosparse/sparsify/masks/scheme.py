"""Schemes that keep dense state: masks over all potential synapses, and the rules that set them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import ParameterError
from neurosparse.sparsify.context import Context
from neurosparse.sparsify.description import describe
from neurosparse.sparsify.magnitude import lowest
from neurosparse.sparsify.schedules import Schedule
from neurosparse.sparsify.target import Target

__all__ = [
    "DrawMask",
    "KeepLargest",
    "MaskRule",
    "MaskScheme",
    "MaskView",
    "RequireFull",
    "clear_masked",
    "largest",
]

_ADAM_EPSILON = 1e-8  # in the authors' code of SNFS, where Adam's moments stand for the momentum


@dataclass
class MaskView:
    """All potential synapses of a layer, as arrays shared with whoever owns them.

    Parameters
    ----------
    n_post, n_pre : int
        Shape of the matrix; synapse ``post * n_pre + pre`` stands at that position.
    weights : (n_potential,) float
        Dense weights, those of masked synapses included; rules change them in place.
    mask : (n_potential,) bool
        Which synapses exist; rules change it in place.
    signs : (n_potential,) int8
        The sign each synapse was given; rules may change it in place.
    learning_rate : float
        Of this step.
    gradient : (n_potential,) float or None
        Dense gradient of the loss at the masked weights, in this step.
    slots : mapping of str to (n_potential,) float
        What the optimiser keeps for each weight, by its names.
    kept : dict of str to (n_potential,) float
        What a rule keeps for each weight; saved with a run.
    """

    n_post: int
    n_pre: int
    weights: NDArray[Any]
    mask: NDArray[np.bool_]
    signs: NDArray[np.int8]
    learning_rate: float = 0.0
    gradient: NDArray[Any] | None = None
    slots: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    kept: dict[str, NDArray[Any]] = field(default_factory=dict)

    @property
    def n_potential(self) -> int:
        """Number of synapses that could exist."""
        return self.weights.size

    @property
    def n_active(self) -> int:
        """Number of synapses that exist."""
        return int(np.count_nonzero(self.mask))

    def momentum(self) -> NDArray[Any]:
        """Return what the optimiser has gathered of the dense gradient, (n_potential,).

        ``momentum_buffer`` of SGD, or ``m / (sqrt(v) + 1e-8)`` of Adam's moments; the gradient of
        this step where the optimiser keeps neither; 0 where there is none either.
        """
        if "momentum_buffer" in self.slots:
            return self.slots["momentum_buffer"]
        if "exp_avg" in self.slots and "exp_avg_sq" in self.slots:
            scale = np.sqrt(self.slots["exp_avg_sq"]) + self.weights.dtype.type(_ADAM_EPSILON)
            moments: NDArray[Any] = self.slots["exp_avg"] / scale
            return moments
        return np.zeros_like(self.weights) if self.gradient is None else self.gradient


# changes masks and weights in place
MaskRule = Callable[[Sequence[MaskView], Context], None]


@dataclass(frozen=True, repr=False)
class MaskScheme:
    """How masks change during training, on layers that store every potential synapse.

    Parameters
    ----------
    name : str
        For tables.
    choose : callable
        `MaskRule` that sets the masks, when ``schedule`` says so.
    schedule : Schedule
        When.
    start : sequence of callable
        `MaskRule` each, applied once before the first step.
    move : callable, optional
        `MaskRule` applied after every step of the optimiser, before ``choose``.
    reach : {"all", "active"}
        Whether the optimiser moves all weights, or leaves masked ones where they are, with fresh
        state.

    Notes
    -----
    State and time O(n_potential) in every step, whatever the density.
    """

    name: str
    choose: MaskRule
    schedule: Schedule = field(default_factory=Schedule)
    start: Sequence[MaskRule] = ()
    move: MaskRule | None = None
    reach: Literal["all", "active"] = "all"

    def __repr__(self) -> str:
        """Name all rules and their settings."""
        return describe(self)

    def begin(self, layers: Sequence[MaskView], context: Context) -> None:
        """Set masks and weights before the first step, in place."""
        for rule in self.start:
            rule(layers, context)

    def step(self, layers: Sequence[MaskView], context: Context) -> None:
        """Change masks and weights in place after a step of the optimiser.

        Parameters
        ----------
        layers : sequence of MaskView
            All layers under the scheme.
        context : Context
            The step, random numbers, and what rules remember.
        """
        if self.move is not None:
            self.move(layers, context)
        if self.schedule.due(context.step):
            self.choose(layers, context)


def largest(
    scores: Sequence[NDArray[Any]], counts: NDArray[np.int64], context: Context, *, pooled: bool
) -> list[NDArray[np.bool_]]:
    """Return masks of the highest scores, exactly so many; among equals chance decides.

    Parameters
    ----------
    scores : sequence of (n_potential,) float
        Per layer; not negative.
    counts : (n_layers,) int64
        How many of each layer; where they are pooled, only their sum counts, and every layer keeps
        its best.
    context : Context
        Source of randomness.
    pooled : bool
        Whether layers compete with one another.
    """
    if not pooled:
        pairs = zip(scores, counts.tolist(), strict=True)
        return [_mask(lowest(-own, n, context.rng), own.size) for own, n in pairs]
    negative = np.concatenate([-own for own in scores])
    bounds = np.cumsum([0, *(own.size for own in scores)])
    best = [low + int(np.argmax(own)) for low, own in zip(bounds, scores, strict=False)]
    negative[best] = -np.inf
    mask = _mask(lowest(negative, int(counts.sum()), context.rng), negative.size)
    return np.split(mask, bounds[1:-1])


def _mask(positions: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    mask = np.zeros(size, dtype=np.bool_)
    mask[positions] = True
    return mask


def clear_masked(layers: Sequence[MaskView], context: Context) -> None:
    """Set the weights of masked synapses to 0, wherever the optimiser has moved them."""
    for layer in layers:
        layer.weights[~layer.mask] = 0


class KeepLargest:
    """Mask all but the largest ``|w|``, masked weights competing with those that exist.

    Parameters
    ----------
    target : Target
        How many each layer has.
    pooled : bool
        Whether all layers share one budget, the sum of the target's, and one threshold; every layer
        keeps its largest weight. Else each keeps its own number.
    """

    def __init__(self, target: Target, *, pooled: bool = False) -> None:
        self.target, self.pooled = target, pooled

    def __call__(self, layers: Sequence[MaskView], context: Context) -> None:
        """Set the masks."""
        sizes = [np.abs(layer.weights) for layer in layers]
        counts = counts_of(self.target, layers, context.step)
        masks = largest(sizes, counts, context, pooled=self.pooled)
        for layer, mask in zip(layers, masks, strict=True):
            layer.mask[:] = mask


class RequireFull:
    """Refuse layers that were never full, for schemes that start with all synapses.

    Parameters
    ----------
    name : str
        Of the scheme, for the message.

    Notes
    -----
    A layer of masked weights that are not all 0 has been under such a scheme before, and passes.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, layers: Sequence[MaskView], context: Context) -> None:
        """Take masks off.

        Raises
        ------
        ParameterError
            If a layer has masked synapses, and all weigh 0.
        """
        for layer in layers:
            masked = ~layer.mask
            if masked.any() and not layer.weights[masked].any():
                raise ParameterError(
                    f"layers: got {layer.n_active} of {layer.n_potential} synapses; {self.name} "
                    "starts with all of them (SparseLinear with density=1)"
                )
            layer.mask[:] = True


class DrawMask:
    """Draw the synapses of full layers; layers that are sparse already keep those they have.

    Parameters
    ----------
    target : Target
        How many each layer has.
    exactly : bool
        Whether that many are drawn; else each exists with the probability that gives so many in the
        mean.

    Notes
    -----
    Weights that stay are scaled by ``sqrt(n_potential / n_active)``, so that they have the size a
    `SparseLinear` of as many synapses starts with; others become 0. Our choice: the papers keep the
    scale of the dense layer, with which few spikes would pass at low density.
    """

    def __init__(self, target: Target, *, exactly: bool = True) -> None:
        self.target, self.exactly = target, exactly

    def __call__(self, layers: Sequence[MaskView], context: Context) -> None:
        """Set masks and weights.

        Raises
        ------
        ParameterError
            If layers that are sparse have more or fewer synapses than an exact target in all.
        """
        rng, counts = context.rng, counts_of(self.target, layers, context.step)
        for layer, n in zip(layers, counts.tolist(), strict=True):
            if not layer.mask.all():
                continue
            share = n / layer.n_potential
            if self.exactly:
                layer.mask[:] = _mask(rng.permutation(layer.n_potential)[:n], layer.n_potential)
            else:
                layer.mask[:] = rng.random(layer.n_potential) < share
            layer.weights *= layer.weights.dtype.type(1 / np.sqrt(share))
        n_active = sum(layer.n_active for layer in layers)
        if self.exactly and n_active != counts.sum():
            raise ParameterError(
                f"layers: have {n_active} synapses in all; the scheme asks for {counts.sum()}"
            )
        clear_masked(layers, context)


def counts_of(target: Target, layers: Sequence[MaskView], step: int) -> NDArray[np.int64]:
    """Return synapses per layer after ``step``, (n_layers,) int64."""
    views: Any = layers  # a target looks at ``n_potential`` only, which both kinds of view have
    return target.counts(views, step)
