"""What cannot work with a data set is refused before anything is trained."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

import neurosparse.data
import neurosparse.train
from neurosparse.data import EventDataset, ImageDataset
from neurosparse.errors import ParameterError
from neurosparse.sweep import Attack, Study, run_cell
from neurosparse.sweep.suitability import check_study

STUDY = Study(["static"], [0.1], epochs=1)
ATTACK = Attack("fgsm", 0.1)


def events(n: int = 20) -> EventDataset:
    """Recordings of the size of N-MNIST, in which nothing happens."""
    labels = np.arange(n) % 10
    return EventDataset("quiet", [], [], np.zeros(n + 1, int), labels, 10, (2, 34, 34))  # type: ignore[arg-type]


def images(n_classes: int, pixels: tuple[int, int]) -> ImageDataset:
    size = pixels[0] * pixels[1]
    labels = np.arange(60) % n_classes
    return ImageDataset("black", np.zeros((60, size)), labels, n_classes, pixels)  # type: ignore[arg-type]


def given(monkeypatch: pytest.MonkeyPatch, data: Any) -> None:
    monkeypatch.setattr(neurosparse.data, "load_dataset", lambda *_, **__: (data, data))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": "nosuch"}, "data set: got 'nosuch'; allowed is digits"),
        ({"shift": 8}, "shift: got 8; allowed is a whole number, 0 to 7"),
        ({"n_train": 3}, "n_train .--train-samples.: got 3 samples, of which .* 0.1 is 0"),
        ({"n_train": 4, "valid_share": 0.9}, "got 4 samples, of which a valid_share of 0.9 is 4"),
    ],
)
def test_settings_that_do_not_fit_digits(change: dict[str, Any], message: str) -> None:
    assert re.search(message, refusal(dataclasses.replace(STUDY, **change)))


def refusal(study: Study) -> str:
    """Return why a study is refused; nothing where it is not."""
    try:
        check_study(study)
    except ParameterError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"shift": 7},
        {"n_train": 6},
        {"n_train": 10**6},
        {"n_train": 1, "valid_share": 0.0},
        {"model": "ann", "attack": ATTACK},
    ],
)
def test_settings_that_do(change: dict[str, Any]) -> None:
    assert refusal(dataclasses.replace(STUDY, **change)) == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "ann"}, "model: 'ann' takes images; nmnist has events, take 'snn'"),
        ({"attack": ATTACK}, "attack: changes pixels of images; nmnist has events, leave it out"),
    ],
)
def test_events_are_not_images(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], message: str
) -> None:
    """Neither before the sweep nor, where that could not look, after an hour of training."""

    def trained(*_: Any, **__: Any) -> None:
        raise AssertionError("trained in vain")

    given(monkeypatch, events())
    monkeypatch.setattr(neurosparse.train, "fit", trained)
    study = dataclasses.replace(STUDY, data="nmnist", **change)
    with pytest.raises(ParameterError, match=message):
        check_study(study)
    with pytest.raises(ParameterError, match=message):
        run_cell(study.cells()[0])
    check_study(dataclasses.replace(STUDY, data="nmnist", shift=33))


@pytest.mark.parametrize(
    ("n_classes", "pixels", "message"),
    [
        (26, (28, 28), "data set: letters has 26 classes; the preset for 784 inputs has 10 outp"),
        (10, (5, 5), "data set: 25 inputs; there are presets for 64, 784"),
    ],
)
def test_data_that_no_preset_is_for(
    monkeypatch: pytest.MonkeyPatch, n_classes: int, pixels: tuple[int, int], message: str
) -> None:
    given(monkeypatch, images(n_classes, pixels))
    with pytest.raises(ParameterError, match=message):
        check_study(dataclasses.replace(STUDY, data="letters"))
