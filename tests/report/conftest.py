"""One small job for all tests of the report: two epochs on digits, Lava's part played by us."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from neurosparse.compare import LavaOutcome
from neurosparse.loihi import LavaRun, ParityCheck, compare_spikes, compare_traces
from neurosparse.network import Spikes
from neurosparse.report import MainJob, run_main_job
from neurosparse.simulate import simulate

N_SAMPLES = 3


@pytest.fixture(scope="session")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("job")


@pytest.fixture(scope="session")
def job(out: Path) -> MainJob:
    """Return a job without Lava."""
    return run_main_job("digits", out=out, epochs=2, lava_samples=0, progress=False)


@pytest.fixture(scope="session")
def differing_job(job: MainJob) -> MainJob:
    """Return the job with Lava runs of which the second lacks one output spike."""
    encoding, network = job.preset.encoding, job.network
    images = job.test.take(np.arange(N_SAMPLES)).images
    encoded = encoding.encode(images, np.random.default_rng(0)).swapaxes(0, 1)
    stream = np.ascontiguousarray(encoded).reshape(-1, images.shape[1])
    ours = simulate(
        network,
        {"input": stream},
        stream.shape[0] + network.latency,
        reset_every=encoding.n_steps,
    )
    spikes = ours.spikes["output"]
    lacking = Spikes(spikes.steps[1:], spikes.neurons[1:], spikes.n_steps, spikes.n_neurons)
    outcomes = {}
    for tag, theirs in (
        ("floating_pt", ours.spikes),
        ("fixed_pt", ours.spikes | {"output": lacking}),
    ):
        lava = LavaRun(tag, ours.n_steps, theirs, {}, {"lava": "0.10.0"}, 1.5, 1.0, 0.25)
        check = ParityCheck(compare_spikes(ours.spikes, theirs), compare_traces({}, {}), ours, lava)
        outcomes[tag] = LavaOutcome(N_SAMPLES, check, accuracy=1.0, engine_accuracy=1.0)
    return dataclasses.replace(job, lava=outcomes)
