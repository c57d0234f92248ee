"""Files of recordings and folders of them, against a decoder written from the description."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosparse.data import EventDataset, load_event_folder
from neurosparse.data.event_files import event_reader
from neurosparse.errors import BackendMissingError, DataError, ParameterError, ShapeError
from tests.data.event_writers import (
    SHAPE,
    Event,
    aedat4_bytes,
    decode_mnist,
    flattened,
    mnist_bytes,
    needs_aedat,
    needs_tonic,
    write_published,
)

pytestmark = needs_tonic

ONE: list[Event] = [(1, 2, 30, 1), (6, 4, 35, 0)]
OTHER: list[Event] = [(0, 0, 5, 0)]


def rows(events: Any) -> list[Event]:
    fields = (events[name].tolist() for name in ("x", "y", "t", "p"))
    return list(zip(*fields, strict=True))


def expected(*recordings: list[Event]) -> list[tuple[int, int]]:
    return [event for recording in recordings for event in flattened(recording, SHAPE)]


def held(data: EventDataset) -> list[tuple[int, int]]:
    return list(zip(data.times_us.tolist(), data.addresses.tolist(), strict=True))


# ---------------------------------------------------------------------- files


# y = 240 is no pixel but says that the clock has overflowed
ANY_MNIST = st.tuples(
    st.integers(0, 255),
    st.integers(0, 239),
    st.integers(0, 2**23 - 1),
    st.integers(0, 1),
)


@given(st.lists(ANY_MNIST, max_size=30), st.sampled_from([".bin", ".bs2"]))
def test_n_mnist_files_are_read_as_described(
    tmp_path_factory: pytest.TempPathFactory, recording: list[Event], suffix: str
) -> None:
    path = tmp_path_factory.mktemp("file") / f"1{suffix}"
    content = mnist_bytes(recording)
    assert decode_mnist(content) == recording
    path.write_bytes(content)
    assert rows(event_reader(suffix)(path)) == recording


@needs_aedat
@given(st.lists(st.lists(ANY_MNIST, max_size=9), min_size=1, max_size=3))
def test_aedat_4_is_read_as_described(
    tmp_path_factory: pytest.TempPathFactory, packets: list[list[Event]]
) -> None:
    path = tmp_path_factory.mktemp("file") / "1.aedat4"
    now = 1_700_000_000_000_000  # microseconds since 1970
    path.write_bytes(aedat4_bytes([(x, y, now + t, p) for x, y, t, p in each] for each in packets))
    together = [event for each in packets for event in each]
    begin = min((t for _, _, t, _ in together), default=0)
    found = rows(event_reader(".aedat4")(path))
    assert found == [(x, y, t - begin, p) for x, y, t, p in together]


@pytest.mark.parametrize("n_bytes", [1, 4, 6, 14])
def test_a_truncated_file_is_named(tmp_path: Path, n_bytes: int) -> None:
    path = tmp_path / "00001.bin"
    path.write_bytes(mnist_bytes(ONE * 2)[:n_bytes])
    with pytest.raises(DataError, match=rf"00001.bin: {n_bytes} bytes are no whole number of eve"):
        event_reader(".bin")(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"00001.bin: not a readable file"):
        event_reader(".bin")(tmp_path / "00001.bin")


@needs_aedat
@pytest.mark.parametrize("content", [b"", b"#!AER-DAT2.0\r\n", b"junk" * 99, "cut", "no events"])
def test_damaged_aedat_is_named(tmp_path: Path, content: Any) -> None:
    whole = aedat4_bytes([ONE])
    contents = {"cut": whole[:-1], "no events": aedat4_bytes([])}
    path = tmp_path / "a.aedat4"
    path.write_bytes(contents.get(content, content))
    with pytest.raises(DataError, match=r"a.aedat4: not a readable AEDAT 4 file with events"):
        event_reader(".aedat4")(path)


def test_missing_packages_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "aedat", None)
    event_reader(".bin")
    with pytest.raises(BackendMissingError, match=r"pip install 'neurosparse\[events\]'"):
        event_reader(".aedat4")
    monkeypatch.setitem(sys.modules, "tonic", None)
    write_published(tmp_path, {"train": {"a": [ONE]}, "test": {"a": [ONE]}})
    with pytest.raises(BackendMissingError, match=r"pip install --no-deps tonic==1\.7\.0"):
        load_event_folder(tmp_path, SHAPE)


def test_what_was_imported_before_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def read(file: Any, dtype: Any, *, is_stream: bool) -> Any:
        asked.append((file.read(), is_stream))
        return np.empty(0, dtype)

    loaded = types.ModuleType("tonic.io")
    loaded.read_mnist_file = read  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tonic.io", loaded)
    (tmp_path / "a.bin").write_bytes(bytes(5))
    event_reader(".bin")(tmp_path / "a.bin")
    assert asked == [(bytes(5), True)]


def test_reading_imports_neither_torch_nor_the_rest_of_tonic(tmp_path: Path) -> None:
    write_published(tmp_path, {"train": {"a": [ONE]}, "test": {"a": [ONE]}})
    code = (
        "import sys, neurosparse.data as data; before = set(sys.modules); "
        f"data.load_event_folder({str(tmp_path)!r}, {SHAPE}); "
        "print(before | set(sys.modules), before, sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after, before = done.stdout.splitlines()
    for name in ("torch", "tonic", "tonic.io", "librosa", "sklearn", "matplotlib"):
        assert f"'{name}'" not in after
    assert "tonic" not in before
    assert "numba" not in before


# ---------------------------------------------------------------------- folders


def test_classes_are_labels_in_order_of_their_names(tmp_path: Path) -> None:
    write_published(
        tmp_path / "cards",
        {"Train": {"hearts": [ONE, []], "clubs": [OTHER]}, "TEST": {"hearts": [OTHER, ONE]}},
    )
    (tmp_path / "cards" / "Train" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "cards" / "Train" / "hearts" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "cards" / "TEST" / ".hidden").mkdir()
    train, test = load_event_folder(tmp_path / "cards", SHAPE)
    assert (train.name, train.shape, train.n_classes, test.n_classes) == ("cards", SHAPE, 2, 2)
    assert train.labels.tolist() == [1, 0, 1]
    assert held(train) == expected(ONE, OTHER, [])
    assert train.starts.tolist() == [0, 2, 3, 3]
    assert test.labels.tolist() == [1, 1]
    assert held(test) == expected(OTHER, ONE)


def test_numbers_are_ordered_as_numbers_or_as_asked(tmp_path: Path) -> None:
    parts = {part: {"10": [ONE], "9": [OTHER]} for part in ("train", "test")}
    write_published(tmp_path, parts)
    train, _ = load_event_folder(tmp_path, SHAPE, name="numbers")
    assert (train.name, held(train)) == ("numbers", expected(OTHER, ONE))
    train, _ = load_event_folder(tmp_path, SHAPE, classes=["10", "none", "9"])
    assert (train.labels.tolist(), train.n_classes) == ([0, 2], 3)
    assert held(train) == expected(ONE, OTHER)


def test_the_first_recordings_have_every_class_in_its_share(tmp_path: Path) -> None:
    sizes = {"0": 40, "1": 20, "7": 20, "9": 10}
    whole = {
        digit: [[(k % 7, k // 7 % 5, k, 0)] for k in range(size)] for digit, size in sizes.items()
    }
    few = {digit: recordings[:2] for digit, recordings in whole.items()}
    write_published(tmp_path, {"Train": whole, "Test": few})
    train, test = load_event_folder(tmp_path, SHAPE, classes="0123456789")
    assert np.bincount(train.labels[:9], minlength=10).tolist() == [4, 2, 0, 0, 0, 0, 0, 2, 0, 1]
    for n in range(1, len(train)):  # off by less than one recording, whatever the number
        of_class = np.bincount(train.labels[:n], minlength=10)
        for digit, size in sizes.items():
            assert abs(of_class[int(digit)] - n * size / 90) <= 1.0, (n, digit)
    for digit, size in sizes.items():  # within a class in the order of the names
        of_digit = train.take(np.flatnonzero(train.labels == int(digit)))
        assert of_digit.times_us.tolist() == list(range(size))
    assert test.labels.tolist() == [0, 1, 7, 9] * 2


def test_without_train_and_test_a_part_is_held_out(tmp_path: Path) -> None:
    for label in "ab":
        for k in range(5):
            path = tmp_path / label / f"{k}.bs2"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(mnist_bytes([(k, 0, 0, 0)]))
    train, test = load_event_folder(tmp_path, SHAPE, seed=3)
    assert np.bincount(train.labels).tolist() == [4, 4]
    assert np.bincount(test.labels).tolist() == [1, 1]
    assert sorted(held(train) + held(test)) == sorted([(0, k) for k in range(5)] * 2)
    again = load_event_folder(tmp_path, SHAPE, seed=3)[1]
    assert held(again) == held(test)
    assert len(load_event_folder(tmp_path, SHAPE, held_out=3)[1]) == 3


@needs_aedat
def test_a_folder_of_aedat_4(tmp_path: Path) -> None:
    for part in ("train", "test"):
        (tmp_path / part / "a").mkdir(parents=True)
        later = [(x, y, t + 10**15, p) for x, y, t, p in reversed(ONE)]
        (tmp_path / part / "a" / "1.AEDAT4").write_bytes(aedat4_bytes([later]))
    train, _ = load_event_folder(tmp_path, SHAPE)
    assert held(train) == expected([(x, y, t - 30, p) for x, y, t, p in ONE])


def test_times_out_of_order_are_sorted_stably(tmp_path: Path) -> None:
    recording = [(6, 0, 9, 0), (5, 0, 9, 0), (4, 0, 1, 0), (3, 0, 9, 0), (2, 0, 1, 0)]
    write_published(tmp_path, {part: {"a": [recording]} for part in ("train", "test")})
    assert held(load_event_folder(tmp_path, SHAPE)[0]) == [(1, 4), (1, 2), (9, 6), (9, 5), (9, 3)]


def test_progress_goes_to_stderr_where_there_is_tqdm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_published(tmp_path, {part: {"a": [ONE]} for part in ("train", "test")})
    load_event_folder(tmp_path, SHAPE)
    assert capsys.readouterr().err == ""
    pytest.importorskip("tqdm")
    load_event_folder(tmp_path, SHAPE, name="cards", progress=True)
    assert "reading cards: 100%" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert len(load_event_folder(tmp_path, SHAPE, progress=True)[0]) == 1
    assert capsys.readouterr().err == ""


def _remove(path: Path) -> None:
    for each in path.iterdir():
        each.unlink()
    path.rmdir()


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (lambda root: _remove(root / "test" / "a"), "test: no class folders in it"),
        (lambda root: (root / "train" / "b").mkdir(), "train/b: no recordings in it"),
        (lambda root: (root / "train" / "a" / "x").mkdir(), "train/a/x: not a file of events; a c"),
        (
            lambda root: (root / "train" / "a" / "read.me").touch(),
            r"read.me: not a file of events; a class folder holds .bin, .bs2, .aedat4 only",
        ),
        (
            lambda root: (root / "train" / "a" / "2.aedat4").touch(),
            r"cards: files of \.aedat4 and \.bin; expected one format",
        ),
        (
            lambda root: write_published(root, {"test": {"b": [ONE]}}),
            r"test: class 'b' is none of a",
        ),
        (
            lambda root: (root / "test" / "a" / "2.bin").write_bytes(
                mnist_bytes([*ONE, (7, 0, 0, 0)])
            ),
            r"test/a/2.bin: event 2 has x=7; allowed is 0 to 6",
        ),
        (
            lambda root: (root / "test" / "a" / "2.bin").write_bytes(mnist_bytes([(0, 5, 0, 0)])),
            r"test/a/2.bin: event 0 has y=5; allowed is 0 to 4",
        ),
        (
            lambda root: (root / "test" / "a" / "2.bin").write_bytes(bytes(7)),
            r"test/a/2.bin: 7 bytes are no whole number of events",
        ),
    ],
)
def test_damaged_folders_are_named(tmp_path: Path, damage: Any, match: str) -> None:
    root = write_published(tmp_path / "cards", {p: {"a": [ONE]} for p in ("train", "test")})
    assert len(load_event_folder(root, SHAPE)[1]) == 1
    damage(root)
    with pytest.raises(DataError, match=match):
        load_event_folder(root, SHAPE)


def test_a_missing_part_or_folder_is_named(tmp_path: Path) -> None:
    write_published(tmp_path, {"Train": {"a": [ONE]}})
    with pytest.raises(DataError, match="there is a folder train, but none called test"):
        load_event_folder(tmp_path, SHAPE)
    with pytest.raises(DataError, match="nowhere: no such folder"):
        load_event_folder(tmp_path / "nowhere", SHAPE)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: no class folders in it"):
        load_event_folder(tmp_path / "empty", SHAPE)
    with pytest.raises(ShapeError, match=r"expected \(polarities, height, width\)"):
        load_event_folder(tmp_path, (5, 7))  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="held_out: got"):
        load_event_folder(tmp_path / "Train", SHAPE, held_out=1.0)
