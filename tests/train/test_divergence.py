"""What cannot be trained on: losses and gradients that are not finite, labels out of range."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neurosparse.data import ImageDataset
from neurosparse.errors import ParameterError, TrainingError
from neurosparse.sparsify import deep_r
from neurosparse.train import dense_ann, fit, load_checkpoint
from tests.train.agreement import assert_same_state, digits, topology
from tests.train.short_runs import RATE, run, small_model


class Failing:
    """Cross entropy that is ``value`` in one call, and counts its calls."""

    def __init__(self, at: int, value: float) -> None:
        self.at, self.value, self.calls = at, value, 0

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        self.calls += 1
        loss = nn.functional.cross_entropy(logits, labels)
        return loss * self.value if self.calls == self.at else loss


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_loss_that_is_not_finite_stops_with_the_last_good_state(
    value: float, tmp_path: Path
) -> None:
    path = tmp_path / "run.pt"
    good = small_model()
    run(good, 1, keep="last")
    model = small_model()
    # 5 batches an epoch: the second of the second epoch
    message = (
        r"loss: not finite in epoch 2, batch 2, at a learning rate of 0\.0\d+; .* after epoch 1"
    )
    with pytest.raises(TrainingError, match=message):
        run(model, 4, checkpoint=path, loss=Failing(8, value))
    assert_same_state(model.state_dict(), good.state_dict())
    assert topology(model) == topology(good)
    saved = load_checkpoint(path)
    assert len(saved["history"]["epochs"]) == 1
    assert_same_state(saved["model"], good.state_dict())
    # and the run can go on from there as if nothing had happened
    whole, resumed = small_model(), small_model()
    expected = run(whole, 3)
    history = run(resumed, 3, checkpoint=path, resume=True)
    assert [e.loss for e in history.epochs] == [e.loss for e in expected.epochs]
    assert_same_state(resumed.state_dict(), whole.state_dict())


def test_a_gradient_that_is_not_finite_is_named() -> None:
    class Poison(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, *grads: Tensor) -> Tensor:
            return grads[0] * float("nan")

    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        poisoned: Tensor = Poison.apply(logits)  # type: ignore[no-untyped-call]
        return nn.functional.cross_entropy(poisoned, labels)

    train, _ = digits(100, 1)
    model = small_model()
    before = copy.deepcopy(model.state_dict())
    message = (
        r"gradient of layers\.\d\.connection\.weight: not finite in epoch 1, batch 1, .* first"
    )
    with pytest.raises(TrainingError, match=message):
        fit(model, train, encoding=RATE, loss=loss, progress=False)
    assert_same_state(model.state_dict(), before)


def test_rewiring_ends_with_the_failure() -> None:
    made: list[torch.optim.Optimizer] = []

    def optimizer(parameters: Any) -> torch.optim.Optimizer:
        made.append(torch.optim.Adam(parameters, lr=0.02))
        return made[-1]

    model = small_model()
    with pytest.raises(TrainingError):
        run(
            model,
            1,
            optimizer=optimizer,
            scheme=deep_r(l1=0.01, temperature=1e-5),
            loss=Failing(2, float("nan")),
        )
    before = topology(model)
    model(torch.ones(3, 2, 64)).sum().backward()
    made[0].step()
    assert topology(model) == before


def test_labels_beyond_the_outputs_of_the_model() -> None:
    images = np.zeros((20, 64), np.float32)
    labels = np.arange(20) % 12
    data = ImageDataset("twelve", images, labels, n_classes=12, shape=(8, 8))
    message = (
        r"model: answers with shape \(20, 10\); twelve has labels 0 to 11, expected \(batch, 12\)"
    )
    for model, encoding in ((small_model(), RATE), (dense_ann([64, 10]), None)):
        with pytest.raises(ParameterError, match=message):
            fit(model, data, encoding=encoding, progress=False)
    with pytest.raises(ParameterError, match="model: answers with shape"):
        fit(nn.Sequential(nn.Linear(64, 1), nn.Flatten(0)), data, progress=False)


@pytest.mark.parametrize("batch_size", [1, 7])
def test_batches_of_one(batch_size: int) -> None:
    train, _ = digits(8, 1)  # 7 and 1
    model = small_model()
    before = copy.deepcopy(model.state_dict())
    history = run_on(model, train, batch_size)
    assert np.isfinite(history.epochs[0].loss)
    assert any(not torch.equal(before[k], v) for k, v in model.state_dict().items())


def run_on(model: nn.Module, train: ImageDataset, batch_size: int) -> Any:
    return fit(model, train, encoding=RATE, batch_size=batch_size, epochs=1, progress=False)
