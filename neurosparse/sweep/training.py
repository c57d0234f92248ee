"""Train one cell of a sweep."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosparse.sweep.ever_active import EverActive
from neurosparse.sweep.study import Cell
from neurosparse.sweep.suitability import check_settings

if TYPE_CHECKING:
    from torch import nn

    from neurosparse.data import LabelledDataset
    from neurosparse.sparsify import Recipe
    from neurosparse.train import History, Preset
    from neurosparse.train.objective import Objective

__all__ = ["Trained", "train_cell"]

_ANN, _FULL, _SPARSE = range(3)  # places in Preset.learning_rates


@dataclass(frozen=True)
class Trained:
    """A trained model with all that measuring it needs.

    Parameters
    ----------
    model : torch.nn.Module
        `SpikingClassifier`, or ``nn.Sequential`` of an ANN.
    preset : Preset
        As it was trained.
    recipe : Recipe
        The scheme's, as it was started: full at a density of 1, whatever its own way.
    history : History
        Of the training.
    ever_active : EverActive
        Followed it.
    learning_rate : float
        At the start.
    n_train : int
        Samples learned from.
    test : ImageDataset or EventDataset
        To measure on.
    """

    model: nn.Module
    preset: Preset
    recipe: Recipe
    history: History
    ever_active: EverActive
    learning_rate: float
    n_train: int
    test: Any


def train_cell(cell: Cell) -> Trained:
    """Train the network of a cell; a pure function of the cell.

    Raises
    ------
    NeurosparseError
        Whatever loading the data and training raise.
    """
    from neurosparse.data import load_dataset
    from neurosparse.sparsify import find_recipe
    from neurosparse.train import find_preset, fit

    learn, test = (
        _first(data, limit)
        for data, limit in zip(
            load_dataset(cell.data, seed=cell.seed), (cell.n_train, cell.n_test), strict=True
        )
    )
    usual = find_preset(learn.n_inputs)
    check_settings(cell, learn, usual)
    n_active = usual.budget(cell.density)
    recipe = find_recipe(cell.scheme)
    if n_active == usual.budget(1.0):
        recipe = dataclasses.replace(recipe, starts="full")
    full = recipe.starts == "full"
    preset = _preset_of(cell, usual, full=full)
    part, valid = _held_out(learn, cell)
    place = _ANN if cell.model == "ann" else _FULL if full else _SPARSE
    plan = preset.plan(place, len(part), n_active)
    make = preset.first_ann if cell.model == "ann" else preset.first_model
    model = make(recipe, cell.seed, n_active)
    options = preset.fit_options(place, cell.epochs, prior=recipe.prior)
    ever_active = EverActive(model)
    history = fit(
        model,
        part,
        encoding=None if cell.model == "ann" else preset.encoding,
        valid=valid,
        scheme=recipe.make(plan),
        objective=_objective_of(cell),
        keep="last",
        seed=cell.seed,
        logs=[ever_active],
        progress=False,
        **{**options, "optimizer": ever_active.watch(options["optimizer"])},
    )
    rate = preset.learning_rates[place]
    return Trained(model, preset, recipe, history, ever_active, rate, len(part), test)


def _first(data: Any, limit: int | None) -> Any:
    return data if limit is None else data.take(np.arange(min(limit, len(data))))


def _held_out(learn: LabelledDataset, cell: Cell) -> tuple[Any, Any]:
    if not cell.valid_share:
        return learn, None
    return learn.split(cell.valid_share, np.random.default_rng(cell.seed))


def _preset_of(cell: Cell, preset: Preset, *, full: bool) -> Preset:
    """Return the preset with what the study says otherwise; ``full`` says how training starts."""
    changes: dict[str, Any] = {
        name: getattr(cell, name)
        for name in ("epochs", "batch_size", "l1", "weight_decay", "temperature", "shift")
        if getattr(cell, name) is not None
    }
    if cell.learning_rates is not None:
        of_sparse, of_full = cell.learning_rates
        changes["learning_rates"] = (of_full if full else of_sparse, of_full, of_sparse)
    return dataclasses.replace(preset, **changes)


def _objective_of(cell: Cell) -> Objective | None:
    from neurosparse.train import MART, PGD, TRADES, AdversarialTraining

    if cell.objective is None or cell.attack is None:
        return None
    attack = PGD(cell.attack.eps, n_steps=cell.objective_steps)
    if cell.objective in ("adversarial", "mixed"):
        return AdversarialTraining(attack, alpha=0.5 if cell.objective == "mixed" else 0.0)
    return TRADES(attack) if cell.objective == "trades" else MART(attack)
