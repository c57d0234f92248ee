"""scikit-learn's digits and data sets by name."""

import sys

import numpy as np
import pytest

from neurosparse.data import load_dataset, load_digits
from neurosparse.errors import BackendMissingError, DataError, ParameterError


def test_the_split_is_stratified_and_repeats():
    train, test = load_digits()
    assert (len(train), len(test)) == (1438, 359)
    assert (train.shape, train.n_classes, train.name) == ((8, 8), 10, "digits")
    for part in (train, test):
        assert part.images.min() == 0
        assert part.images.max() == 1
    share = np.bincount(test.labels) / np.bincount(np.r_[train.labels, test.labels])
    np.testing.assert_allclose(share, 359 / 1797, atol=1 / 174)  # 174 in the smallest class
    again = load_digits(0)
    np.testing.assert_array_equal(again[1].images, test.images)
    assert not np.array_equal(load_digits(1)[1].images, test.images)


def test_train_and_test_are_the_whole():
    from sklearn.datasets import load_digits as raw_digits

    raw = raw_digits()
    rows = np.concatenate([part.images for part in load_digits(3)])
    assert sorted(map(bytes, (rows * 16).astype(np.uint8))) == sorted(
        map(bytes, raw.data.astype(np.uint8))
    )


def test_missing_scikit_learn_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(BackendMissingError, match=r"pip install 'neurosparse\[data\]'"):
        load_digits()


def test_by_name(tmp_path, monkeypatch):
    np.testing.assert_array_equal(
        load_dataset("digits", seed=4)[1].labels, load_digits(4)[1].labels
    )
    monkeypatch.setenv("NEUROSPARSE_DATA", str(tmp_path))
    with pytest.raises(DataError, match="fashion-mnist: no IDX files found"):
        load_dataset("fashion-mnist")
    with pytest.raises(ParameterError, match="got 'cifar'; allowed is digits, mnist, fashion-mn"):
        load_dataset("cifar")
    with pytest.raises(DataError, match="no IDX files in it"):
        load_dataset(tmp_path)
