"""The training loop repeats under a seed, and resumes from a checkpoint to the same result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neurosparse.data import RandomShift
from neurosparse.errors import StorageError
from neurosparse.network import LIF
from neurosparse.sparsify import deep_r, deep_r_global
from neurosparse.train import (
    History,
    dense_classifier,
    load_checkpoint,
    predict,
    save_checkpoint,
    sparse_classifier,
)
from tests.train.agreement import assert_same_state, digits, topology
from tests.train.short_runs import COUNTS, RATE, SCHEME, SIZES, adam, run, small_model


def timeless(history: History) -> dict[str, Any]:
    """Return the history without what a clock says."""
    values = history.to_dict()
    for epoch in values["epochs"]:
        del epoch["seconds"]
    return values


def test_same_seed_same_result() -> None:
    models = [small_model() for _ in range(3)]
    histories = [run(model, 2, seed) for model, seed in zip(models, (5, 5, 6), strict=True)]
    assert_same_state(models[0].state_dict(), models[1].state_dict())
    assert timeless(histories[0]) == timeless(histories[1])
    assert topology(models[0]) != topology(models[2])


def test_predictions_repeat() -> None:
    model = small_model()
    _, valid = digits(1, 300)
    np.testing.assert_array_equal(predict(model, valid, RATE), predict(model, valid, RATE))


@pytest.mark.parametrize("scheme", [SCHEME, deep_r(l1=0.01, temperature=1e-5), None])
def test_resuming_equals_an_uninterrupted_run(scheme: Any, tmp_path: Path) -> None:
    whole = small_model()
    expected = run(whole, 4, scheme=scheme)
    path = tmp_path / "run.pt"
    run(small_model(), 2, scheme=scheme, checkpoint=path)
    resumed = small_model(rng=9)  # whatever it was, it becomes what was saved
    history = run(resumed, 4, scheme=scheme, checkpoint=path, resume=True)
    assert timeless(history) == timeless(expected)
    assert_same_state(resumed.state_dict(), whole.state_dict())
    # a finished run is not trained further
    again = small_model(rng=8)
    assert run(again, 4, scheme=scheme, checkpoint=path, resume=True) == history
    assert_same_state(again.state_dict(), whole.state_dict())


def test_a_run_killed_in_the_middle_of_an_epoch(tmp_path: Path) -> None:
    whole = small_model()
    expected = run(whole, 3)
    path = tmp_path / "run.pt"
    killed = small_model()
    calls = [0]

    def kill(*_: Any) -> None:
        calls[0] += 1
        if calls[0] == 9:  # 5 batches and 1 evaluation an epoch
            raise KeyboardInterrupt

    killed.register_forward_pre_hook(kill)
    with pytest.raises(KeyboardInterrupt):
        run(killed, 3, checkpoint=path)
    assert [file.name for file in tmp_path.iterdir()] == ["run.pt"]
    assert len(load_checkpoint(path)["history"]["epochs"]) == 1
    resumed = small_model()
    assert timeless(run(resumed, 3, checkpoint=path, resume=True)) == timeless(expected)
    assert_same_state(resumed.state_dict(), whole.state_dict())


def test_resume_without_a_file_starts_from_the_beginning(tmp_path: Path) -> None:
    history = run(small_model(), 1, checkpoint=tmp_path / "new" / "run.pt", resume=True)
    assert len(history.epochs) == 1
    assert (tmp_path / "new" / "run.pt").is_file()


OTHER_RUNS: list[tuple[str, dict[str, Any], str]] = [
    ("seed", {"seed": 1}, r"belongs to another run \(seed: 0 there, 1 here\)"),
    ("batch size", {"batch_size": 32}, r"belongs to another run \(batch_size: 64 there, 32 here\)"),
    ("scheme", {"scheme": deep_r()}, "scheme: Scheme.name='deep_r_global'.* there, .*'deep_r'"),
    ("prior", {"scheme": deep_r_global(l1=5.0, temperature=1e-5)}, r"l1=0\.01.* there, .*l1=5\.0"),
    ("learning rate", {"optimizer": adam(0.5)}, r"optimizer: Adam.*0\.02.* there, Adam.*0\.5"),
    ("augmentation", {"augment": RandomShift(1, (8, 8))}, "augment: None there, RandomShift"),
    ("no scheme", {"scheme": None}, "belongs to another run .* there, None here"),
    ("schedule", {"schedule": None}, "belongs to another run .*schedule: .* there, None here"),
    (
        "optimiser",
        {"optimizer": lambda p: torch.optim.SGD(p, lr=0.1)},
        "belongs to another run .*optimizer: Adam.* there, SGD",
    ),
]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "run.pt"
    run(small_model(), 1, checkpoint=path)
    return path


@pytest.mark.parametrize(
    ("options", "message"), [row[1:] for row in OTHER_RUNS], ids=[row[0] for row in OTHER_RUNS]
)
def test_a_checkpoint_of_another_run(checkpoint: Path, options: Any, message: str) -> None:
    model = small_model()
    before, saved = small_model().state_dict(), checkpoint.read_bytes()
    with pytest.raises(StorageError, match=message):
        run(model, 2, checkpoint=checkpoint, resume=True, **options)
    assert_same_state(model.state_dict(), before)
    assert checkpoint.read_bytes() == saved


def test_a_model_of_another_density(checkpoint: Path) -> None:
    model = sparse_classifier(SIZES, neuron=LIF(du=1, dv=0.1), n_active=[310, 90])
    with pytest.raises(StorageError, match=r"synapses per layer: \[300, 100\] there, \[310, 90\]"):
        run(model, 2, checkpoint=checkpoint, resume=True)


def test_the_model_of_the_run_itself_may_go_on(tmp_path: Path) -> None:
    """One budget for both layers: their numbers are no longer those of the start."""
    path = tmp_path / "run.pt"
    model = small_model()
    first = run(model, 2, checkpoint=path, keep="last")
    assert first.epochs[-1].synapses != COUNTS
    assert len(run(model, 3, checkpoint=path, resume=True).epochs) == 3


@pytest.mark.parametrize(
    "other",
    [
        sparse_classifier([64, 30, 10], neuron=LIF(), density=0.1),
        sparse_classifier([64, 40, 40, 10], neuron=LIF(), density=0.1),
        dense_classifier(SIZES, neuron=LIF()),
    ],
    ids=["width", "depth", "dense"],
)
def test_a_checkpoint_of_another_model_harms_nothing(
    checkpoint: Path, other: nn.Module, tmp_path: Path
) -> None:
    path = tmp_path / "run.pt"
    options: dict[str, Any] = {"scheme": None, "checkpoint": path}
    run(small_model(), 1, **options)
    before = {name: value.clone() for name, value in other.state_dict().items()}
    with pytest.raises(StorageError, match=r"run\.pt: belongs to another model, or altered"):
        run(other, 2, resume=True, **options)
    assert_same_state(other.state_dict(), before)


def test_a_checkpoint_with_a_part_missing(checkpoint: Path, tmp_path: Path) -> None:
    state = load_checkpoint(checkpoint)
    for part in ("settings", "model", "optimizer", "rngs", "history", "best"):
        path = tmp_path / "run.pt"
        save_checkpoint(path, {name: value for name, value in state.items() if name != part})
        model = small_model()
        with pytest.raises(StorageError, match="belongs to another"):
            run(model, 2, checkpoint=path, resume=True)
        assert_same_state(model.state_dict(), small_model().state_dict())


def test_a_truncated_checkpoint(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    path.write_bytes(checkpoint.read_bytes()[:-100])
    with pytest.raises(StorageError, match=r"run\.pt: not a readable checkpoint"):
        run(small_model(), 2, checkpoint=path, resume=True)
