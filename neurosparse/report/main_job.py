"""The main job, end to end: train, simulate, export, run in Lava, compare."""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.compare import (
    Comparison,
    Evaluation,
    LavaOutcome,
    ModelCost,
    check_dataset_in_lava,
    estimate_energy,
    evaluate_dataset,
    measure_ann,
    measure_network,
)
from neurosparse.data import Encoding, ImageDataset, load_dataset
from neurosparse.errors import BackendMissingError, ParameterError
from neurosparse.loihi import (
    Quantisation,
    lava_available,
    quantise,
    write_bundle,
)
from neurosparse.loihi.bundle import Tag
from neurosparse.loihi.lava import INSTALL_LAVA
from neurosparse.network import Network
from neurosparse.simulate import Run, simulate
from neurosparse.train import History, Preset, dense_ann, find_preset, fit
from neurosparse.train.presets import VALID_SHARE

__all__ = ["MainJob", "run_main_job"]


@dataclass(frozen=True)
class MainJob:
    """Everything the report shows.

    Parameters
    ----------
    dataset : str
        Name of the data set.
    seed : int
        Of splits, weights, topology, shuffling, encoding and rewiring.
    preset : Preset
        Shapes and settings.
    train, valid, test : ImageDataset
        The three parts; ``test`` was never used for a choice.
    histories : dict of str to History
        By model: ``dense_ann``, ``dense_snn``, ``sparse_snn``.
    before, network : Network
        The sparse network before and after training.
    dense_network : Network
        The dense spiking twin.
    quantisation : Quantisation
        The sparse network in integers.
    fixed : Evaluation
        Of the integer network on the whole test set.
    comparison : Comparison
        The three models, with energy at 45 nm.
    loihi_energy : dict of str to ModelCost
        The spiking models, with energy on Loihi 1.
    lava : dict of Tag to LavaOutcome
        Empty where Lava was left out.
    sample : Run
        One test sample through the sparse network.
    sample_label, sample_prediction : int
        What it shows and what the network says.
    """

    dataset: str
    seed: int
    preset: Preset
    train: ImageDataset
    valid: ImageDataset
    test: ImageDataset
    histories: dict[str, History]
    before: Network
    network: Network
    dense_network: Network
    quantisation: Quantisation
    fixed: Evaluation
    comparison: Comparison
    loihi_energy: dict[str, ModelCost]
    lava: dict[Tag, LavaOutcome]
    sample: Run
    sample_label: int
    sample_prediction: int

    @property
    def metadata(self) -> dict[str, Any]:
        """Notes to save beside the network, so that it can be fed the right way later."""
        return _metadata(self.dataset, self.preset, self.seed)


