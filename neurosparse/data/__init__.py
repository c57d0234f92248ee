"""Data sets and their encodings: digits, the MNIST family, event cameras; spikes and currents."""

from neurosparse.data.augmentation import RandomShift
from neurosparse.data.dataset import ImageDataset
from neurosparse.data.digits import load_digits
from neurosparse.data.encodings import EVALUATION_SEED, Encoding
from neurosparse.data.event_batch import EventBatch
from neurosparse.data.event_dataset import EventDataset
from neurosparse.data.event_folders import load_event_folder
from neurosparse.data.idx import load_idx
from neurosparse.data.image_encodings import current, latency, rate
from neurosparse.data.labelled import LabelledDataset
from neurosparse.data.loading import load_dataset
from neurosparse.data.nmnist import load_nmnist
from neurosparse.data.places import find_data

__all__ = [
    "EVALUATION_SEED",
    "Encoding",
    "EventBatch",
    "EventDataset",
    "ImageDataset",
    "LabelledDataset",
    "RandomShift",
    "current",
    "find_data",
    "latency",
    "load_dataset",
    "load_digits",
    "load_event_folder",
    "load_idx",
    "load_nmnist",
    "rate",
]
