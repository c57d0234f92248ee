"""Settings that work: one per data set, measured in docs/benchmarks.md."""

from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from neurosparse.data import Encoding, RandomShift
from neurosparse.errors import ParameterError
from neurosparse.network import LIF
from neurosparse.sparsify import Plan, Recipe, Scheme, deep_r
from neurosparse.train.ann import sparse_ann
from neurosparse.train.classifier import SpikingClassifier, dense_classifier, sparse_classifier
from neurosparse.train.surrogate import atan

__all__ = ["PRESETS", "VALID_SHARE", "Preset", "find_preset"]

VALID_SHARE = 0.1  # of the training set, held out to follow the training


@dataclass(frozen=True)
class Preset:
    """A network shape, an encoding and training settings that go together.

    Parameters
    ----------
    sizes : tuple of int
        Width of every layer.
    n_active : tuple of int
        Synapses of every layer of the sparse network.
    encoding : Encoding
        Images into time.
    neuron : LIF
        Of the layers.
    input_neuron : LIF or None
        Of the input layer, where currents drive it; none where the input is spikes.
    epochs, batch_size : int
        Of every model.
    learning_rates : tuple of float
        Of Adam for the dense ANN, the dense SNN and the sparse SNN; constant for a share
        ``constant`` of the epochs, then annealed to 0 by a cosine.
    gains : tuple of float
        Scale of the first weights of the dense and of the sparse SNN.
    constant : float
        See ``learning_rates``. Rewiring needs a learning rate to search with, and an annealed one
        to settle.
    l1, temperature : float
        Of DEEP R.
    weight_decay : float
        Of the optimiser, for schemes without a prior of their own.
    shape : tuple of int
        Of a sample.
    shift : int [pixels]
        How far training samples are moved at random (`RandomShift`); 0 for none.

    Notes
    -----
    The surrogate is ``atan(2)``: a wide one, as sparse neurons are often far from threshold.
    """

    sizes: tuple[int, ...]
    n_active: tuple[int, ...]
    encoding: Encoding
    neuron: LIF
    input_neuron: LIF | None
    epochs: int
    batch_size: int
    learning_rates: tuple[float, float, float] = (3e-3, 2e-3, 2e-2)
    gains: tuple[float, float] = (1.0, 2.0)
    constant: float = 0.0
    l1: float = 1e-2
    weight_decay: float = 0.0
    temperature: float = 0.0
    shape: tuple[int, ...] = ()
    shift: int = 0

    @property
    def density(self) -> float:
        """Share of the potential synapses that the sparse network has."""
        return sum(self.n_active) / sum(a * b for a, b in itertools.pairwise(self.sizes))

    def budget(self, density: float) -> tuple[int, ...]:
        """Scale the synapses per layer to a total density, layers filling up at 100 %.

        Parameters
        ----------
        density : float
            Share of all potential synapses, ``0 < density <= 1``.

        Returns
        -------
        tuple of int
            Their sum is ``round(density * n_potential)``, or more where a layer would be empty.

        Raises
        ------
        ParameterError
            If the density is out of range.
        """
        if not 0 < density <= 1:
            raise ParameterError(f"density: got {density!r}; allowed is 0 < value <= 1")
        potential = np.array([a * b for a, b in itertools.pairwise(self.sizes)])
        shares = np.array(self.n_active, dtype=np.float64)
        target = round(density * int(potential.sum()))
        wanted = potential.astype(np.float64)
        free = np.ones(potential.size, dtype=bool)
        while free.any():  # layers that are full leave their share to the others
            left = target - potential[~free].sum()
            wanted[free] = left * shares[free] / shares[free].sum()
            over = free & (wanted > potential)
            if not over.any():
                break
            wanted[over] = potential[over]
            free &= ~over
        counts = np.floor(wanted).astype(np.int64)
        largest = np.argsort(counts - wanted, kind="stable")  # largest remainders first
        counts[largest[: target - int(counts.sum())]] += 1
        return tuple(max(1, int(count)) for count in counts)

    def sparse_model(self, seed: int, n_active: tuple[int, ...] | None = None) -> SpikingClassifier:
        """Make the untrained sparse network."""
        return sparse_classifier(
            self.sizes,
            neuron=self.neuron,
            input_neuron=self.input_neuron,
            surrogate=atan(2.0),
            n_active=n_active or self.n_active,
            gain=self.gains[1],
            rng=seed,
        )

    def dense_model(self, seed: int) -> SpikingClassifier:
        """Make the untrained dense twin."""
        return dense_classifier(
            self.sizes,
            neuron=self.neuron,
            input_neuron=self.input_neuron,
            surrogate=atan(2.0),
            gain=self.gains[0],
            rng=seed,
        )

    def first_model(
        self, recipe: Recipe, seed: int, n_active: tuple[int, ...] | None = None
    ) -> SpikingClassifier:
        """Make the untrained network that a recipe starts from: sparse, or full."""
        if recipe.starts == "sparse":
            return self.sparse_model(seed, n_active)
        dense = dataclasses.replace(self, gains=(self.gains[0], self.gains[0]))
        return dense.sparse_model(seed, self.budget(1.0))

    def first_ann(
        self, recipe: Recipe, seed: int, n_active: tuple[int, ...] | None = None
    ) -> nn.Sequential:
        """Make the untrained ReLU network that a recipe starts from."""
        n_active = (n_active or self.n_active) if recipe.starts == "sparse" else self.budget(1.0)
        return sparse_ann(self.sizes, n_active=n_active, rng=seed)

    def plan(
        self,
        model: int,
        n_train: int,
        n_active: tuple[int, ...] | None = None,
        epochs: int | None = None,
    ) -> Plan:
        """Return what a recipe has to know of a training.

        Parameters
        ----------
        model : int
            Counts as in ``learning_rates``.
        n_train : int
            Samples to learn from.
        n_active : tuple of int, optional
            Synapses per layer in the end.
        epochs : int, optional
            Default: the preset's.

        Returns
        -------
        Plan
        """
        return Plan(
            n_active=n_active or self.n_active,
            epochs=epochs or self.epochs,
            steps_per_epoch=math.ceil(n_train / self.batch_size),
            n_potential=sum(self.budget(1.0)),
            n_patterns=n_train,
            learning_rate=self.learning_rates[model],
            l1=self.l1,
            temperature=self.temperature,
        )

    def scheme(self) -> Scheme:
        """Return DEEP R with the preset's prior and temperature."""
        return deep_r(l1=self.l1, temperature=self.temperature)

    def fit_options(
        self, model: int, epochs: int | None = None, *, prior: bool = True
    ) -> dict[str, Any]:
        """Return keywords for `fit`; ``model`` counts as in ``learning_rates``.

        ``prior`` says that the scheme has a prior of its own, so that weights do not decay.
        """
        n_epochs = epochs or self.epochs
        return {
            "epochs": n_epochs,
            "batch_size": self.batch_size,
            "optimizer": partial(
                torch.optim.Adam,
                lr=self.learning_rates[model],
                weight_decay=0.0 if prior else self.weight_decay,
            ),
            "schedule": partial(
                LambdaLR, lr_lambda=partial(_anneal, n_epochs=n_epochs, constant=self.constant)
            ),
            "augment": RandomShift(self.shift, self.shape) if self.shift else None,
        }


