"""Surrogates: formulas, and snnTorch's in place of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from neurosparse.errors import ParameterError
from neurosparse.network import LIF
from neurosparse.train import LIFLayer, Surrogate, atan, fast_sigmoid, triangle
from neurosparse.train.surrogate import derivative
from tests.train.unrolled import unrolled

X = torch.cat([torch.linspace(-3, 3, 101), torch.tensor([-1e-3, 0.0, 1e-3])])
OURS: list[tuple[Callable[..., Surrogate], float]] = [
    (fast_sigmoid, 10.0),
    (fast_sigmoid, 25.0),
    (atan, 2.0),
    (atan, 5.0),
]
# name, arguments; all that look at x alone and draw nothing
THEIRS: list[tuple[str, tuple[Any, ...]]] = [
    ("fast_sigmoid", (25,)),
    ("atan", (2.0,)),
    ("sigmoid", (5,)),
    ("straight_through_estimator", ()),
    ("heaviside", ()),
    ("spike_rate_escape", (1, 25)),
    ("SFS", (25, 1)),
]


def gradient(surrogate: Surrogate, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return spikes and their derivative through autograd."""
    probe = x.clone().requires_grad_()
    spikes = surrogate(probe)
    (slope,) = torch.autograd.grad(spikes.sum(), probe)
    return spikes.detach(), slope


@pytest.mark.parametrize("surrogate", [fast_sigmoid(), atan(), triangle()])
def test_forward_is_a_strict_step(surrogate: Surrogate) -> None:
    spikes, _ = gradient(surrogate, X)
    assert torch.equal(spikes, (X > 0).float())


def test_formulas_by_hand() -> None:
    x = torch.tensor([-0.5, 0.0, 0.2])
    for surrogate, expected in (
        (fast_sigmoid(10), [1 / 36, 1, 1 / 9]),
        (atan(2), [1 / (1 + torch.pi**2 / 4), 1, 1 / (1 + (0.2 * torch.pi) ** 2)]),
        (triangle(0.4), [0, 1, 0.5]),
    ):
        torch.testing.assert_close(gradient(surrogate, x)[1], torch.tensor(expected))
        torch.testing.assert_close(derivative(surrogate, x), torch.tensor(expected))


@pytest.mark.parametrize(("ours", "value"), OURS)
def test_ours_equal_snntorch(ours: Callable[..., Surrogate], value: float) -> None:
    surrogate = pytest.importorskip("snntorch.surrogate")
    theirs = getattr(surrogate, ours.__name__)(value)
    for mine, other in zip(gradient(ours(value), X), gradient(theirs, X), strict=True):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize(("name", "arguments"), THEIRS)
def test_snntorch_surrogates_work_in_our_layers(name: str, arguments: tuple[Any, ...]) -> None:
    """The layer gives what autograd through snnTorch's own function gives, step by step."""
    surrogate = getattr(pytest.importorskip("snntorch.surrogate"), name)(*arguments)
    neuron = LIF(du=0.5, dv=0.2, vth=0.9)
    arriving = 0.4 * torch.rand(15, 3, 4, generator=torch.Generator().manual_seed(1))
    one, two = arriving.clone().requires_grad_(), arriving.clone().requires_grad_()
    spikes, expected = LIFLayer(4, neuron, surrogate)(one), unrolled(two, neuron, surrogate)
    assert torch.equal(spikes, expected)
    assert 0 < spikes.mean() < 1
    weights = torch.rand(spikes.shape, generator=torch.Generator().manual_seed(2))
    (spikes * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(one.grad, two.grad)


@pytest.mark.parametrize(
    ("make", "name"), [(fast_sigmoid, "slope"), (atan, "alpha"), (triangle, "width")]
)
@pytest.mark.parametrize("bad", [0, -1, float("nan")])
def test_bad_parameters(make: Callable[..., Surrogate], name: str, bad: float) -> None:
    with pytest.raises(ParameterError, match=f"{name}: got {bad!r}; allowed is > 0"):
        make(bad)
