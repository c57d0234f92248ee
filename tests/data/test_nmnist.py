"""N-MNIST: both layouts, where they are sought, broken ones, and the real subset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosparse.data import EventDataset, ImageDataset, load_dataset, load_nmnist
from neurosparse.errors import DataError, ParameterError
from tests.data.event_writers import (
    Event,
    decode_mnist,
    flattened,
    mnist_bytes,
    needs_tonic,
    write_published,
)
from tests.data.test_idx import write_set

pytestmark = needs_tonic

SHAPE = (2, 34, 34)
A: list[Event] = [(33, 0, 100, 1), (0, 33, 300_000, 0)]
B: list[Event] = [(5, 6, 7, 0)]
PUBLISHED = {"Train": {"0": [A, B], "7": [B]}, "Test": {"7": [A]}}


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tests away from data sets that happen to lie around."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr("neurosparse.data.nmnist.data_folders", list)
    monkeypatch.delenv("NEUROSPARSE_DATA", raising=False)


def write_listed(root: Path, **changes: Any) -> Path:
    """Write the layout of the subset; ``changes`` replaces a list by name, or files if None."""
    root.mkdir(parents=True)
    for number, recording in ((1, A), (2, B), (60001, A)):
        (root / f"{number}.bs2").write_bytes(mnist_bytes(recording))
    lists = {"train1K": "#sample #class\r\n1\t0\r\n2\t7\r\n", "test100": "60001\t7\n", **changes}
    for name, text in lists.items():
        if text is not None:
            (root / f"{name}.txt").write_text(text)
    return root


def held(data: EventDataset) -> list[tuple[int, int]]:
    return list(zip(data.times_us.tolist(), data.addresses.tolist(), strict=True))


def expected(*recordings: list[Event]) -> list[tuple[int, int]]:
    return [event for recording in recordings for event in flattened(recording, SHAPE)]


@pytest.mark.parametrize("parent", [".", "N-MNIST", "nmnist"])
def test_the_published_layout(tmp_path: Path, parent: str) -> None:
    write_published(tmp_path / "data" / parent, PUBLISHED)
    train, test = load_nmnist(tmp_path / "data")
    assert (train.name, train.shape, train.n_classes) == ("nmnist", SHAPE, 10)
    assert train.labels.tolist() == [0, 7, 0]
    assert held(train) == expected(A, B, B)
    assert train.starts.tolist() == [0, 2, 3, 4]
    assert (test.labels.tolist(), held(test)) == ([7], expected(A))
    assert train.n_inputs == 2312


@pytest.mark.parametrize("parent", [".", "small"])
def test_the_layout_of_the_subset(tmp_path: Path, parent: str) -> None:
    write_listed(tmp_path / "data" / parent)
    train, test = load_nmnist(tmp_path / "data", "mine")
    assert (train.name, train.shape, train.n_classes) == ("mine", SHAPE, 10)
    assert (train.labels.tolist(), held(train)) == ([0, 7], expected(A, B))
    assert (test.labels.tolist(), held(test)) == ([7], expected(A))


def test_an_empty_recording_is_a_recording(tmp_path: Path) -> None:
    write_published(tmp_path / "data", {"train": {"3": [[]]}, "test": {"3": [[], B]}})
    train, test = load_nmnist(tmp_path / "data")
    assert (len(train), train.n_events) == (1, 0)
    assert test.starts.tolist() == [0, 0, 1]


def test_the_places_and_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    monkeypatch.setattr("neurosparse.data.nmnist.data_folders", lambda: [one, two])
    with pytest.raises(DataError) as caught:
        load_dataset("nmnist")
    for root in (one, two):
        for name in ("nmnist", "NMNIST", "nmnist-small"):
            assert f"  - {root / name} (no such folder)" in str(caught.value)
    assert "pass folder=, or set NEUROSPARSE_DATA" in str(caught.value)

    write_listed(one / "nmnist-small")
    assert load_dataset("nmnist")[0].name == "nmnist-small"  # says that it is not the whole
    write_published(two / "NMNIST", PUBLISHED)
    assert [len(part) for part in load_dataset("nmnist")] == [3, 1]  # the whole before the subset
    assert [len(part) for part in load_dataset("nmnist-small")] == [2, 1]
    write_published(one / "nmnist", {part: {"1": [B]} for part in ("train", "test")})
    assert [len(part) for part in load_dataset("nmnist")] == [1, 1]
    assert load_nmnist(name="nmnist-small")[0].name == "nmnist-small"
    with pytest.raises(DataError, match="cards: not found"):
        load_nmnist(name="cards")


def test_the_folder_in_the_environment_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_published(tmp_path / "sets" / "gestures", PUBLISHED)
    monkeypatch.setenv("NEUROSPARSE_DATA", str(tmp_path / "sets"))
    with pytest.raises(DataError, match="nmnist: not found"):  # a neighbour is another data set
        load_nmnist()
    monkeypatch.setenv("NEUROSPARSE_DATA", str(tmp_path / "sets" / "gestures"))
    assert load_nmnist()[0].name == "nmnist"


def test_a_folder_tells_what_it_holds(tmp_path: Path) -> None:
    images = load_dataset(write_set(tmp_path / "letters"))[0]
    events = load_dataset(write_published(tmp_path / "saccades", PUBLISHED))[0]
    assert (type(images), images.name) == (ImageDataset, "letters")
    assert (type(events), events.name) == (EventDataset, "saccades")
    assert len(load_dataset(write_listed(tmp_path / "few"), progress=False)[0]) == 2
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="none: no IDX files in it, nor recordings of N-MNIST"):
        load_dataset(tmp_path / "none")
    with pytest.raises(ParameterError, match="nmnist, nmnist-small, or an existing folder"):
        load_dataset("n-mnist")
    with pytest.raises(DataError, match=r"none \(no recordings in it\)\n.*nmnist \(no such folder"):
        load_nmnist(tmp_path / "none")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"train1K": None}, "expected one list train.*txt and one test.*txt"),
        ({"train": "1 0\n"}, "expected one list train"),
        ({"train1K": "#sample #class\n"}, "train1K.txt: lists no recordings"),
        (
            {"train1K": "1 0\n3 1\n4 1\n"},
            r"train1K.txt: 2 of its 3 files are missing \(first: .*3.bs2",
        ),
        ({"train1K": "1 0\n2 10\n"}, "train1K.txt, line 2: label 10; allowed is 0 to 9"),
        ({"test100": "60001 -1\n"}, "test100.txt, line 1: got '60001 -1'; expected a number and"),
        ({"test100": "\n60001\n"}, "test100.txt, line 2: got '60001'"),
        ({"test100": "../1 3\n"}, "got '../1 3'; expected a number and a label"),
        ({"test100": "60001 sieben \u00fc\n"}, r"test100.txt: not a readable list"),
    ],
)
def test_broken_lists_are_named(tmp_path: Path, changes: dict[str, Any], match: str) -> None:
    root = write_listed(tmp_path / "data", **changes)
    with pytest.raises(DataError, match=match):
        load_nmnist(root)


@pytest.mark.parametrize(
    ("parts", "match"),
    [
        (
            {"train": {"0": [A], "10": [A]}, "test": {"0": [A]}},
            "train: class '10' is none of 0, 1, 2",
        ),
        ({"train": {"0": [A]}, "test": {"ten": [A]}}, "test: class 'ten' is none of"),
        ({"train": {"0": [A]}, "test": {"0": []}}, "test/0: no recordings in it"),
        ({"train": {"0": [A]}}, "a folder train, but none called test"),
        ({"train": {"0": [A]}, "test": {"0": [A, [(34, 0, 0, 0)]]}}, "00002.bin: event 0 has x=34"),
        (
            {"train": {"0": [A]}, "test": {"0": [[*A, (0, 34, 0, 1)]]}},
            "00001.bin: event 2 has y=34",
        ),
    ],
)
def test_broken_folders_are_named(tmp_path: Path, parts: dict[str, Any], match: str) -> None:
    write_published(tmp_path / "data", parts)
    with pytest.raises(DataError, match=match):
        load_nmnist(tmp_path / "data")


@pytest.mark.parametrize("layout", ["published", "listed"])
def test_a_truncated_recording_is_named(tmp_path: Path, layout: str) -> None:
    if layout == "published":
        root = write_published(tmp_path / "data", PUBLISHED)
        victim = root / "Train" / "0" / "00002.bin"
    else:
        root = write_listed(tmp_path / "data")
        victim = root / "2.bs2"
    victim.write_bytes(victim.read_bytes()[:-2])
    with pytest.raises(DataError, match=rf"{victim.name}: 3 bytes are no whole number of events"):
        load_nmnist(root)


# ---------------------------------------------------------------------- the real one


@pytest.fixture(scope="module")
def subset_folder(data_dir: Path) -> Path:
    if not (data_dir / "nmnist-small").is_dir():
        pytest.skip("no N-MNIST subset in the data folder")
    return data_dir / "nmnist-small"


@pytest.fixture(scope="module")
def subset(subset_folder: Path) -> tuple[EventDataset, EventDataset]:
    return load_nmnist(subset_folder)


def test_the_subset_itself(subset: tuple[EventDataset, EventDataset]) -> None:
    train, test = subset
    assert (len(train), len(test)) == (1000, 100)
    assert train.n_events + test.n_events == 4_518_827
    counts = np.concatenate([np.diff(part.starts) for part in subset])
    assert (counts.min(), counts.max()) == (1069, 7152)
    assert 336_040 <= max(part.times_us.max() for part in subset) < 336_050


def test_a_recording_of_the_subset_is_what_its_bytes_say(
    subset: tuple[EventDataset, EventDataset], subset_folder: Path
) -> None:
    for data, index, number in ((subset[0], 0, 1), (subset[0], 999, 1000), (subset[1], 3, 60004)):
        content = (subset_folder / f"{number}.bs2").read_bytes()
        assert held(data.take([index])) == flattened(decode_mnist(content), SHAPE)


def test_labels_of_the_subset_are_those_of_mnist(
    subset: tuple[EventDataset, EventDataset], data_dir: Path
) -> None:
    if not (data_dir / "mnist").is_dir():
        pytest.skip("no MNIST in the data folder")
    for events, images in zip(subset, load_dataset(data_dir / "mnist"), strict=True):
        np.testing.assert_array_equal(events.labels, images.labels[: len(events)])
