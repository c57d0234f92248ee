"""IDX files: where they are sought, and what is said of broken ones."""

import gzip
import struct

import numpy as np
import pytest

from neurosparse.data import load_dataset, load_idx
from neurosparse.data.idx import read_idx
from neurosparse.errors import DataError

PARTS = {"train": 5, "t10k": 3}


def image_bytes(n, height=4, width=3, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (n, height, width), dtype=np.uint8)
    return struct.pack(">IIII", 0x803, n, height, width) + pixels.tobytes()


def label_bytes(labels):
    return struct.pack(">II", 0x801, len(labels)) + bytes(labels)


def write_set(folder, joint="-", zipped=False, **contents):
    """Write four small files; ``contents`` replaces some by stem, e.g. train_images=b''."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, n in PARTS.items():
        for kind, rank, content in (
            ("images", 3, image_bytes(n)),
            ("labels", 1, label_bytes([k % 10 for k in range(n)])),
        ):
            content = contents.get(f"{part}_{kind}", content)
            if content is None:
                continue
            name = f"{part}-{kind}{joint}idx{rank}-ubyte" + (".gz" if zipped else "")
            (folder / name).write_bytes(gzip.compress(content) if zipped else content)
    return folder


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """Keep the tests away from data sets that happen to lie around."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.delenv("NEUROSPARSE_DATA", raising=False)


@pytest.mark.parametrize("joint", ["-", "."])
@pytest.mark.parametrize("zipped", [False, True])
def test_both_spellings_plain_and_compressed(tmp_path, joint, zipped):
    train, test = load_idx(write_set(tmp_path / "set", joint, zipped))
    assert (len(train), len(test), train.shape, train.n_classes) == (5, 3, (4, 3), 10)
    pixels = np.frombuffer(image_bytes(5), np.uint8, offset=16).reshape(5, 12)
    np.testing.assert_array_equal(np.rint(train.images * 255).astype(np.uint8), pixels)
    assert test.labels.tolist() == [0, 1, 2]


