"""What a sweep asks: every scheme at every density with every seed, on one task."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from neurosparse import __version__
from neurosparse.errors import ParameterError, StorageError
from neurosparse.network.checks import check_count, check_fraction, check_positive

__all__ = ["Attack", "Cell", "ModelKind", "Study"]

ModelKind = Literal["snn", "ann"]
AttackKind = Literal["fgsm", "pgd"]
Objective = Literal["adversarial", "mixed", "trades", "mart"]

_HASH_LENGTH = 10  # hexadecimal digits; a study has a few thousand cells at most
_NAMES = ("digits", "mnist", "fashion-mnist", "nmnist", "nmnist-small")  # those of load_dataset
_PGD_STEPS = 10  # customary
_GRID = ("schemes", "densities", "seeds")
_LAST_SEED = 2**63 - 1  # what a column of whole numbers holds


@dataclass(frozen=True)
class Attack:
    """What robust accuracy is measured under.

    Parameters
    ----------
    kind : {"fgsm", "pgd"}
        One step along the sign of the gradient, or several with projection.
    eps : float
        Largest change of a pixel, ``0 < eps <= 1``; white is 1.
    n_steps : int, optional
        Gradients per sample: 1 of FGSM, 10 of PGD by default.

    Raises
    ------
    ParameterError
        If a value is out of range.
    """

    kind: AttackKind
    eps: float
    n_steps: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(AttackKind):
            raise ParameterError(f"attack: got {self.kind!r}; allowed is 'fgsm' or 'pgd'")
        object.__setattr__(self, "eps", check_fraction("eps", self.eps))
        default, most = (1, 1) if self.kind == "fgsm" else (_PGD_STEPS, None)
        n_steps = default if self.n_steps is None else self.n_steps
        n_steps = check_count(f"steps of {self.kind}", n_steps, least=1, most=most)
        object.__setattr__(self, "n_steps", n_steps)


@dataclass(frozen=True)
class Cell:
    """One training run of a sweep, and everything its result depends on.

    Parameters
    ----------
    scheme : str
        Name in `neurosparse.sparsify.CATALOGUE`.
    density : float
        Share of the potential synapses at the end of the training.
    seed : int
        Of everything random: split of the data, first weights, batches, rewiring.
    data, model, epochs, batch_size, learning_rates, l1, weight_decay, temperature, shift
        As in `Study`.
    valid_share, n_train, n_test, attack, objective, objective_steps
        As in `Study`.
    version : str
        Of neurosparse.
    """

    scheme: str
    density: float
    seed: int
    data: str
    model: ModelKind
    epochs: int | None
    batch_size: int | None
    learning_rates: Sequence[float] | None
    l1: float | None
    weight_decay: float | None
    temperature: float | None
    shift: int | None
    valid_share: float
    attack: Attack | None
    objective: Objective | None
    objective_steps: int
    n_train: int | None
    n_test: int | None
    version: str = __version__

    @property
    def key(self) -> str:
        """Name of the cell: readable, and with a hash of all its settings.

        The same settings have the same key on every machine. Keys of one scheme and density sort
        by density and seed.
        """
        text = json.dumps(dataclasses.asdict(self), sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]
        return f"{self.scheme}-d{self.density:.6f}-s{self.seed:04d}-{digest}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Study:
    """The grid of a sweep and the settings that all its cells share.

    Parameters
    ----------
    schemes : sequence of str
        Names in `neurosparse.sparsify.CATALOGUE`.
    densities : sequence of float
        Shares of all potential synapses, each in ``(0, 1]``; layers get theirs as
        `neurosparse.train.Preset.budget` says.
    seeds : sequence of int
        Each gives every scheme and density a run of its own; below 2^63.
    data : str
        Name or folder, as for `neurosparse.data.load_dataset`.
    model : {"snn", "ann"}
        Spiking network, or ReLU network of the same shape.
    epochs, batch_size : int, optional
        Default: the preset's.
    learning_rates : pair of float, optional
        For networks that start sparse, and for those that start with every synapse, SNN or ANN.
        Default: the preset's for a sparse and for a dense SNN; that of the ANN for both if it is
        one.
    l1, temperature : float, optional
        Of schemes of the DEEP R family. Default: the preset's.
    weight_decay : float, optional
        L2 penalty by the optimiser, for schemes without a prior of their own. Default: the
        preset's.
    shift : int, optional [pixels]
        How far training images are moved at random. Default: the preset's.
    valid_share : float
        Share of the training set that is held out, for schemes that watch a validation loss.
    attack : Attack, optional
        Measure accuracy under it too.
    objective : {"adversarial", "mixed", "trades", "mart"}, optional
        Train against PGD with the ``eps`` of ``attack``: on attacked images, on as many clean ones
        among them, or by the losses of these names (`neurosparse.train.AdversarialTraining`,
        `TRADES`, `MART`).
    objective_steps : int
        Steps of PGD in the training.
    n_train, n_test : int, optional
        First so many samples only, for a quick look.

    Raises
    ------
    ParameterError
        If a list is empty, a scheme is unknown, or a number is out of range.

    Examples
    --------
    >>> study = Study(["static", "deep_r"], densities=[0.05, 0.1], seeds=[0, 1, 2])
    >>> len(study.cells())
    12
    >>> study.cells()[0].key.rpartition("-")[0]  # what follows is the hash of all settings
    'static-d0.050000-s0000'
    """

    schemes: Sequence[str]
    densities: Sequence[float]
    seeds: Sequence[int] = (0,)
    data: str = "digits"
    model: ModelKind = "snn"
    epochs: int | None = None
    batch_size: int | None = None
    learning_rates: Sequence[float] | None = None
    l1: float | None = None
    weight_decay: float | None = None
    temperature: float | None = None
    shift: int | None = None
    valid_share: float = 0.1
    attack: Attack | None = None
    objective: Objective | None = None
    objective_steps: int = 5
    n_train: int | None = None
    n_test: int | None = None

    def __post_init__(self) -> None:
        for name in _GRID:
            values = getattr(self, name)
            if isinstance(values, str) or not len(values):
                raise ParameterError(f"{name}: got {values!r}; allowed is a list, not empty")
        given = {
            "schemes": _checked_schemes(self.schemes),
            "densities": tuple(sorted({check_fraction("density", d) for d in self.densities})),
            "seeds": tuple(
                sorted({check_count("seed", seed, most=_LAST_SEED) for seed in self.seeds})
            ),
            "data": _absolute(self.data),
        }
        # what compares equal, as 0 and 0.0 do, has to have the same key
        given |= self._checked_counts() | self._checked_numbers()
        for name, value in given.items():
            object.__setattr__(self, name, value)
        if self.model not in get_args(ModelKind):
            raise ParameterError(f"model: got {self.model!r}; allowed is 'snn' or 'ann'")
        if self.attack is not None and not isinstance(self.attack, Attack):
            raise ParameterError(
                f"attack: got {self.attack!r}; expected an Attack, as Attack('pgd', eps=0.1)"
            )
        if self.objective is not None:
            if self.objective not in get_args(Objective):
                allowed = ", ".join(map(repr, get_args(Objective)))
                raise ParameterError(f"objective: got {self.objective!r}; allowed is {allowed}")
            if self.attack is None:
                raise ParameterError("objective: needs attack, whose eps it trains against")

    def _checked_counts(self) -> dict[str, int]:
        least = {"epochs": 1, "batch_size": 1, "n_train": 1, "n_test": 1, "shift": 0}
        given = {name: low for name, low in least.items() if getattr(self, name) is not None}
        given["objective_steps"] = 1
        return {
            name: check_count(name, getattr(self, name), least=low) for name, low in given.items()
        }

    def _checked_numbers(self) -> dict[str, Any]:
        found: dict[str, Any] = {"valid_share": _below("valid_share", self.valid_share, 1.0)}
        for name in ("l1", "weight_decay", "temperature"):
            if getattr(self, name) is not None:
                found[name] = _below(name, getattr(self, name), math.inf)
        if self.learning_rates is not None:
            rates = tuple(check_positive("learning_rate", rate) for rate in self.learning_rates)
            if len(rates) != 2:
                raise ParameterError(
                    f"learning_rates: got {len(rates)}; expected two, for networks that start "
                    "sparse and for those that start full"
                )
            found["learning_rates"] = rates
        return found

    def cells(self) -> list[Cell]:
        """Return every run, in the order in which they start: seed by seed."""
        shared = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in _GRID
        }
        return [
            Cell(scheme, density, seed, **shared)
            for seed, density, scheme in itertools.product(self.seeds, self.densities, self.schemes)
        ]

    def differences(self, other: Study) -> list[str]:
        """Return the names of the settings because of which this is not the other study, grown.

        More schemes, densities or seeds than the other has are no difference.
        """

        def differs(name: str) -> bool:
            own, others = getattr(self, name), getattr(other, name)
            return not set(others) <= set(own) if name in _GRID else bool(own != others)

        return [field.name for field in dataclasses.fields(self) if differs(field.name)]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Study:
        """Rebuild what `to_dict` gave.

        Raises
        ------
        StorageError
            If it is no study.
        """
        try:
            attack = None if values.get("attack") is None else Attack(**values["attack"])
            return cls(**{**values, "attack": attack})
        except (AttributeError, TypeError) as error:
            raise StorageError(f"study: not one, or of another version ({error})") from error


def _checked_schemes(schemes: Any) -> tuple[str, ...]:
    from neurosparse.sparsify import find_recipe

    return tuple(dict.fromkeys(find_recipe(scheme).name for scheme in schemes))


def _below(name: str, value: Any, limit: float) -> float:
    """Return ``value`` as a float in ``[0, limit)``."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number < limit:
        allowed = ">= 0, finite" if limit == math.inf else f"0 <= value < {limit:g}"
        raise ParameterError(f"{name}: got {value!r}; allowed is {allowed}")
    return abs(number)  # -0.0 equals 0.0, but for its key


def _absolute(data: str) -> str:
    """Return the name of a data set, or the whole path of a folder: workers start elsewhere."""
    return data if data in _NAMES or not Path(data).is_dir() else str(Path(data).resolve())
