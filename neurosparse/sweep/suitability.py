"""A study held against its data set: what cannot work is said before the work begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neurosparse.errors import ParameterError
from neurosparse.network.checks import check_count
from neurosparse.sweep.study import Cell, Study

if TYPE_CHECKING:
    from neurosparse.train import Preset

__all__ = ["check_settings", "check_study"]


def check_study(study: Study) -> None:
    """Load the data set of a study, and raise where cells could not but fail.

    Raises
    ------
    ParameterError, DataError, BackendMissingError
        If the data set cannot be loaded (`neurosparse.data.load_dataset`) or has no preset, or as
        `check_settings`.

    Notes
    -----
    Data sets have one size for all seeds: one stands for all cells.
    """
    from neurosparse.data import load_dataset
    from neurosparse.train import find_preset

    learn, _ = load_dataset(study.data, seed=study.seeds[0])
    check_settings(study, learn, find_preset(learn.n_inputs))


def check_settings(asked: Study | Cell, learn: Any, preset: Preset) -> None:
    """Raise where settings do not fit the data set.

    Parameters
    ----------
    asked : Study or Cell
        The settings.
    learn : ImageDataset or EventDataset
        Training set, whole or cut to ``n_train``.
    preset : Preset
        Of the data set.

    Raises
    ------
    ParameterError
        If events are to feed an ANN or to be attacked, images are moved out of sight, the network
        has too few outputs, or too few samples are left to learn from or to hold out.
    """
    if preset.encoding.kind == "events":
        if asked.model == "ann":
            raise ParameterError(f"model: 'ann' takes images; {asked.data} has events, take 'snn'")
        if asked.attack is not None:
            raise ParameterError(
                f"attack: changes pixels of images; {asked.data} has events, leave it out"
            )
    if asked.shift is not None:
        check_count("shift", asked.shift, most=min(preset.shape[-2:]) - 1)
    if learn.n_classes > preset.sizes[-1]:
        raise ParameterError(
            f"data set: {asked.data} has {learn.n_classes} classes; the preset for "
            f"{learn.n_inputs} inputs has {preset.sizes[-1]} outputs"
        )
    n = min(len(learn), asked.n_train or len(learn))
    n_valid = round(asked.valid_share * n)  # as LabelledDataset.split does
    if asked.valid_share and not 0 < n_valid < n:
        raise ParameterError(
            f"n_train (--train-samples): got {n} samples, of which a valid_share of "
            f"{asked.valid_share:g} is {n_valid}; at least one is held out and one learned from"
        )