def run_main_job(
    dataset: str = "digits",
    *,
    out: str | PathLike[str],
    seed: int = 0,
    epochs: int | None = None,
    lava_samples: int = 50,
    interpreter: str | PathLike[str] | None = None,
    timeout_s: float = 600.0,
    progress: bool = True,
) -> MainJob:
    """Train three models, simulate them on the test set, export one and run it in Lava.

    Parameters
    ----------
    dataset : str
        See `neurosparse.data.load_dataset`.
    out : path
        Folder for ``network.npz`` and the Lava bundle.
    seed : int
        The same seed gives the same result.
    epochs : int, optional
        Default: the preset's.
    lava_samples : int
        Test samples to run in Lava, in both of its models; 0 leaves Lava out.
    interpreter : path, optional
        Python with lava-nc; default the current one.
    timeout_s : float [s]
        Limit of each run in Lava.
    progress : bool
        Show progress on stderr.

    Returns
    -------
    MainJob

    Raises
    ------
    BackendMissingError
        If Lava is wanted and missing; before anything is trained.
    NeurosparseError
        What the parts raise.
    """
    if lava_samples and not lava_available(interpreter):
        raise BackendMissingError(
            f"Lava is not installed in {interpreter or 'this interpreter'}; install it with "
            f"{INSTALL_LAVA}, or leave it out (--lava-samples 0)"
        )
    learn, test = load_dataset(dataset, seed=seed, progress=progress)
    if not (isinstance(learn, ImageDataset) and isinstance(test, ImageDataset)):
        raise ParameterError(
            f"data set: got {dataset!r}, which holds events; the main job trains a dense ANN on "
            "images too. Train and simulate on events with neurosparse train and simulate"
        )
    preset = find_preset(learn.n_inputs)
    train, valid = learn.split(VALID_SHARE, np.random.default_rng(seed))
    # the learning rate is annealed to zero: keep the last epoch, choose nothing by accuracy
    common: dict[str, Any] = {"valid": valid, "seed": seed, "keep": "last", "progress": progress}

    ann = dense_ann(preset.sizes, rng=seed)
    dense = preset.dense_model(seed)
    sparse = preset.sparse_model(seed)
    before = sparse.to_network()
    spiking = common | {"encoding": preset.encoding}
    histories = {
        "dense_ann": fit(ann, train, **common, **preset.fit_options(0, epochs), name="dense ANN"),
        "dense_snn": fit(
            dense, train, **spiking, **preset.fit_options(1, epochs), name="dense SNN"
        ),
        "sparse_snn": fit(
            sparse,
            train,
            **spiking,
            **preset.fit_options(2, epochs),
            scheme=preset.scheme(),
            name="sparse SNN (DEEP R)",
        ),
    }
    network, dense_network = sparse.to_network(), dense.to_network()
    costs = [
        measure_ann("dense_ann", ann, test),
        measure_network("dense_snn", dense_network, test, preset.encoding),
        measure_network("sparse_snn", network, test, preset.encoding),
    ]
    quantisation = quantise(network)
    fixed = evaluate_dataset(
        quantisation.network, test, preset.encoding, scale=quantisation.scales["input"]
    )
    bundle = write_bundle(
        Path(out) / "bundle", network, quantisation, _metadata(dataset, preset, seed)
    )
    lava = {
        tag: check_dataset_in_lava(
            bundle,
            tag,
            test.take(np.arange(lava_samples)),
            preset.encoding,
            interpreter=interpreter,
            timeout_s=timeout_s,
        )
        for tag in ("floating_pt", "fixed_pt")
        if lava_samples
    }
    first = test.take(np.array([0]))
    sample = simulate(
        network,
        {"input": _stream(first, preset.encoding)},
        preset.encoding.n_steps + network.latency,
        reset_every=preset.encoding.n_steps,
    )
    job = MainJob(
        dataset=dataset,
        seed=seed,
        preset=preset if epochs is None else replace(preset, epochs=epochs),
        train=train,
        valid=valid,
        test=test,
        histories=histories,
        before=before,
        network=network,
        dense_network=dense_network,
        quantisation=quantisation,
        fixed=fixed,
        comparison=Comparison(
            tuple(cost.with_energy(estimate_energy(cost, "cmos-45nm")) for cost in costs)
        ),
        loihi_energy={
            cost.name: cost.with_energy(estimate_energy(cost, "loihi1")) for cost in costs[1:]
        },
        lava=lava,  # type: ignore[arg-type]
        sample=sample,
        sample_label=int(first.labels[0]),
        sample_prediction=int(evaluate_dataset(network, first, preset.encoding).predictions[0]),
    )
    network.save(Path(out) / "network.npz", job.metadata)
    return job


def _metadata(dataset: str, preset: Preset, seed: int) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "encoding": preset.encoding.to_dict(),
        "seed": seed,
        "scheme": preset.scheme().name,
    }


def _stream(data: ImageDataset, encoding: Encoding) -> NDArray[Any]:
    """Encode samples back to back, (n_samples * n_steps, n_pixels)."""
    encoded = encoding.encode(data.samples(), np.random.default_rng(0))
    return np.ascontiguousarray(encoded.swapaxes(0, 1)).reshape(-1, encoded.shape[2])
