"""The training loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from neurosparse.data import Encoding
from neurosparse.errors import ParameterError
from neurosparse.network.checks import check_count
from neurosparse.sparsify import MaskScheme, Scheme
from neurosparse.sparsify.description import describe
from neurosparse.train.activity import Regularizer
from neurosparse.train.batches import Augment, Dataset
from neurosparse.train.history import History
from neurosparse.train.integer_grid import NetworkGrid
from neurosparse.train.logs import Log
from neurosparse.train.objective import Objective
from neurosparse.train.regularizers import WeightRegularizer
from neurosparse.train.run import TrainingRun

__all__ = ["fit"]


def fit(
    model: nn.Module,
    train: Dataset,
    *,
    encoding: Encoding | None = None,
    valid: Dataset | float | None = None,
    scheme: Scheme | MaskScheme | None = None,
    optimizer: Callable[[Any], torch.optim.Optimizer] | None = None,
    schedule: Callable[[torch.optim.Optimizer], torch.optim.lr_scheduler.LRScheduler] | None = None,
    loss: Callable[[Tensor, Tensor], Tensor] = nn.functional.cross_entropy,
    objective: Objective | None = None,
    regularizers: Sequence[Regularizer | WeightRegularizer] = (),
    augment: Augment | None = None,
    grid: NetworkGrid | None = None,
    epochs: int = 20,
    batch_size: int = 64,
    patience: int | None = None,
    keep: Literal["best", "last"] = "best",
    seed: int = 0,
    checkpoint: str | PathLike[str] | None = None,
    resume: bool = False,
    logs: Sequence[Log] = (),
    progress: bool = True,
    name: str = "fit",
) -> History:
    """Train a classifier; connectivity is learned too where a scheme is given.

    Parameters
    ----------
    model : torch.nn.Module
        Maps a batch to logits (batch, n_classes). Left with the weights of the epoch ``keep`` says.
    train : ImageDataset or EventDataset
        Training samples.
    encoding : Encoding, optional
        How samples become input over time; without it the model gets images, (batch, n_pixels).
    valid : ImageDataset, EventDataset or float, optional
        Held-out samples for early stopping and for choosing the best epoch; as a float, the share
        of ``train`` to hold out, every class giving its part.
    scheme : Scheme or MaskScheme, optional
        How connectivity changes, for example ``deep_r()``. For a `MaskScheme` sparse layers of the
        model are replaced by `MaskedLinear`.
    optimizer : callable, optional
        ``parameters -> optimizer``; default ``torch.optim.Adam`` with a learning rate of 1e-3.
    schedule : callable, optional
        ``optimizer -> learning-rate scheduler``, stepped once an epoch.
    loss : callable
        ``(logits, labels) -> scalar``; default cross entropy.
    objective : callable, optional
        ``Batch -> Assessment``: what a step minimises, where that is more than the loss of the
        samples as they are; `AdversarialTraining`, `TRADES`, `MART`, or your own.
    regularizers : sequence of callable or WeightRegularizer
        Each returns what is added to the loss: of the spikes of all layers of a
        `SpikingClassifier`, as `RateTarget` does, or of the weights of any model, as `L1` and `L2`.
    augment : callable, optional
        ``(samples, rng) -> samples``, applied to every training batch before it is encoded:
        (batch, n_pixels) images, or an EventDataset.
    grid : callable, optional
        ``Network -> Network``: where a network's numbers go when it is exported, for example
        ``neurosparse.loihi.IntegerGrid(num_weight_bits=4)``. Every forward pass, validation
        included, sees the numbers on the grid; the weights that learn stay floats and are what the
        model is left with (see `on_grid`). Needs a `SpikingClassifier`. A checkpoint knows it by
        its ``repr``.
    epochs : int
        Passes over the training set.
    batch_size : int
        Samples per step.
    patience : int, optional
        Stop after so many epochs in which the best validation accuracy was not reached again.
    keep : {"best", "last"}
        Which epoch's weights to end with: the best on the validation set (the last without one), or
        the last in any case, as suits a learning rate that is annealed to zero. The best is one of
        the last epochs that all have the same number of synapses: a network that was still to be
        pruned is no result of pruning.
    seed : int
        Of shuffling, augmentation, encoding, rewiring and attacks; the same seed gives the same
        result.
    checkpoint : path, optional
        File written after every epoch, with the best weights beside the last.
    resume : bool
        Go on from ``checkpoint`` if it exists; the result equals an uninterrupted run.
    logs : sequence of callable
        Called with the history after every epoch: `CsvLog`, `TensorBoardLog`, your own.
    progress : bool
        Show a progress bar on stderr: loss, accuracy, synapses, synaptic events per sample.
    name : str
        Label of the bar.

    Returns
    -------
    History

    Raises
    ------
    ParameterError
        If an argument is out of range, ``patience`` or a scheme that watches the validation loss
        (`lprune`) comes without ``valid``, regularizers of
        spikes or a grid come with a model that is no `SpikingClassifier`, or the model has fewer
        outputs than the data has classes.
    NeurosparseError
        What the grid raises, before the first step if the model does not fit it.
    StorageError
        If the checkpoint cannot be read or belongs to another run.
    TrainingError
        If a loss or a gradient is not finite. The model is left as it was after the last whole
        epoch, and so is the checkpoint.
    """
    check_count("epochs", epochs, least=1)
    check_count("batch_size", batch_size, least=1)
    check_count("seed", seed)
    if patience is not None:
        check_count("patience", patience, least=1)
        if valid is None:
            raise ParameterError("patience: needs valid, a held-out set to watch")
    if valid is None and scheme is not None and "validation" in getattr(scheme, "needs", ()):
        raise ParameterError(f"valid: {scheme.name} watches the loss on it; give a held-out set")
    if keep not in ("best", "last"):
        raise ParameterError(f"keep: got {keep!r}; allowed is 'best' or 'last'")
    if resume and checkpoint is None:
        raise ParameterError("resume: needs checkpoint, the file to go on from")
    if isinstance(valid, float):
        train, valid = train.split(valid, np.random.default_rng(seed))
    run = TrainingRun(model, scheme, optimizer, schedule, loss, objective, regularizers, grid, seed)
    run.settings |= {
        "batch_size": batch_size,
        "data": f"{len(train)} samples of {train.name}",
        "encoding": repr(encoding),
        "augment": describe(augment),
    }
    if resume and checkpoint is not None and Path(checkpoint).exists():
        run.load(checkpoint)
    try:
        while run.next_epoch <= epochs and not run.exhausted(patience):
            label = f"{name} {run.next_epoch}/{epochs}"
            run.train_epoch(train, encoding, augment, batch_size, progress, label)
            run.close_epoch(valid, encoding)
            if checkpoint is not None:
                run.save(checkpoint)
            for log in logs:
                log(run.history)
        run.keep(keep)
    finally:
        run.detach()
    return run.history
