"""FGSM and PGD against their definitions, on ReLU and on spiking networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn

from neurosparse.data import Encoding, EventDataset
from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network import LIF
from neurosparse.train import (
    FGSM,
    PGD,
    Attack,
    SparseLinear,
    SpikingClassifier,
    adversarial_images,
    atan,
    dense_ann,
    encode_images,
    sparse_classifier,
)
from tests.train.agreement import dense_of, digits
from tests.train.unrolled import unrolled

N_PIXELS, N_CLASSES, BATCH = 12, 4, 7
CURRENT = Encoding("current", n_steps=10, gain=0.6)
RATE = Encoding("rate", n_steps=8, max_rate=0.7)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def batch(seed: int = 1) -> tuple[Tensor, Tensor]:
    """Draw images, some pixels black or white, and labels."""
    rng = generator(seed)
    images = np.clip(rng.uniform(-0.3, 1.3, (BATCH, N_PIXELS)), 0, 1).astype(np.float32)
    return torch.from_numpy(images), torch.from_numpy(rng.integers(N_CLASSES, size=BATCH))


def linear(seed: int = 2) -> nn.Linear:
    model = nn.Linear(N_PIXELS, N_CLASSES)
    rng = generator(seed)
    model.weight.data = torch.from_numpy(rng.normal(size=(N_CLASSES, N_PIXELS)).astype(np.float32))
    model.bias.data = torch.from_numpy(rng.normal(size=N_CLASSES).astype(np.float32))
    return model


def loss_and_slope(
    model: nn.Linear, images: NDArray[Any], labels: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return every sample's cross entropy and its gradient, by the book, in float64."""
    weight, bias = model.weight.detach().double().numpy(), model.bias.detach().double().numpy()
    losses, slopes = [], []
    for image, label in zip(images.astype(np.float64), labels, strict=True):
        logits = weight @ image + bias
        p = np.exp(logits - logits.max())
        p /= p.sum()
        losses.append(-np.log(p[label]))
        slopes.append((p - np.eye(N_CLASSES)[label]) @ weight)
    return np.array(losses), np.array(slopes)


# ------------------------------------------------------------------ definitions


@pytest.mark.parametrize("eps", [0.03, 0.3, 1.0])
def test_fgsm_is_its_definition(eps: float) -> None:
    model, (images, labels) = linear(), batch()
    _, slope = loss_and_slope(model, images.numpy(), labels.numpy())
    expected = np.clip(images.numpy() + eps * np.sign(slope), 0, 1)
    got = FGSM(eps)(model, images, labels, rng=generator()).numpy()
    np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize("random_start", [True, False])
def test_pgd_is_its_definition(random_start: bool) -> None:
    model, (images, labels) = linear(), batch()
    attack = PGD(0.2, step_size=0.07, n_steps=5, random_start=random_start)
    x = images.numpy().astype(np.float64)
    low, high = np.maximum(x - 0.2, 0), np.minimum(x + 0.2, 1)
    if random_start:
        draws = generator(4).random(x.shape, dtype=np.float32)
        x = np.clip(x - 0.2 + 0.4 * draws, 0, 1)
    for _ in range(5):
        _, slope = loss_and_slope(model, x, labels.numpy())
        x = np.clip(x + 0.07 * np.sign(slope), low, high)
    got = attack(model, images, labels, rng=generator(4)).numpy()
    np.testing.assert_allclose(got, x, atol=1e-5)


def test_one_step_of_pgd_to_the_rim_is_fgsm() -> None:
    model, (images, labels) = dense_ann([N_PIXELS, 9, N_CLASSES]), batch()
    pgd = PGD(0.1, step_size=0.1, n_steps=1, random_start=False)
    one = pgd(model, images, labels, rng=generator())
    assert torch.equal(one, FGSM(0.1)(model, images, labels, rng=generator()))


@given(
    eps=st.floats(1e-3, 1.0),
    step_size=st.none() | st.floats(1e-3, 2.0),
    n_steps=st.integers(1, 6),
    random_start=st.booleans(),
    seed=st.integers(0, 9),
)
def test_pgd_stays_near_inside_and_never_lowers_a_convex_loss(
    eps: float, step_size: float | None, n_steps: int, random_start: bool, seed: int
) -> None:
    model, (images, labels) = linear(seed), batch(seed)
    attack = PGD(eps, step_size, n_steps, random_start)
    given_images = images.clone()
    x = attack(model, images, labels, rng=generator(seed))
    assert torch.equal(images, given_images)
    assert not x.requires_grad
    assert float(x.min()) >= 0
    assert float(x.max()) <= 1
    assert float((x - images).abs().max()) <= eps + 1e-6  # rounding of x + eps
    # every step goes uphill in every coordinate, and the loss of a linear model is convex
    start = PGD(eps, 1e-9, 1, random_start)(model, images, labels, rng=generator(seed))
    before, _ = loss_and_slope(model, start.numpy(), labels.numpy())
    after, _ = loss_and_slope(model, x.numpy(), labels.numpy())
    assert (after >= before - 1e-5).all()


