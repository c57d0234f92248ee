"""Models run over a test set, and the shape a dense twin would have."""

from __future__ import annotations

import numpy as np
import pytest

from neurosparse.compare import (
    count_snn,
    evaluate_dataset,
    layer_sizes,
    measure_ann,
    measure_network,
)
from neurosparse.data import Encoding, ImageDataset
from neurosparse.errors import ParameterError, TopologyError
from neurosparse.network import LIF, Network, Population, Projection, Synapses

ENCODING = Encoding("latency", n_steps=4)


@pytest.fixture
def data(rng: np.random.Generator) -> ImageDataset:
    labels = rng.integers(0, 3, 12)
    return ImageDataset("noise", rng.random((12, 6)), labels, n_classes=3, shape=(2, 3))


def layers(*pairs: tuple[str, str], **options: list[str]) -> Network:
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    sizes = {name: 6 if name == "in" else 3 + len(name) for name in names}
    rng = np.random.default_rng(1)
    return Network(
        {name: Population(sizes[name], None if name == "in" else LIF(vth=0.1)) for name in names},
        [
            Projection(
                source,
                target,
                Synapses.random(sizes[source], sizes[target], density=0.5, weights=0.4, rng=rng),
            )
            for source, target in pairs
        ],
        **options,
    )


def test_network_is_counted_as_by_hand(data: ImageDataset) -> None:
    network = layers(("in", "a"), ("a", "bb"))
    result = evaluate_dataset(network, data, ENCODING)
    expected = count_snn("x", network, result.activity, n_samples=12, accuracy=result.accuracy)
    assert measure_network("x", network, data, ENCODING) == expected


def test_ann_is_measured(data: ImageDataset) -> None:
    torch = pytest.importorskip("torch")
    from neurosparse.train import dense_ann

    ann = dense_ann((6, 5, 3), rng=0)
    cost = measure_ann("ann", ann, data)
    with torch.no_grad():
        images = torch.from_numpy(np.array(data.images))
        right = (ann(images).argmax(dim=1).numpy() == data.labels).mean()
        silent = (ann[:2](images) == 0).numpy().mean()
    assert cost.accuracy is not None
    assert cost.activity_sparsity is not None
    assert cost.accuracy.value == right
    assert cost.activity_sparsity.value == pytest.approx(silent)
    assert cost.macs_per_inference.value == 45


def test_sizes_of_a_chain() -> None:
    assert layer_sizes(layers(("in", "a"), ("a", "bb"), ("bb", "ccc"))) == (6, 4, 5, 6)
    assert layer_sizes(layers(("bb", "ccc"), ("in", "bb"))) == (6, 5, 6)


@pytest.mark.parametrize(
    "pairs",
    [
        [("in", "a"), ("a", "bb"), ("in", "bb")],
        [("in", "a"), ("a", "a"), ("a", "bb")],
        [("in", "a"), ("a", "bb"), ("bb", "a"), ("bb", "ccc")],
        [("in", "a"), ("in", "bb"), ("a", "ccc"), ("bb", "ccc")],
    ],
)
def test_other_shapes_have_no_dense_twin(pairs: list[tuple[str, str]]) -> None:
    last = pairs[-1][1]
    with pytest.raises(TopologyError, match="no chain of layers"):
        layer_sizes(layers(*pairs, outputs=[last]))


def test_several_outputs_are_refused() -> None:
    with pytest.raises(ParameterError, match="outputs are"):
        layer_sizes(layers(("in", "a"), ("in", "bb")))
