"""The larval brain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurosparse.errors import DataError, ParameterError
from neurosparse.models import Model, drosophila_larva
from neurosparse.simulate import simulate

HEAD = ",name,simple_group,io\n"
ROWS = "10,a,sensories,input\n20,b,LNs,inter\n30,c,dVNCs,output\n40,d,unk,inter\n"
EDGES = "10 20 3.0\n20 30 2.0\n30 30 1.0\n"  # 40 has no synapse


def write(folder: Path, rows: str = ROWS, edges: str = EDGES, head: str = HEAD) -> Path:
    (folder / "meta_data.csv").write_text(head + rows, encoding="utf-8")
    (folder / "G_edgelist.txt").write_text(edges, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def larva(data_dir: Path) -> Model:
    folder = data_dir / "connectomes" / "drosophila-larva"
    return drosophila_larva(folder, rng=np.random.default_rng(4))


def test_whole_brain(larva: Model) -> None:
    network = larva.network
    sizes = {name: population.size for name, population in network.populations.items()}
    assert sizes == {"input": 465, "inter": 2669, "output": 420}
    assert {name: len(ids) for name, ids in larva.labels.items()} == sizes
    assert network.n_synapses == 119_010
    unit = min(np.abs(p.synapses.weights).min() for p in network.projections)
    total = sum(np.abs(p.synapses.weights).sum(dtype=np.float64) for p in network.projections)
    assert total / unit == pytest.approx(376_091, rel=1e-5)
    assert set(larva.inputs) == {"input"}


def test_signs_belong_to_neurons(larva: Model) -> None:
    """Dale's law, sensory neurons excitatory, and the share that was asked for."""
    n_inhibitory = 0
    for name, population in larva.network.populations.items():
        lowest, highest = np.zeros(population.size), np.zeros(population.size)
        for p in larva.network.projections:
            if p.source == name:
                weights = p.synapses.to_scipy()
                lowest = np.minimum(lowest, weights.min(axis=0).toarray().ravel())
                highest = np.maximum(highest, weights.max(axis=0).toarray().ravel())
        assert not ((lowest < 0) & (highest > 0)).any()
        n_inhibitory += int((lowest < 0).sum())
        if name == "input":
            assert (lowest < 0).sum() <= 34  # ascending neurons only
    # neurons that send nothing have no visible sign
    assert 0.25 * 3554 < n_inhibitory <= round(0.3 * 3554)


def test_brain_answers_its_input(larva: Model, rng: np.random.Generator) -> None:
    run = simulate(larva.network, larva.inputs, larva.steps(300), state=larva.state, rng=rng)
    rates = {name: s.n_spikes / s.n_neurons / 0.3 for name, s in run.spikes.items()}
    assert 60 < rates["input"] < 100
    assert 0 < rates["output"] < rates["inter"] < 10


def test_small_brain(tmp_path: Path, rng: np.random.Generator) -> None:
    model = drosophila_larva(write(tmp_path), rng=rng, inhibitory_share=0)
    assert model.labels == {"input": ("10",), "inter": ("20",), "output": ("30",)}
    weights = {p.name: p.synapses.weights.tolist() for p in model.network.projections}
    assert set(weights) == {"input->inter", "inter->output", "output->output"}
    unit = weights["output->output"][0]
    assert unit > 0
    assert weights["input->inter"] == pytest.approx([3 * unit])
    assert weights["inter->output"] == pytest.approx([-2 * unit])  # a local neuron
    assert all(p.delay == 19 for p in model.network.projections)


def test_share_decides_how_many_are_inhibitory(tmp_path: Path, rng: np.random.Generator) -> None:
    model = drosophila_larva(write(tmp_path), rng=rng, inhibitory_share=1)
    signs = {p.name: np.sign(p.synapses.weights).tolist() for p in model.network.projections}
    assert signs == {"input->inter": [1], "inter->output": [-1], "output->output": [-1]}


def test_input_neurons_fire_at_the_given_rate(tmp_path: Path, rng: np.random.Generator) -> None:
    model = drosophila_larva(write(tmp_path), rng=rng, rate_hz=50.0)
    run = simulate(model.network, model.inputs, model.steps(4000), state=model.state, rng=rng)
    # what arrives within the refractory time is lost: 50 / (1 + 50 * 0.0023) = 44.8
    assert run.spikes["input"].n_spikes / 4 == pytest.approx(44.8, abs=15)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"head": ",name,group,io\n"}, r"not the larval connectome \(KeyError.*simple_group"),
        ({"rows": "ten,a,unk,inter\n"}, r"not the larval connectome \(ValueError"),
        ({"edges": "10 20\n"}, r"got shape \(1, 2\); expected a folder with G_edgelist"),
        ({"edges": "10 20 x\n"}, r"not the larval connectome \(ValueError"),
        ({"edges": EDGES + "10 99 1.0\n"}, r"1 neurons of G_edgelist\.txt are not in .*first: 99"),
        ({"edges": EDGES + "10 20 1.0\n"}, r"1 pairs stand twice"),
        ({"edges": "10 20 -1.0\n"}, r"counts must be finite numbers > 0"),
        ({"rows": ROWS.replace("output", "exit")}, r"column io has .*exit"),
    ],
)
def test_damaged_files_are_named(
    changes: dict[str, str], message: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    with pytest.raises(DataError, match=message):
        drosophila_larva(write(tmp_path, **changes), rng=rng)


def test_missing_folder_is_named(tmp_path: Path, rng: np.random.Generator) -> None:
    with pytest.raises(DataError, match=r"expected a folder with G_edgelist\.txt"):
        drosophila_larva(tmp_path / "nowhere", rng=rng)


def test_arguments_are_checked(tmp_path: Path, rng: np.random.Generator) -> None:
    folder = write(tmp_path)
    with pytest.raises(ParameterError, match=r"rate_hz: got -1.0; allowed is >= 0, finite"):
        drosophila_larva(folder, rng=rng, rate_hz=-1.0)
    with pytest.raises(ParameterError, match=r"jump_mv: got inf; allowed is >= 0, finite"):
        drosophila_larva(folder, rng=rng, jump_mv=np.inf)
    with pytest.raises(ParameterError, match=r"inhibitory_share: got 1.5; allowed is 0 <= value"):
        drosophila_larva(folder, rng=rng, inhibitory_share=1.5)