def test_samples_are_attacked_on_their_own() -> None:
    model, (images, labels) = dense_ann([N_PIXELS, 9, N_CLASSES]), batch()
    attack = PGD(0.1, random_start=False)
    whole = attack(model, images, labels, rng=generator())
    for sample in range(BATCH):
        part = slice(sample, sample + 1)
        alone = attack(model, images[part], labels[part], rng=generator())
        torch.testing.assert_close(alone, whole[part], rtol=0, atol=1e-6)


@pytest.mark.parametrize("encoding", [CURRENT, RATE])
def test_same_seed_same_attack(encoding: Encoding) -> None:
    model, (images, labels) = snn(encoding), batch()
    attacked = [
        PGD(0.1)(model, images, labels, encoding=encoding, rng=generator(seed))
        for seed in (3, 3, 4)
    ]
    assert torch.equal(attacked[0], attacked[1])
    assert not torch.equal(attacked[0], attacked[2])


# ------------------------------------------------------------------ spiking networks


def snn(encoding: Encoding, seed: int = 0) -> SpikingClassifier:
    return sparse_classifier(
        [N_PIXELS, 10, N_CLASSES],
        neuron=LIF(du=1, dv=0.2, vth=0.7),
        input_neuron=LIF(du=1, dv=0.1) if encoding.is_current else None,
        surrogate=atan(2.0),
        density=0.6,
        gain=2,
        rng=seed,
    )


def unrolled_logits(model: SpikingClassifier, x: Tensor) -> Tensor:
    """Answer as the classifier does, with dense matrices and step by step."""
    surrogate = atan(2.0)
    if model.input_neurons is not None:
        x = unrolled(x, model.input_neurons.neuron, surrogate)
    for layer in model.layers:
        connection: Any = layer.connection
        neurons: Any = layer.neurons
        assert isinstance(connection, SparseLinear)
        x = unrolled(x @ dense_of(connection).T, neurons.neuron, surrogate)
    return x.sum(dim=0) * (10 / len(x))


def test_the_gradient_reaches_pixels_through_the_input_neurons() -> None:
    model, (images, labels) = snn(CURRENT), batch()
    x, y = images.clone().requires_grad_(), images.clone().requires_grad_()
    got = model(encode_images(x, CURRENT, generator()))
    expected = unrolled_logits(model, torch.stack([0.6 * y for _ in range(10)]))
    torch.testing.assert_close(got, expected)
    for logits in (got, expected):
        nn.functional.cross_entropy(logits, labels, reduction="sum").backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert y.grad is not None
    torch.testing.assert_close(x.grad, y.grad, rtol=1e-4, atol=1e-5)
    clear = y.grad.abs() > 1e-4  # whose sign rounding cannot turn
    assert clear.float().mean() > 0.5
    attacked = FGSM(0.1)(model, images, labels, encoding=CURRENT, rng=generator())
    moved = (images + 0.1 * y.grad.sign()).clamp(0, 1)
    torch.testing.assert_close(attacked[clear], moved[clear])


def test_rate_passes_gradients_straight_through_the_draw() -> None:
    images, _ = batch()
    x = images.clone().requires_grad_()
    weights = torch.rand(8, BATCH, N_PIXELS, generator=torch.Generator().manual_seed(0))
    spikes = encode_images(x, RATE, generator(5))
    np.testing.assert_array_equal(
        spikes.detach().numpy(), RATE.encode(images.numpy(), generator(5))
    )
    (spikes * weights).sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(x.grad, 0.7 * weights.sum(dim=0))


def test_rate_and_spiking_layers_together() -> None:
    model, (images, labels) = snn(RATE), batch()
    x = images.clone().requires_grad_()
    y = images.clone().requires_grad_()
    one = model(encode_images(x, RATE, generator(5)))
    two = unrolled_logits(model, encode_images(y, RATE, generator(5)))
    torch.testing.assert_close(one, two)
    for logits in (one, two):
        nn.functional.cross_entropy(logits, labels).backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(x.grad, y.grad, rtol=1e-4, atol=1e-6)
    assert x.grad is not None
    assert x.grad.count_nonzero() > 0


@given(seed=st.integers(0, 99), gain=st.floats(-3, 3).filter(lambda gain: gain != 0))
def test_currents_are_those_of_the_encoding_to_the_bit(seed: int, gain: float) -> None:
    images, _ = batch(seed)
    encoding = Encoding("current", n_steps=3, gain=gain)
    currents = encode_images(images, encoding, generator())
    np.testing.assert_array_equal(currents.numpy(), encoding.encode(images.numpy()))


def test_without_encoding_images_are_the_input() -> None:
    images, _ = batch()
    assert encode_images(images, None, generator()) is images


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("latency", "got kind 'latency', through which no gradient reaches an image: the step"),
        ("events", "got kind 'events', .* recorded events have no pixels; allowed is current"),
    ],
)
def test_encodings_without_gradient_are_refused(kind: Any, message: str) -> None:
    model, (images, labels) = snn(RATE), batch()
    with pytest.raises(ParameterError, match=message):
        PGD(0.1)(model, images, labels, encoding=Encoding(kind, n_steps=5), rng=generator())
    assert model.training


