"""What a recipe has to know of a training, and what is to be known of a recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from neurosparse.network.checks import check_count
from neurosparse.sparsify.masks.scheme import MaskScheme
from neurosparse.sparsify.scheme import Scheme
from neurosparse.sparsify.structure.neurons import Wiring

__all__ = ["Plan", "Recipe"]


@dataclass(frozen=True)
class Plan:
    """What a recipe has to know of a training.

    Parameters
    ----------
    n_active : tuple of int
        Synapses per layer in the end (one budget for all layers: their sum).
    epochs : int
        Passes over the training set.
    steps_per_epoch : int
        Steps of the optimiser in each.
    n_potential : int
        Synapses that could exist, in all layers.
    n_patterns : int
        Training samples.
    learning_rate : float
        Of the optimiser, at the start.
    l1, temperature : float
        Of DEEP R.
    l2 : float, optional
        Of Bayesian connectivity sampling. Default: what pulls a weight as far in a step as in the
        authors' code, 5e-4 at a learning rate of 0.1.
    noise_temperature : float
        Of Bayesian connectivity sampling.
    wiring : sequence, optional
        Which neurons layers connect, for pruning of neurons (`Neurons`); default: a chain.
    """

    n_active: tuple[int, ...]
    epochs: int
    steps_per_epoch: int
    n_potential: int
    n_patterns: int
    learning_rate: float = 1e-2
    l1: float = 1e-5
    temperature: float = 2.5e-11
    l2: float | None = None
    noise_temperature: float = 5e-14
    wiring: Wiring | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "steps_per_epoch", "n_potential", "n_patterns"):
            check_count(name, getattr(self, name), least=1)

    @property
    def density(self) -> float:
        """Share of the potential synapses that exist in the end."""
        return min(1.0, sum(self.n_active) / self.n_potential)

    @property
    def n_steps(self) -> int:
        """Steps of the whole training."""
        return self.epochs * self.steps_per_epoch

    def at(self, share: float) -> int:
        """Return the step at a share of the training."""
        return round(share * self.n_steps)

    def period(self, most: int) -> int:
        """Return a period of so many steps, or of a hundredth of the training if that is less.

        Papers exchange once an epoch in trainings of hundreds of epochs; what a shorter one needs
        of it is the number of exchanges, as long as newborns get some ten steps.
        """
        return max(1, min(most, max(10, self.n_steps // 100)))


@dataclass(frozen=True)
class Recipe:
    """A recipe with settings that suit a training of any length.

    Parameters
    ----------
    name : str
        As users and tables say it.
    make : callable
        ``plan -> scheme``.
    starts : {"sparse", "full"}
        Whether layers hold the final number of synapses from the first step on, or all.
    dense_state : bool
        Whether memory is of the size of all potential synapses, at some time.
    what : str
        One line.
    paper : str
        Source.
    ends_dense : bool
        Whether the trained network is dense.
    prior : bool
        Whether it pulls weights to zero by itself; others are given weight decay for fairness.
    exact : bool
        Whether the number of synapses in the end is exactly that of the plan. Otherwise it is at
        most that (whole neurons, whole blocks), or that in the mean.
    """

    name: str
    make: Callable[[Plan], Scheme | MaskScheme]
    starts: Literal["sparse", "full"]
    dense_state: bool
    what: str
    paper: str
    ends_dense: bool = False
    prior: bool = False
    exact: bool = True
