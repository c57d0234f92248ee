"""The training loop."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from neurosparse.data import EVALUATION_SEED, Encoding, ImageDataset
from neurosparse.errors import ParameterError, StorageError
from neurosparse.network.checks import check_count
from neurosparse.sparsify import Scheme, Turnover
from neurosparse.train.checkpoint import load_checkpoint, save_checkpoint
from neurosparse.train.rewire import Rewirer
from neurosparse.train.sparse_linear import SparseLinear

__all__ = ["Epoch", "History", "fit", "predict"]

_EVALUATION_BATCH = 256


@dataclass
class Epoch:
    """What one pass over the training set gave.

    Parameters
    ----------
    epoch : int
        From 1.
    loss : float
        Mean cross entropy over the training batches.
    train_accuracy : float
        Share of training samples that were right while training.
    valid_accuracy : float or None
        Share of validation samples that are right after the epoch.
    synapses : list of int
        Active synapses per layer (dense layers count every weight).
    dropped, grown : list of int
        Turnover per sparse layer.
    seconds : float [s]
        Wall time of the epoch.
    """

    epoch: int
    loss: float
    train_accuracy: float
    valid_accuracy: float | None
    synapses: list[int]
    dropped: list[int]
    grown: list[int]
    seconds: float


@dataclass
class History:
    """All epochs of a run, the best of them on the validation set, and the one that was kept."""

    epochs: list[Epoch] = field(default_factory=list)
    best_epoch: int | None = None
    kept_epoch: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists and numbers."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> History:
        """Rebuild what `to_dict` gave."""
        epochs = [Epoch(**epoch) for epoch in values["epochs"]]
        return cls(epochs, values["best_epoch"], values["kept_epoch"])


def fit(
    model: nn.Module,
    train: ImageDataset,
    *,
    encoding: Encoding | None = None,
    valid: ImageDataset | None = None,
    scheme: Scheme | None = None,
    optimizer: Callable[[Any], torch.optim.Optimizer] | None = None,
    schedule: Callable[[torch.optim.Optimizer], torch.optim.lr_scheduler.LRScheduler] | None = None,
    epochs: int = 20,
    batch_size: int = 64,
    patience: int | None = None,
    keep: Literal["best", "last"] = "best",
    seed: int = 0,
    checkpoint: str | PathLike[str] | None = None,
    resume: bool = False,
    progress: bool = True,
    name: str = "fit",
) -> History:
    """Train a classifier; connectivity is learned too where a scheme is given.

    Parameters
    ----------
    model : torch.nn.Module
        Maps a batch to logits (batch, n_classes). Left with the weights of the epoch ``keep`` says.
    train : ImageDataset
        Training samples.
    encoding : Encoding, optional
        How images become input over time; without it the model gets the images, (batch, n_pixels).
    valid : ImageDataset, optional
        Held-out samples for early stopping and for choosing the best epoch.
    scheme : Scheme, optional
        How connectivity changes, for example ``deep_r()``.
    optimizer : callable, optional
        ``parameters -> optimizer``; default ``torch.optim.Adam`` with a learning rate of 1e-3.
    schedule : callable, optional
        ``optimizer -> learning-rate scheduler``, stepped once an epoch.
    epochs : int
        Passes over the training set.
    batch_size : int
        Samples per step.
    patience : int, optional
        Stop after so many epochs in which the best validation accuracy was not reached again.
    keep : {"best", "last"}
        Which epoch's weights to end with: the best on the validation set (the last without one), or
        the last in any case, as suits a learning rate that is annealed to zero.
    seed : int
        Of shuffling, encoding and rewiring; the same seed gives the same result.
    checkpoint : path, optional
        File written after every epoch.
    resume : bool
        Go on from ``checkpoint`` if it exists; the result equals an uninterrupted run.
    progress : bool
        Show a progress bar on stderr.
    name : str
        Label of the bar.

    Returns
    -------
    History

    Raises
    ------
    ParameterError
        If an argument is out of range, or ``patience`` comes without ``valid``.
    StorageError
        If the checkpoint cannot be read or belongs to another run.
    """
    check_count("epochs", epochs, least=1)
    check_count("batch_size", batch_size, least=1)
    check_count("seed", seed)
    if patience is not None:
        check_count("patience", patience, least=1)
        if valid is None:
            raise ParameterError("patience: needs valid, a held-out set to watch")
    if keep not in ("best", "last"):
        raise ParameterError(f"keep: got {keep!r}; allowed is 'best' or 'last'")
    if resume and checkpoint is None:
        raise ParameterError("resume: needs checkpoint, the file to go on from")
    run = _FitState(model, scheme, optimizer, schedule, seed)
    run.settings |= {"batch_size": batch_size, "n_train": len(train), "encoding": repr(encoding)}
    if resume and checkpoint is not None and Path(checkpoint).exists():
        run.load(checkpoint)
    while run.next_epoch <= epochs and not run.exhausted(patience):
        run.train_epoch(train, encoding, batch_size, progress, f"{name} {run.next_epoch}/{epochs}")
        run.close_epoch(valid, encoding)
        if checkpoint is not None:
            run.save(checkpoint)
    run.finish(keep)
    return run.history


class _FitState:
    """Everything that changes during a run, so that it can be saved and resumed as one."""

    def __init__(
        self,
        model: nn.Module,
        scheme: Scheme | None,
        optimizer: Callable[[Any], torch.optim.Optimizer] | None,
        schedule: Callable[[torch.optim.Optimizer], Any] | None,
        seed: int,
    ) -> None:
        shuffle, encode, rewire = np.random.SeedSequence(seed).spawn(3)
        self.model = model
        self.optimizer = (optimizer or torch.optim.Adam)(model.parameters())
        self.schedule = None if schedule is None else schedule(self.optimizer)
        self.rewirer = (
            None
            if scheme is None
            else Rewirer(scheme, model, self.optimizer, np.random.default_rng(rewire))
        )
        self.rngs = {
            "shuffle": np.random.default_rng(shuffle),
            "encode": np.random.default_rng(encode),
        }
        self.history = History()
        self.best: dict[str, Any] | None = None
        self.settings: dict[str, Any] = {  # a checkpoint with other ones belongs to another run
            "seed": seed,
            "optimizer": type(self.optimizer).__name__,
            "schedule": None if self.schedule is None else type(self.schedule).__name__,
            "scheme": None if scheme is None else scheme.name,
        }
        self._open: dict[str, float] = {}

    @property
    def next_epoch(self) -> int:
        return len(self.history.epochs) + 1

    def exhausted(self, patience: int | None) -> bool:
        best = self.history.best_epoch
        return patience is not None and best is not None and self.next_epoch - 1 - best >= patience

    def train_epoch(
        self,
        train: ImageDataset,
        encoding: Encoding | None,
        batch_size: int,
        progress: bool,
        label: str,
    ) -> None:
        began = time.perf_counter()
        self.model.train()
        order = self.rngs["shuffle"].permutation(len(train))
        losses, right, seen = 0.0, 0, 0
        starts = range(0, len(train), batch_size)
        bar = tqdm(starts, desc=label, unit="batch", disable=not progress, leave=False)
        for start in bar:
            chosen = order[start : start + batch_size]
            x = _input(train.images[chosen], encoding, self.rngs["encode"])
            labels = torch.from_numpy(train.labels[chosen])
            self.optimizer.zero_grad()
            logits = self.model(x)
            loss = nn.functional.cross_entropy(logits, labels)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            losses += loss.item() * chosen.size
            right += int((logits.detach().argmax(dim=1) == labels).sum())
            seen += chosen.size
            bar.set_postfix(loss=f"{losses / seen:.3f}", accuracy=f"{right / seen:.3f}")
        self._open = {
            "loss": losses / seen,
            "train_accuracy": right / seen,
            "seconds": time.perf_counter() - began,
        }
        if self.schedule is not None:
            self.schedule.step()

    def close_epoch(self, valid: ImageDataset | None, encoding: Encoding | None) -> None:
        accuracy = None
        if valid is not None:
            predictions = predict(self.model, valid, encoding)
            accuracy = float((predictions == valid.labels).mean())
        turnover = Turnover() if self.rewirer is None else self.rewirer.turnover.take()
        epoch = Epoch(
            epoch=self.next_epoch,
            valid_accuracy=accuracy,
            synapses=_synapses(self.model),
            dropped=turnover.dropped,
            grown=turnover.grown,
            **self._open,
        )
        best = self.history.best_epoch
        if accuracy is not None and (
            # of equals the later: the learning rate has come further down
            best is None or accuracy >= (self.history.epochs[best - 1].valid_accuracy or 0.0)
        ):
            self.history.best_epoch = epoch.epoch
            self.best = copy.deepcopy(self.model.state_dict())
        self.history.epochs.append(epoch)

    def finish(self, keep: str) -> None:
        self.history.kept_epoch = len(self.history.epochs)
        if self.best is not None and keep == "best":
            self.model.load_state_dict(self.best)
            self.history.kept_epoch = self.history.best_epoch
        if self.rewirer is not None:
            self.rewirer.remove()

    def save(self, path: str | PathLike[str]) -> None:
        save_checkpoint(
            path,
            {
                "settings": self.settings,
                "model": self.model.state_dict(),
                "best": self.best,
                "optimizer": self.optimizer.state_dict(),
                "schedule": None if self.schedule is None else self.schedule.state_dict(),
                "rewirer": None if self.rewirer is None else self.rewirer.state_dict(),
                "rngs": {name: rng.bit_generator.state for name, rng in self.rngs.items()},
                "history": self.history.to_dict(),
            },
        )

    def load(self, path: str | PathLike[str]) -> None:
        state = load_checkpoint(path)
        given = state.get("settings")
        if given != self.settings:
            raise StorageError(f"{path}: belongs to another run ({given}, not {self.settings})")
        untouched = copy.deepcopy(self.model.state_dict())
        try:
            self._take_up(state)
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            self.model.load_state_dict(untouched)
            raise StorageError(f"{path}: belongs to another model, or altered: {error}") from error

    def _take_up(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
        if self.rewirer is not None:
            self.rewirer.load_state_dict(state["rewirer"])
        for name, rng in self.rngs.items():
            rng.bit_generator.state = state["rngs"][name]
        self.best = state["best"]
        self.history = History.from_dict(state["history"])


def _input(images: Any, encoding: Encoding | None, rng: np.random.Generator) -> Tensor:
    array = images if encoding is None else encoding.encode(images, rng)
    return torch.from_numpy(np.array(array, dtype=np.float32, order="C"))


def _synapses(model: nn.Module) -> list[int]:
    return [
        layer.weight.numel()
        for layer in model.modules()
        if isinstance(layer, SparseLinear | nn.Linear)
    ]


def _batches(n: int) -> Iterator[slice]:
    for start in range(0, n, _EVALUATION_BATCH):
        yield slice(start, min(start + _EVALUATION_BATCH, n))


def predict(model: nn.Module, data: ImageDataset, encoding: Encoding | None = None) -> Any:
    """Return the predicted class of every sample, (n,) int64; ties go to the lowest class.

    Encodings are drawn from a fixed seed, so that repeated calls see the same spikes.
    """
    model.eval()
    rng = np.random.default_rng(EVALUATION_SEED)
    answers = []
    with torch.no_grad():
        for part in _batches(len(data)):
            logits = model(_input(data.images[part], encoding, rng)).numpy()
            answers.append(np.argmax(logits, axis=1))
    return np.concatenate(answers)
