"""Bit-equality with Lava's process models over thousands of small random networks.

Lava's own models are built and stepped in one child process (`lava_models_child`), many cases in a
run. NEUROSPARSE_LAVA_CASES sets how many; half as many float ones.
"""

from __future__ import annotations

import os
import subprocess
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosparse.errors import RegisterOverflowWarning
from neurosparse.loihi.bundle_writing import RUNNER
from neurosparse.loihi.limits import violations_of
from neurosparse.network import FixedPointTernaryLIF
from neurosparse.network.storage import pack_network
from neurosparse.simulate import Probe, Run, simulate
from tests.loihi.case_file import Cases, read_cases, write_cases
from tests.loihi.lava_cases import N_STEPS, Case, float_case, integer_case

pytestmark = [pytest.mark.lava, pytest.mark.slow]

N_CASES = int(os.environ.get("NEUROSPARSE_LAVA_CASES", "1000"))
CHILD = Path(__file__).with_name("lava_models_child.py")


def packed(case: Case) -> dict[str, Any]:
    header, arrays = pack_network(case.network, plain=True)
    return {
        **arrays,
        **{f"input:{name}": table for name, table in case.inputs.items()},
        "header": header,
        "depths": case.network.depths,
        "tag": case.tag,
        "n_steps": N_STEPS,
        "reset_every": case.reset_every or 0,
    }


def run_in_lava(interpreter: str, cases: Sequence[Case], folder: Path) -> Cases:
    write_cases(folder / "cases.npz", [packed(case) for case in cases])
    files = [str(folder / "cases.npz"), str(folder / "results.npz")]
    done = subprocess.run(
        [interpreter, str(CHILD), str(RUNNER), *files],
        capture_output=True,
        text=True,
        timeout=60 + 0.5 * len(cases),
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return read_cases(folder / "results.npz")


def run_ours(case: Case) -> Run:
    neurons = [name for name, p in case.network.populations.items() if p.neuron is not None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RegisterOverflowWarning)
        return simulate(
            case.network,
            case.inputs,
            N_STEPS,
            probes=[Probe(name, variable) for name in neurons for variable in ("u", "v")],
            dtype=np.float64,
            reset_every=case.reset_every,
        )


def compared(run: Run) -> dict[str, Any]:
    """Lay out spikes, u and v of every population of neurons."""
    tables = {f"{probe.variable}:{probe.population}": t for probe, t in run.traces.items()}
    names = {probe.population for probe in run.traces}
    return tables | {f"s:{name}": run.spikes[name].raster() for name in names}


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """Name what differs, with the first place."""
    assert set(ours) == set(theirs)
    found = []
    for key, table in ours.items():
        assert table.shape == theirs[key].shape
        differ = np.argwhere(table != theirs[key])
        if differ.size:
            step, neuron = differ[0]
            values = table[step, neuron], theirs[key][step, neuron]
            found.append(f"{key}, step {step}, neuron {neuron}: {values[0]}, Lava: {values[1]}")
    return found


def features(case: Case, run: Run, theirs: dict[str, Any]) -> list[str]:
    """Name what a case holds, so that a test can see that all of it was met."""
    found = {""}
    for projection in case.network.projections:
        form = projection.format
        found.add("delay" if projection.max_delay > 1 else "no delay")
        found.add("long delay" if projection.max_delay > 40 else "")
        found.add("own delays" if projection.synapses.delays is not None else "")
        found.add("self" if projection.source == projection.target else "")
        if form is not None:
            found |= {form.sign_mode, f"{form.num_weight_bits} bits", f"exp {form.weight_exp}"}
            signed = case.network.populations[projection.source].neuron
            if isinstance(signed, FixedPointTernaryLIF):
                found.add("signs sent" if form.num_message_bits else "signs dropped")
    found.add("reset" if case.reset_every else "")
    for name, population in case.network.populations.items():
        if population.neuron is None:
            found.add("messages" if np.abs(case.inputs[name]).max() > 1 else "")
            found.add("negative messages" if case.inputs[name].min() < 0 else "")
            continue
        found.add(type(population.neuron).__name__)
        found.add("current" if name in case.inputs else "")
        found.add("refractory" if getattr(population.neuron, "refractory", 0) else "")
        found.add("-1" if (theirs[f"s:{name}"] < 0).any() else "")
        found.add("spikes" if (theirs[f"s:{name}"] != 0).any() else "")
        overflow = run.overflows[name] if case.network.is_integer else (0, 0)
        found.add("wrap" if overflow[0] else "")
        found.add("saturation" if overflow[1] else "")
    return [name for name in found if name]


def hold_against_lava(
    interpreter: str, draw: Callable[[int], Case], seeds: range, folder: Path
) -> Counter[str]:
    """Assert that spikes, u and v of all cases agree; return how many cases have what."""
    cases = [draw(seed) for seed in seeds]
    results = run_in_lava(interpreter, cases, folder)
    assert len(results) == len(cases)
    met: Counter[str] = Counter()
    for seed, case, theirs in zip(seeds, cases, results, strict=True):
        assert not violations_of(case.network, case.tag)
        run = run_ours(case)
        found = differences(compared(run), theirs)
        assert not found, f"seed {seed}: {found}"
        met.update(features(case, run, theirs))
    return met


INTEGER_FEATURES = [
    *(f"{bits} bits" for bits in range(1, 9)),
    *(f"exp {exponent}" for exponent in range(-7, 8)),
    *("mixed", "excitatory", "inhibitory", "no delay", "delay", "long delay", "own delays"),
    *("self", "reset", "current", "FixedPointLIF", "FixedPointTernaryLIF", "signs sent"),
    *("signs dropped", "messages", "negative messages", "spikes", "-1", "wrap", "saturation"),
]


def test_integer_models_are_bit_equal(lava_python: str, tmp_path: Path) -> None:
    seeds = range(10_000, 10_000 + N_CASES)
    met = hold_against_lava(lava_python, integer_case, seeds, tmp_path)
    if N_CASES >= 1000:
        assert {name: met[name] for name in INTEGER_FEATURES if met[name] < 15} == {}


def test_float_models_are_equal_on_dyadic_weights(lava_python: str, tmp_path: Path) -> None:
    seeds = range(20_000, 20_000 + N_CASES // 2)
    met = hold_against_lava(lava_python, float_case, seeds, tmp_path)
    names = ["no delay", "delay", "long delay", "own delays", "self", "reset", "current"]
    names += ["refractory", "spikes"]
    if N_CASES >= 1000:
        assert {name: met[name] for name in names if met[name] < 8} == {}
