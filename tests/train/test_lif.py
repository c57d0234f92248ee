"""LIFLayer against an unrolled torch graph: spikes exactly, gradients to rounding."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.network import LIF
from neurosparse.train import LIFLayer, atan, boxcar, fast_sigmoid, triangle
from tests.train.agreement import TOLERANCE
from tests.train.unrolled import unrolled

N_STEPS, BATCH, SIZE = 30, 4, 7
VECTOR = np.linspace(0.1, 0.9, SIZE)

NEURONS = {
    "no filter": LIF(du=1, dv=0.1, vth=0.9),
    "no leak": LIF(du=1, dv=0, vth=1.3),
    "no memory": LIF(du=1, dv=1, vth=0.8),
    "filter": LIF(du=0.3, dv=0.2, vth=1.5),
    "integrating filter": LIF(du=0, dv=0.3, vth=9.0),
    "bias": LIF(du=0.5, dv=0.1, vth=1.2, bias=0.07),
    "reset value": LIF(du=0.5, dv=0.1, vth=1.2, v_reset=-0.4),
    "subtract": LIF(du=1, dv=0.1, vth=0.9, reset="subtract"),
    "subtract, filter": LIF(du=0.3, dv=0.2, vth=1.5, bias=0.03, reset="subtract"),
    "vectors": LIF(du=0.6, dv=VECTOR, vth=0.5 + VECTOR, bias=0.2 * VECTOR, v_reset=-VECTOR),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("neuron", NEURONS.values(), ids=NEURONS.keys())
def test_spikes_and_gradients(neuron: LIF, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(5)
    arriving = 0.6 * torch.randn(N_STEPS, BATCH, SIZE, dtype=dtype, generator=generator) + 0.2
    seen = torch.randn(N_STEPS, BATCH, SIZE, dtype=dtype, generator=generator)
    for surrogate in (fast_sigmoid(3.0), triangle(0.7), atan(2.0), boxcar(0.4)):
        one, two = arriving.clone().requires_grad_(), arriving.clone().requires_grad_()
        spikes = LIFLayer(SIZE, neuron, surrogate)(one)
        expected = unrolled(two, neuron, surrogate)
        assert torch.equal(spikes, expected)
        assert 0.02 < spikes.mean() < 0.9  # the test sees spikes and gaps
        (spikes * seen).sum().backward()
        (expected * seen).sum().backward()
        assert one.grad is not None
        assert one.grad.count_nonzero() > 0
        rtol, atol = TOLERANCE[dtype]
        torch.testing.assert_close(one.grad, two.grad, rtol=10 * rtol, atol=10 * atol)


def test_samples_of_a_batch_do_not_meet() -> None:
    layer = LIFLayer(SIZE, NEURONS["filter"])
    arriving = torch.rand(N_STEPS, BATCH, SIZE)
    together = layer(arriving)
    for b in range(BATCH):
        assert torch.equal(layer(arriving[:, b : b + 1]), together[:, b : b + 1])


def test_threshold_is_strict() -> None:
    layer = LIFLayer(1, LIF(du=1, dv=0, vth=1))
    assert layer(torch.tensor([1.0, 0.0, 0.25]).reshape(3, 1, 1)).flatten().tolist() == [0, 0, 1]


def test_input_may_be_a_view_of_any_memory() -> None:
    layer = LIFLayer(SIZE, NEURONS["bias"])
    arriving = torch.rand(N_STEPS, BATCH, SIZE)
    major = arriving.movedim(-1, 0).contiguous().movedim(0, -1)
    assert torch.equal(layer(arriving), layer(major))
    assert layer(major).movedim(-1, 0).is_contiguous()


def test_a_compact_surrogate_gives_sparse_gradients() -> None:
    arriving = torch.rand(N_STEPS, BATCH, SIZE).requires_grad_()
    LIFLayer(SIZE, LIF(du=1, dv=1, vth=0.5), triangle(0.1))(arriving).sum().backward()
    assert arriving.grad is not None
    near = (arriving.detach() - 0.5).abs() < 0.1
    assert torch.equal(arriving.grad != 0, near)


@pytest.mark.parametrize(
    "neuron", [LIF(du=(0.5, 0.2)), LIF(refractory=2)], ids=["receptors", "refractory"]
)
def test_what_training_does_not_support(neuron: LIF) -> None:
    with pytest.raises(ParameterError, match="one receptor and no refractory period"):
        LIFLayer(3, neuron)


def test_bad_shapes() -> None:
    with pytest.raises(ShapeError, match="dv has 7 entries; expected one number or 3"):
        LIFLayer(3, LIF(dv=VECTOR))
    layer = LIFLayer(3, LIF(), atan())
    for shape in ((4, 2, 2), (4, 3), (3,)):
        message = f"arriving: got shape {shape}; expected (n_steps, batch, 3)"
        with pytest.raises(ShapeError, match=re.escape(message)):
            layer(torch.zeros(shape))
    with pytest.raises(ShapeError, match=r"arriving: got torch\.int64; expected float32 or"):
        layer(torch.zeros(4, 2, 3, dtype=torch.int64))
