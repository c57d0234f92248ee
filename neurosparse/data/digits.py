"""The handwritten digits that come with scikit-learn: real images without a download."""

from __future__ import annotations

import numpy as np

from neurosparse.data.dataset import ImageDataset
from neurosparse.errors import BackendMissingError

__all__ = ["load_digits"]

_WHITE = 16  # scikit-learn's pixels count the 4x4 dots that are set


def load_digits(seed: int = 0, *, held_out: float | int = 0.2) -> tuple[ImageDataset, ImageDataset]:
    """Load the 1797 handwritten digits of scikit-learn, 8x8 pixels, ten classes.

    Parameters
    ----------
    seed : int
        Of the split; the same seed gives the same split.
    held_out : float or int
        Share or number of the images in the test set; the default gives 359.

    Returns
    -------
    train, test : ImageDataset
        Disjoint, each class with its share in both.

    Raises
    ------
    BackendMissingError
        If scikit-learn is not installed.

    References
    ----------
    E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository, 1998, doi:10.24432/C50P49 (its test part).
    """
    try:
        from sklearn.datasets import load_digits as sklearn_digits
    except ImportError as error:
        raise BackendMissingError(
            "digits: scikit-learn, which holds these images, is not installed; "
            "run: pip install 'neurosparse[data]'"
        ) from error
    raw = sklearn_digits()
    images = raw.data.astype(np.float32) / np.float32(_WHITE)
    whole = ImageDataset("digits", images, raw.target.astype(np.int64), n_classes=10, shape=(8, 8))
    return whole.split(held_out, np.random.default_rng(seed))
