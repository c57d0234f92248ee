"""What a training run says about itself, epoch by epoch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Epoch", "History"]


@dataclass
class Epoch:
    """What one pass over the training set gave.

    Parameters
    ----------
    epoch : int
        From 1.
    loss : float
        Mean over the training samples, regularisers included.
    train_accuracy : float
        Share of training samples that were right while training.
    valid_accuracy : float or None
        Share of validation samples that are right after the epoch.
    valid_loss : float or None
        Mean over the validation samples, without regularisers, after the epoch.
    synapses : list of int
        Active synapses per layer (dense layers count every weight).
    dropped, grown : list of int
        Turnover per sparse layer.
    events_per_sample : float or None
        Synaptic events of a training sample, in the mean; of spiking classifiers only.
    learning_rate : float
        Of the first parameter group, in this epoch.
    seconds : float [s]
        Wall time of the epoch.
    """

    epoch: int
    loss: float
    train_accuracy: float
    valid_accuracy: float | None
    valid_loss: float | None
    synapses: list[int]
    dropped: list[int]
    grown: list[int]
    events_per_sample: float | None
    learning_rate: float
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