def test_the_folder_given_wins_and_is_the_only_place(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROSPARSE_DATA", str(write_set(tmp_path / "env")))
    assert len(load_idx(write_set(tmp_path / "mine" / "mnist").parent)[0]) == 5
    with pytest.raises(DataError) as caught:
        load_idx(tmp_path / "typo")
    assert str(tmp_path / "env") not in str(caught.value)


@pytest.mark.parametrize("below", ["", "mnist"])
def test_the_environment_names_the_folder_or_its_parent(tmp_path, monkeypatch, below):
    write_set(tmp_path / "env" / below)
    monkeypatch.setenv("NEUROSPARSE_DATA", str(tmp_path / "env"))
    assert len(load_dataset("mnist")[0]) == 5


def test_then_the_shared_folder_beside_the_current_one(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROSPARSE_DATA", str(tmp_path / "empty"))
    write_set(tmp_path / "shared" / "data" / "fashion-mnist")
    assert load_dataset("fashion-mnist")[1].name == "fashion-mnist"


def test_nothing_found_says_everywhere_it_looked(tmp_path, monkeypatch):
    (tmp_path / "env").mkdir()
    monkeypatch.setenv("NEUROSPARSE_DATA", str(tmp_path / "env"))
    with pytest.raises(DataError) as caught:
        load_idx(name="no-such-set")
    message = str(caught.value)
    assert message.startswith("no-such-set: no IDX files found (train-images-idx3-ubyte")
    assert f"{tmp_path / 'env' / 'no-such-set'} (no such folder)" in message
    assert f"{tmp_path / 'env'} (no IDX files in it)" in message
    assert f"{tmp_path / 'shared' / 'data' / 'no-such-set'} (no such folder)" in message
    assert "NEUROSPARSE_DATA" in message


def test_a_folder_of_another_name_may_have_more_classes(tmp_path):
    write_set(tmp_path / "letters", train_labels=label_bytes([1, 26, 3, 4, 5]))
    assert load_dataset(tmp_path / "letters")[0].n_classes == 27
    write_set(tmp_path / "mnist", train_labels=label_bytes([1, 26, 3, 4, 5]))
    with pytest.raises(DataError, match="label 26 found; mnist has labels 0 to 9"):
        load_dataset(tmp_path / "mnist")


@pytest.mark.parametrize(
    ("contents", "match"),
    [
        (
            {"train_images": image_bytes(5)[:30]},
            r"train-images-idx3-ubyte: expected 76 bytes, got 30",
        ),
        ({"train_images": image_bytes(5) + b"x"}, "expected 76 bytes, got more"),
        ({"train_images": b""}, "expected a header of 16 bytes, got 0"),
        ({"train_images": image_bytes(5)[:9]}, "expected a header of 16 bytes, got 9"),
        (
            {"train_images": label_bytes([1] * 9)},
            "magic number 0x00000801; expected 0x00000803 .IDX images of unsigned bytes",
        ),
        ({"t10k_labels": image_bytes(3)}, "magic number 0x00000803; expected 0x00000801 .IDX lab"),
        ({"t10k_labels": b"PK\3\4abcdefgh"}, "magic number 0x504b0304"),
        ({"train_images": struct.pack(">IIII", 0x803, 5, 0, 3)}, r"header says \[5, 0, 3\]"),
        (
            {"train_images": struct.pack(">IIII", 0x803, *[0xFFFFFFFF] * 3) + b"abc"},
            "expected 79228162458924105385300197391 bytes, got 19",
        ),
        (
            {"train_labels": label_bytes([0] * 4)},
            "5 images in train-images.* but 4 labels in train-l",
        ),
        (
            {"t10k_images": image_bytes(3, 5, 3)},
            r"train images are \(4, 3\) pixels, test images \(5",
        ),
        ({"t10k_labels": None}, "t10k-labels-idx1-ubyte .or .gz. is missing"),
    ],
)
@pytest.mark.parametrize("zipped", [False, True])
def test_broken_files_are_named(tmp_path, contents, match, zipped):
    write_set(tmp_path / "set", zipped=zipped, **contents)
    with pytest.raises(DataError, match=match.replace("ubyte:", "ubyte(.gz)?:")):
        load_idx(tmp_path / "set")


@pytest.mark.parametrize("damage", ["cut", "checksum", "plain"])
def test_damaged_compression(tmp_path, damage):
    folder = write_set(tmp_path / "set", zipped=True)
    path = folder / "train-images-idx3-ubyte.gz"
    content = bytearray(path.read_bytes())
    if damage == "cut":
        content = content[:-12]
    elif damage == "checksum":
        content[-6] ^= 0xFF
    else:
        content = bytearray(image_bytes(5))
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"ubyte.gz: not a readable gzip file \(truncated or dam"):
        load_idx(folder)


@pytest.mark.parametrize("zipped", [False, True])
def test_no_flipped_bit_goes_unnoticed_where_there_is_a_checksum(tmp_path, zipped):
    path = tmp_path / ("images.gz" if zipped else "images")
    good = gzip.compress(image_bytes(2), mtime=0) if zipped else image_bytes(2)
    path.write_bytes(good)
    expected = read_idx(path, 3)
    # a plain file has none: there only its header can be judged
    for position in range(len(good) if zipped else 16):
        path.write_bytes(bytes(byte ^ (4 if k == position else 0) for k, byte in enumerate(good)))
        try:
            got = read_idx(path, 3)
        except DataError:
            continue
        assert zipped, f"byte {position} of the header was not checked"
        np.testing.assert_array_equal(got, expected)


def test_a_folder_in_place_of_a_file(tmp_path):
    with pytest.raises(DataError, match="not a readable file"):
        read_idx(tmp_path, 3)


def test_mnist_itself(data_dir):
    if not (data_dir / "mnist").is_dir():
        pytest.skip("no MNIST in the data folder")
    train, test = load_idx(data_dir / "mnist")
    assert (len(train), len(test), train.shape) == (60000, 10000, (28, 28))
    # published class sizes of the test set
    assert np.bincount(test.labels).tolist() == [
        980,
        1135,
        1032,
        1010,
        982,
        892,
        958,
        1028,
        974,
        1009,
    ]
    assert train.images.mean(dtype=np.float64) == pytest.approx(0.1307, abs=5e-5)
