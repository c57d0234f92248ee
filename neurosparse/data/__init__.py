"""Data sets and their encodings: scikit-learn digits, the MNIST family, spikes and currents."""

from neurosparse.data.dataset import ImageDataset
from neurosparse.data.digits import load_digits
from neurosparse.data.encodings import EVALUATION_SEED, Encoding, current, latency, rate
from neurosparse.data.idx import load_idx
from neurosparse.data.loading import load_dataset
from neurosparse.data.places import find_data

__all__ = [
    "EVALUATION_SEED",
    "Encoding",
    "ImageDataset",
    "current",
    "find_data",
    "latency",
    "load_dataset",
    "load_digits",
    "load_idx",
    "rate",
]
