"""The state of a training run: one step, one epoch, saved and taken up again as a whole."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from os import PathLike
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from neurosparse.data import Encoding
from neurosparse.errors import ParameterError, StorageError, TrainingError
from neurosparse.sparsify import MaskScheme, Scheme, Turnover
from neurosparse.sparsify.description import describe
from neurosparse.train.activity import Regularizer, synaptic_events
from neurosparse.train.attach import attach, prepare
from neurosparse.train.batches import Augment, Dataset, answers
from neurosparse.train.checkpoint import load_checkpoint, save_checkpoint
from neurosparse.train.classifier import SpikingClassifier
from neurosparse.train.history import Epoch, History
from neurosparse.train.integer_grid import NetworkGrid, on_grid
from neurosparse.train.objective import Batch, Objective, plain
from neurosparse.train.regularizers import WeightRegularizer, penalty_of
from neurosparse.train.sparse_linear import SparseLinear

__all__ = ["TrainingRun"]


class TrainingRun:
    """Everything that changes during a run; the parameters are those of `fit`."""

    def __init__(
        self,
        model: nn.Module,
        scheme: Scheme | MaskScheme | None,
        optimizer: Callable[[Any], torch.optim.Optimizer] | None,
        schedule: Callable[[torch.optim.Optimizer], Any] | None,
        loss: Callable[[Tensor, Tensor], Tensor],
        objective: Objective | None,
        regularizers: Sequence[Regularizer | WeightRegularizer],
        grid: NetworkGrid | None,
        seed: int,
    ) -> None:
        of_spikes = [each for each in regularizers if not isinstance(each, WeightRegularizer)]
        if of_spikes and not isinstance(model, SpikingClassifier):
            raise ParameterError(
                "regularizers: need the spikes of a SpikingClassifier; for another module add them "
                "to its loss (those of weights, L1 and L2, take any module)"
            )
        # new streams come last, so that the others stay what they were
        streams = ("shuffle", "encode", "rewire", "augment", "attack")
        seeds = dict(zip(streams, np.random.SeedSequence(seed).spawn(len(streams)), strict=True))
        self.model = model
        self.loss, self.regularizers = loss, tuple(regularizers)
        self.objective = objective or plain
        if objective is None:  # nothing draws from it, and nothing of it is saved
            del seeds["attack"]
        prepare(model, scheme)
        self.grid = grid
        with self._numbers():  # whatever does not fit is refused here
            pass
        self.optimizer = (optimizer or torch.optim.Adam)(model.parameters())
        self.schedule = None if schedule is None else schedule(self.optimizer)
        rng = np.random.default_rng(seeds.pop("rewire"))
        self.rewirer = None if scheme is None else attach(scheme, model, self.optimizer, rng)
        self.rngs = {name: np.random.default_rng(sequence) for name, sequence in seeds.items()}
        self.history = History()
        self.best: dict[str, Any] | None = None
        self.settings: dict[str, Any] = {  # a checkpoint with other ones belongs to another run
            "seed": seed,
            "optimizer": f"{type(self.optimizer).__name__}({describe(self.optimizer.defaults)})",
            "schedule": describe(schedule),
            "scheme": describe(scheme),
            "regularizers": repr(self.regularizers),
        }
        if objective is not None:
            self.settings["objective"] = repr(objective)
        if grid is not None:
            self.settings["grid"] = repr(grid)
        self._first_synapses = _synapses(model)
        self._good = copy.deepcopy(model.state_dict())  # after the last whole epoch
        self._open: dict[str, Any] = {}

    @property
    def next_epoch(self) -> int:
        """Number of the epoch to come, from 1."""
        return len(self.history.epochs) + 1

    @property
    def learning_rate(self) -> float:
        """Of the first parameter group."""
        return float(self.optimizer.param_groups[0]["lr"])

    def exhausted(self, patience: int | None) -> bool:
        """Whether the best epoch lies ``patience`` epochs back."""
        best = self.history.best_epoch
        return patience is not None and best is not None and self.next_epoch - 1 - best >= patience

    def _numbers(self) -> AbstractContextManager[None]:
        """Show passes the numbers that they are to see: those on the grid, if there is one."""
        return nullcontext() if self.grid is None else on_grid(self.model, self.grid)

    # ------------------------------------------------------------------ learning

    def train_epoch(
        self,
        train: Dataset,
        encoding: Encoding | None,
        augment: Augment | None,
        batch_size: int,
        progress: bool,
        label: str,
    ) -> None:
        """Go through the training set once, in a new order."""
        began = time.perf_counter()
        self.model.train()
        order = self.rngs["shuffle"].permutation(len(train))
        losses, events, right, seen = 0.0, 0.0, 0, 0
        starts = range(0, len(train), batch_size)
        bar = tqdm(starts, desc=label, unit="batch", disable=not progress, leave=False)
        for batch, start in enumerate(bar, 1):
            chosen = order[start : start + batch_size]
            samples = train.samples(chosen)
            if augment is not None:
                samples = augment(samples, self.rngs["augment"])
            labels = torch.from_numpy(train.labels[chosen])
            self.optimizer.zero_grad()
            with self._numbers():
                loss, logits, trains = self.objective(
                    Batch(self.model, train, samples, labels, encoding, self.loss, self.rngs)
                )
                for regularizer in self.regularizers:
                    loss = loss + penalty_of(regularizer, self.model, trains)
                loss.backward()  # type: ignore[no-untyped-call]
            self._check_finite("loss", loss, batch)
            for parameter_name, parameter in self.model.named_parameters():
                if parameter.grad is not None:
                    self._check_finite(f"gradient of {parameter_name}", parameter.grad, batch)
            self.optimizer.step()
            losses += loss.item() * chosen.size
            right += int((logits.detach().argmax(dim=1) == labels).sum())
            seen += chosen.size
            shown = {"loss": f"{losses / seen:.3f}", "accuracy": f"{right / seen:.3f}"}
            if isinstance(self.model, SpikingClassifier) and trains:
                # an objective may have asked more than the samples, clean and attacked ones
                share = chosen.size / trains[0].batch
                events += share * synaptic_events(self.model, trains)
                shown["synapses"] = f"{sum(_synapses(self.model)):,}"
                shown["events"] = f"{events / seen:,.0f}"
            bar.set_postfix(shown)
        self._open = {
            "loss": losses / seen,
            "train_accuracy": right / seen,
            "events_per_sample": events / seen if shown.get("events") else None,
            "learning_rate": self.learning_rate,
            "seconds": time.perf_counter() - began,
        }
        if self.schedule is not None:
            self.schedule.step()

    def _check_finite(self, what: str, tensor: Tensor, batch: int) -> None:
        if bool(torch.isfinite(tensor).all()):
            return
        self.model.load_state_dict(self._good)
        good = self.next_epoch - 1
        kept = f"those after epoch {good}" if good else "the first ones"
        raise TrainingError(
            f"{what}: not finite in epoch {self.next_epoch}, batch {batch}, at a learning rate of "
            f"{self.learning_rate:g}; the model's weights are {kept} again, and a checkpoint holds "
            "the same; try a lower learning rate, or look for numbers that are not finite in the "
            "data"
        )

    def close_epoch(self, valid: Dataset | None, encoding: Encoding | None) -> None:
        """Validate, and add the epoch to the history."""
        accuracy = valid_loss = None
        if valid is not None:
            with self._numbers():
                logits = answers(self.model, valid, encoding)
            accuracy = float((np.argmax(logits.numpy(), axis=1) == valid.labels).mean())
            valid_loss = float(self.loss(logits, torch.from_numpy(valid.labels.copy())))
            if self.rewirer is not None:
                self.rewirer.observe(valid_loss)
        turnover = Turnover() if self.rewirer is None else self.rewirer.turnover.take()
        epoch = Epoch(
            epoch=self.next_epoch,
            valid_accuracy=accuracy,
            valid_loss=valid_loss,
            synapses=_synapses(self.model),
            dropped=turnover.dropped,
            grown=turnover.grown,
            **self._open,
        )
        self._good = copy.deepcopy(self.model.state_dict())
        if accuracy is not None and self._is_best(epoch):
            self.history.best_epoch = epoch.epoch
            self.best = self._good
        self.history.epochs.append(epoch)

    def _is_best(self, epoch: Epoch) -> bool:
        """Say whether an epoch is to be the best so far.

        What had another number of synapses does not count: pruning has gone on since. Of equals the
        later is better, as the learning rate has come further down.
        """
        if self.history.best_epoch is None:
            return True
        best = self.history.epochs[self.history.best_epoch - 1]
        if sum(best.synapses) != sum(epoch.synapses):
            return True
        return (epoch.valid_accuracy or 0.0) >= (best.valid_accuracy or 0.0)

    # ------------------------------------------------------------------ the end

    def keep(self, which: str) -> None:
        """Leave the model with the weights of the last epoch, or of the best if there is one."""
        self.history.kept_epoch = len(self.history.epochs)
        if self.best is not None and which == "best":
            self.model.load_state_dict(self.best)
            self.history.kept_epoch = self.history.best_epoch

    def detach(self) -> None:
        """Take the rewiring out of the optimiser."""
        if self.rewirer is not None:
            self.rewirer.remove()

    # ------------------------------------------------------------------ checkpoints

    def save(self, path: str | PathLike[str]) -> None:
        """Write everything, completely or not at all."""
        save_checkpoint(
            path,
            {
                "settings": self.settings,
                "first_synapses": self._first_synapses,
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
        """Take up what `save` wrote.

        Raises
        ------
        StorageError
            If it belongs to another run or model, or was altered; the model is left as it was.
        """
        state = load_checkpoint(path)
        given = state.get("settings")
        if given != self.settings:
            raise StorageError(
                f"{path}: belongs to another run ({_differences(given, self.settings)})"
            )
        untouched, own = copy.deepcopy(self.model.state_dict()), _synapses(self.model)
        try:
            self._take_up(state)
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            self.model.load_state_dict(untouched)
            raise StorageError(f"{path}: belongs to another model, or altered: {error}") from error
        if own not in (self._first_synapses, _synapses(self.model)):
            self.model.load_state_dict(untouched)
            raise StorageError(
                f"{path}: belongs to another run (synapses per layer: {self._first_synapses} "
                f"there, {own} here)"
            )

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
        self._first_synapses = state["first_synapses"]
        self.history = History.from_dict(state["history"])
        self._good = copy.deepcopy(self.model.state_dict())


def _differences(given: Any, wanted: dict[str, Any]) -> str:
    """Name the settings in which a checkpoint differs from the run that is to go on."""
    given = given if isinstance(given, dict) else {}
    names = [name for name in {**wanted, **given} if given.get(name) != wanted.get(name)]
    return "; ".join(f"{name}: {given.get(name)} there, {wanted.get(name)} here" for name in names)


def _synapses(model: nn.Module) -> list[int]:
    return [
        layer.n_active if isinstance(layer, SparseLinear) else layer.weight.numel()
        for layer in model.modules()
        if isinstance(layer, SparseLinear | nn.Linear)
    ]