# ------------------------------------------------------------------ the model is left alone


class Mixed(nn.Module):
    """A network in training mode with a part that is not, and a frozen weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first = SparseLinear(N_PIXELS, 9, density=0.5, bias=True)
        self.dropout = nn.Dropout(0.5)
        self.last = nn.Sequential(nn.BatchNorm1d(9), nn.Linear(9, N_CLASSES))
        self.last[0].eval()
        self.first.weight.requires_grad_(False)
        self.modes: list[bool] = []

    def forward(self, x: Tensor) -> Tensor:
        self.modes.append(self.dropout.training)
        answer: Tensor = self.last(self.dropout(torch.relu(self.first(x))))
        return answer


def picture(model: nn.Module) -> list[Any]:
    return [
        [module.training for module in model.modules()],
        [p.requires_grad for p in model.parameters()],
        [None if p.grad is None else p.grad.tolist() for p in model.parameters()],
        [value.tolist() for value in model.state_dict().values()],
    ]


@pytest.mark.parametrize("attack", [FGSM(0.1), PGD(0.1, n_steps=2)])
def test_the_model_is_left_as_it_was(attack: Attack) -> None:
    model, (images, labels) = Mixed(), batch()
    model(images).sum().backward()
    before = picture(model)
    attack(model, images, labels, rng=generator())
    with torch.no_grad():
        attack(model, images, labels, rng=generator())
    assert picture(model) == before
    assert not any(model.modes[1:])  # attacked as it is going to be used
    with pytest.raises(ParameterError, match="labels: got 9; the model has 4 classes"):
        attack(model, images, torch.full_like(labels, 9), rng=generator())
    assert picture(model) == before


# ------------------------------------------------------------------ whole data sets


def test_a_data_set_is_attacked_batch_by_batch() -> None:
    data, _ = digits(300, 1)
    model = dense_ann([64, 20, 10])
    attacked = adversarial_images(model, data, PGD(0.1), seed=3)
    assert attacked.labels.tolist() == data.labels.tolist()
    rng = generator(3)
    for part in (slice(0, 256), slice(256, 300)):
        expected = PGD(0.1)(
            model,
            torch.tensor(data.images[part]),
            torch.tensor(data.labels[part]),
            rng=rng,
        )
        np.testing.assert_array_equal(attacked.images[part], expected.numpy())


def test_recordings_cannot_be_attacked() -> None:
    data = EventDataset("two", [0, 5, 2], [1, 7, 0], [0, 2, 3], [0, 1], 2, (2, 2, 2))
    with pytest.raises(ParameterError, match=r"data: got EventDataset.*attacks change pixels"):
        adversarial_images(nn.Linear(8, 2), data, FGSM(0.1))  # type: ignore[arg-type]


# ------------------------------------------------------------------ wrong use

BAD: list[tuple[Any, dict[str, Any], str]] = [
    (FGSM, {"eps": 0}, "eps: got 0; allowed is 0 < value <= 1"),
    (FGSM, {"eps": -0.1}, "eps: got -0.1"),
    (FGSM, {"eps": 8}, "eps: got 8; allowed is 0 < value <= 1"),
    (FGSM, {"eps": float("nan")}, "eps: got nan"),
    (PGD, {"eps": "much"}, "eps: got 'much'"),
    (PGD, {"eps": 0.1, "step_size": 0}, "step_size: got 0; allowed is > 0, finite"),
    (PGD, {"eps": 0.1, "step_size": float("inf")}, "step_size: got inf"),
    (PGD, {"eps": 0.1, "n_steps": 0}, "n_steps: got 0; allowed is a whole number >= 1"),
    (PGD, {"eps": 0.1, "n_steps": 2.5}, r"n_steps: got 2\.5"),
]


@pytest.mark.parametrize(("kind", "options", "message"), BAD, ids=lambda value: str(value)[:30])
def test_bad_numbers(kind: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        kind(**options)


def test_bad_images() -> None:
    model, (images, labels) = linear(), batch()
    attack = FGSM(0.1)
    for bad in (images[0], images[:0], images.double()):
        with pytest.raises(ShapeError, match="images: got shape"):
            attack(model, bad, labels, rng=generator())
    for value in (1.5, -0.1, float("nan")):
        wrong = images.clone()
        wrong[0, 0] = value
        with pytest.raises(ParameterError, match="images: got values from"):
            attack(model, wrong, labels, rng=generator())
    with pytest.raises(ParameterError, match="rng: got 3; expected a Generator"):
        attack(model, images, labels, rng=3)  # type: ignore[arg-type]


def test_answers_without_gradient() -> None:
    class Blind(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.detach()

    images, labels = batch()
    with pytest.raises(ParameterError, match="model: its answers have no gradient"):
        PGD(0.1)(Blind(), images, labels, rng=generator())
