"""Training: sparse layers, surrogate gradients, rewiring while learning, baselines (torch)."""

import os as _os

# torch and numba have a thread pool each. By default idle threads spin, and on few cores one pool's
# waiting keeps the other's work from running: training gets several times slower. This has to be
# set before torch is loaded.
_os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

try:
    import torch as _torch  # noqa: F401
    import tqdm as _tqdm  # noqa: F401
except ImportError as error:
    from neurosparse.errors import BackendMissingError

    raise BackendMissingError(
        f"neurosparse.train needs {error.name}, which is not installed; pip install "
        "'neurosparse[train]' (on Linux take torch 2.13.0 from its CPU index, or pip fetches CUDA)"
    ) from error

from neurosparse.train.activity import RateTarget, Regularizer, synaptic_events
from neurosparse.train.ann import dense_ann, sparse_ann
from neurosparse.train.attach import attach
from neurosparse.train.batches import predict
from neurosparse.train.checkpoint import load_checkpoint, save_checkpoint
from neurosparse.train.classifier import SpikingClassifier, dense_classifier, sparse_classifier
from neurosparse.train.compaction import compact_model
from neurosparse.train.dropout import add_dropout
from neurosparse.train.fit import fit
from neurosparse.train.history import Epoch, History
from neurosparse.train.integer_grid import NetworkGrid, on_grid
from neurosparse.train.lif import LIFLayer
from neurosparse.train.logs import CsvLog, TensorBoardLog
from neurosparse.train.masked_linear import MaskedLinear, mask_layers, unmask_layers
from neurosparse.train.masker import Masker
from neurosparse.train.objective import Assessment, Batch, Objective
from neurosparse.train.packed import PackedSpikes
from neurosparse.train.presets import PRESETS, Preset, find_preset
from neurosparse.train.regularizers import L1, L2, WeightRegularizer
from neurosparse.train.rewire import Rewirer
from neurosparse.train.robustness import (
    FGSM,
    MART,
    PGD,
    TRADES,
    AdversarialTraining,
    Attack,
    Robustness,
    add_noise,
    adversarial_images,
    encode_images,
    evaluate_robustness,
    lose_synapses,
    robust_accuracy,
)
from neurosparse.train.snntorch_twin import SnnTorchClassifier
from neurosparse.train.sparse_linear import SparseLinear
from neurosparse.train.spiking_layer import SpikingLayer
from neurosparse.train.structured import arrange_in_blocks, firing_rates, prune_neurons, wiring_of
from neurosparse.train.surrogate import Surrogate, atan, boxcar, fast_sigmoid, triangle

__all__ = [
    "FGSM",
    "L1",
    "L2",
    "MART",
    "PGD",
    "PRESETS",
    "TRADES",
    "AdversarialTraining",
    "Assessment",
    "Attack",
    "Batch",
    "CsvLog",
    "Epoch",
    "History",
    "LIFLayer",
    "MaskedLinear",
    "Masker",
    "NetworkGrid",
    "Objective",
    "PackedSpikes",
    "Preset",
    "RateTarget",
    "Regularizer",
    "Rewirer",
    "Robustness",
    "SnnTorchClassifier",
    "SparseLinear",
    "SpikingClassifier",
    "SpikingLayer",
    "Surrogate",
    "TensorBoardLog",
    "WeightRegularizer",
    "add_dropout",
    "add_noise",
    "adversarial_images",
    "arrange_in_blocks",
    "atan",
    "attach",
    "boxcar",
    "compact_model",
    "dense_ann",
    "dense_classifier",
    "encode_images",
    "evaluate_robustness",
    "fast_sigmoid",
    "find_preset",
    "firing_rates",
    "fit",
    "load_checkpoint",
    "lose_synapses",
    "mask_layers",
    "on_grid",
    "predict",
    "prune_neurons",
    "robust_accuracy",
    "save_checkpoint",
    "sparse_ann",
    "sparse_classifier",
    "synaptic_events",
    "triangle",
    "unmask_layers",
    "wiring_of",
]