def _anneal(epoch: int, *, n_epochs: int, constant: float) -> float:
    """Return the share of the learning rate in epoch ``epoch``, from 0."""
    first = constant * n_epochs
    progress = max(0.0, epoch - first) / max(1.0, n_epochs - first)
    return (1 + math.cos(math.pi * progress)) / 2


_NEURON = LIF(du=1.0, dv=0.1, vth=1.0)
_INPUT_NEURON = LIF(du=1.0, dv=0.0, vth=1.0)

PRESETS: dict[str, Preset] = {
    "digits": Preset(
        sizes=(64, 256, 128, 10),
        n_active=(1900, 2500, 640),
        encoding=Encoding("current", n_steps=25, gain=0.5),
        neuron=_NEURON,
        input_neuron=_INPUT_NEURON,
        epochs=60,
        batch_size=64,
        constant=1 / 3,
        shape=(8, 8),
    ),
    # 5 %, shared out among the layers as in the DEEP R reference script (1 %, 3 %, 30 %)
    "mnist": Preset(
        sizes=(784, 300, 100, 10),
        n_active=(8903, 3407, 1000),
        encoding=Encoding("current", n_steps=15, gain=0.7),
        neuron=LIF(du=1.0, dv=0.3, vth=1.0),
        input_neuron=_INPUT_NEURON,
        epochs=24,
        batch_size=100,
        learning_rates=(3e-3, 2e-3, 1e-2),
        constant=1 / 3,
        l1=5e-2,
        shape=(28, 28),
        shift=1,
    ),
    # 1 %
    "nmnist": Preset(
        sizes=(2 * 34 * 34, 512, 10),
        n_active=(10_889, 1000),
        encoding=Encoding("events", n_steps=60, step_us=5000),
        neuron=LIF(du=1.0, dv=0.03, vth=1.0),
        input_neuron=None,
        epochs=30,
        batch_size=50,
        learning_rates=(3e-3, 2e-3, 1e-2),
        constant=1 / 3,
        l1=5e-2,
        shape=(2, 34, 34),
    ),
}


def find_preset(n_inputs: int) -> Preset:
    """Return the preset whose input layer has ``n_inputs``.

    Raises
    ------
    ParameterError
        If there is none.
    """
    for preset in PRESETS.values():
        if preset.sizes[0] == n_inputs:
            return preset
    known = ", ".join(str(preset.sizes[0]) for preset in PRESETS.values())
    raise ParameterError(f"data set: {n_inputs} inputs; there are presets for {known}")
