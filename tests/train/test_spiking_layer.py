"""SpikingLayer against an unrolled dense twin: spikes exactly, every gradient to rounding."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numba
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from neurosparse.errors import NeurosparseError, ParameterError, ShapeError
from neurosparse.network import LIF
from neurosparse.train import (
    LIFLayer,
    PackedSpikes,
    SparseLinear,
    SpikingLayer,
    Surrogate,
    atan,
    boxcar,
    fast_sigmoid,
    triangle,
)
from tests.train.agreement import TOLERANCE, dense_of
from tests.train.neurons import neurons
from tests.train.unrolled import SmoothAtan, unrolled

N_STEPS = 13
SURROGATES = (fast_sigmoid(3.0), atan(2.0), triangle(0.8), boxcar(0.5))


@dataclass
class Case:
    """A layer and what is fed to it."""

    neuron: LIF = field(default_factory=lambda: LIF(du=0.6, dv=0.2, vth=0.9))
    n_pre: int = 9
    n_post: int = 7
    density: float = 0.5
    batch: int = 5
    delay: int = 1
    recurrent_density: float | None = None
    recurrent_delay: int = 1
    surrogate: Surrogate = SURROGATES[1]
    checkpoint_steps: int | None = None
    dtype: torch.dtype = torch.float64
    seed: int = 0

    def layer(self) -> SpikingLayer:
        rng = np.random.default_rng(self.seed)
        recurrent = (
            None
            if self.recurrent_density is None
            else SparseLinear(self.n_post, self.n_post, density=self.recurrent_density, rng=rng)
        )
        neurons = LIFLayer(
            self.n_post,
            self.neuron,
            self.surrogate,
            recurrent=recurrent,
            recurrent_delay=self.recurrent_delay,
            checkpoint_steps=self.checkpoint_steps,
        )
        connection = SparseLinear(self.n_pre, self.n_post, density=self.density, gain=2, rng=rng)
        return SpikingLayer(connection, neurons, delay=self.delay).to(self.dtype)

    def spikes(self) -> Tensor:
        generator = torch.Generator().manual_seed(self.seed)
        shape = (N_STEPS, self.batch, self.n_pre)
        return (torch.rand(shape, generator=generator) < 0.4).to(self.dtype)

    def weights_of_spikes(self) -> Tensor:
        """Return what the output spikes are multiplied with: their gradient."""
        generator = torch.Generator().manual_seed(self.seed + 1)
        return torch.randn(N_STEPS, self.batch, self.n_post, generator=generator, dtype=self.dtype)


def dense_twin(
    case: Case, layer: SpikingLayer, x: Tensor, spike: Surrogate
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the spikes of the dense masked twin, and its matrices as leaves."""
    leaves = {"inputs": dense_of(layer.connection).requires_grad_()}
    if layer.neurons.recurrent is not None:
        leaves["recurrent"] = dense_of(layer.neurons.recurrent).requires_grad_()
    arriving = x @ leaves["inputs"].T
    late = min(case.delay - 1, N_STEPS)
    arriving = torch.cat([torch.zeros_like(arriving[:late]), arriving[: N_STEPS - late]])
    spikes = unrolled(
        arriving,
        case.neuron,
        spike,
        recurrent=leaves.get("recurrent"),
        recurrent_delay=case.recurrent_delay,
    )
    return spikes, leaves


def at_synapses(dense: Tensor, layer: SparseLinear) -> Tensor:
    """Pick the entries of a dense matrix where the layer has synapses."""
    return dense.flatten()[torch.from_numpy(layer.keys())]


@dataclass
class Outcome:
    """Spikes of a layer or of its twin, and gradients at the layer's synapses and of its input."""

    spikes: Tensor
    gradients: dict[str, Tensor | None]


def outcomes(case: Case) -> tuple[Outcome, Outcome]:
    """Run the layer and its twin, forwards and backwards."""
    layer, one, two = case.layer(), case.spikes().requires_grad_(), case.spikes().requires_grad_()
    ours = Outcome(layer(one), {})
    spikes, leaves = dense_twin(case, layer, two, case.surrogate)
    theirs = Outcome(spikes, {})
    for outcome, x in ((ours, one), (theirs, two)):
        (outcome.spikes * case.weights_of_spikes()).sum().backward()
        outcome.gradients["x"] = x.grad
    for name, matrix in (("inputs", layer.connection), ("recurrent", layer.neurons.recurrent)):
        if matrix is not None:
            expected = leaves[name].grad
            if expected is None:  # the delay is longer than the sample: nothing arrived
                expected = torch.zeros_like(leaves[name])
            ours.gradients[name] = matrix.weight.grad
            theirs.gradients[name] = at_synapses(expected, matrix)
    return ours, theirs


def rounding(case: Case) -> dict[str, float]:
    """Return by how much gradients may differ."""
    rtol, atol = TOLERANCE[case.dtype]
    return {"rtol": 100 * rtol, "atol": 100 * atol}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw layers of every kind, with numbers that are rounded."""
    return Case(
        draw(neurons()),
        n_pre=draw(st.integers(1, 20)),
        n_post=draw(st.integers(1, 20)),
        density=draw(st.floats(0.05, 1.0)),
        batch=draw(st.sampled_from((1, 2, 15, 16, 17, 40, 64, 65, 100))),
        delay=draw(st.sampled_from((1, 2, 5, N_STEPS, N_STEPS + 3))),
        recurrent_density=draw(st.one_of(st.none(), st.floats(0.05, 1.0))),
        recurrent_delay=draw(st.sampled_from((1, 2, 5, N_STEPS + 3))),
        surrogate=draw(st.sampled_from(SURROGATES)),
        checkpoint_steps=draw(st.sampled_from((None, 1, 4, N_STEPS, 50))),
        seed=draw(st.integers(0, 2**31)),
    )


@given(cases())
def test_spikes_and_gradients_in_float64(case: Case) -> None:
    case.dtype = torch.float64
    ours, theirs = outcomes(case)
    assert torch.equal(ours.spikes, theirs.spikes)
    torch.testing.assert_close(ours.gradients, theirs.gradients, **rounding(case))


@given(cases())
@settings(max_examples=25)
def test_gradients_in_float32(case: Case) -> None:
    """Spikes may part where sums are rounded, in another order: weights are sixteenths here."""
    case.dtype = torch.float32
    case.neuron = LIF(du=1, dv=0.5, vth=0.75, reset=case.neuron.reset)
    layer = case.layer()
    for matrix in (layer.connection, layer.neurons.recurrent):
        if matrix is not None:
            matrix.weight.data = torch.round(16 * matrix.weight.data) / 16
    case.layer = lambda: layer  # type: ignore[method-assign]
    ours, theirs = outcomes(case)
    assert torch.equal(ours.spikes, theirs.spikes)
    torch.testing.assert_close(ours.gradients, theirs.gradients, **rounding(case))


@pytest.mark.parametrize("alpha", [1.0, 4.0])
@pytest.mark.parametrize("recurrent", [None, 0.6])
@pytest.mark.parametrize("reset", ["zero", "subtract"])
@pytest.mark.parametrize("du", [1.0, 0.4])
def test_finite_differences_of_a_smooth_twin(
    alpha: float, recurrent: float | None, reset: str, du: float
) -> None:
    """The twin with a smooth spike passes gradcheck; its backward formula is the one ours equals.

    A real spike has no finite difference. The twin's graph differs only in what a spike is.
    """
    neuron = LIF(du=du, dv=0.2, vth=0.9, reset=reset)  # type: ignore[arg-type]
    case = Case(neuron, n_pre=4, n_post=3, batch=2, recurrent_density=recurrent, delay=2)
    layer, x = case.layer(), case.spikes()
    smooth = SmoothAtan(alpha)
    _, leaves = dense_twin(case, layer, x, smooth)

    def output(*matrices: Tensor) -> Tensor:
        arriving = x @ matrices[0].T
        arriving = torch.cat([torch.zeros_like(arriving[:1]), arriving[:-1]])
        own = matrices[1] if len(matrices) > 1 else None
        return unrolled(arriving, neuron, smooth, recurrent=own)

    matrices = tuple(leaf.detach().requires_grad_() for leaf in leaves.values())
    assert torch.autograd.gradcheck(output, matrices, eps=1e-7, atol=1e-6)
    # and the derivative that ours puts in its place is that of this very spike
    probe = torch.linspace(-2, 2, 41, dtype=torch.float64).requires_grad_()
    (slope,) = torch.autograd.grad(smooth(probe).sum(), probe)
    ours = atan(alpha)
    given_to_kernels = probe.detach().clone().requires_grad_()
    (expected,) = torch.autograd.grad(ours(given_to_kernels).sum(), given_to_kernels)
    torch.testing.assert_close(slope, expected, rtol=1e-12, atol=1e-14)


def test_foreign_surrogates_do_the_same() -> None:
    class Foreign:
        def __call__(self, x: Tensor) -> Tensor:
            return fast_sigmoid(3.0)(x)

    results = []
    for surrogate in (fast_sigmoid(3.0), Foreign()):
        case = Case(surrogate=surrogate, recurrent_density=0.5)
        layer, x = case.layer(), case.spikes().requires_grad_()
        layer(x).square().sum().backward()
        results.append((x.grad, layer.connection.weight.grad))
    for one, two in zip(*results, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-14)
    with pytest.raises(ParameterError, match="checkpoint_steps: needs one of the surrogates"):
        LIFLayer(3, LIF(), Foreign(), checkpoint_steps=4)


@pytest.fixture
def restored_threads() -> Iterator[None]:
    before = numba.get_num_threads()
    yield
    numba.set_num_threads(before)


@pytest.mark.usefixtures("restored_threads")
@pytest.mark.parametrize("recurrent", [None, 0.1])
def test_threads_change_nothing(recurrent: float | None) -> None:
    results = []
    for threads in range(1, min(3, numba.config.NUMBA_NUM_THREADS + 1)):
        numba.set_num_threads(threads)
        # large enough that the work is worth more than one thread
        case = Case(
            n_pre=300,
            n_post=200,
            batch=64,
            density=0.2,
            recurrent_density=recurrent,
            dtype=torch.float32,
        )
        layer, x = case.layer(), case.spikes().requires_grad_()
        out = layer(x)
        (out * case.weights_of_spikes()).sum().backward()
        own = layer.neurons.recurrent
        grads = [x.grad, layer.connection.weight.grad, None if own is None else own.weight.grad]
        results.append([out, *(g for g in grads if g is not None)])
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_checkpointing_keeps_gradients_and_saves_memory() -> None:
    grads = []
    for steps in (None, 4):
        case = Case(checkpoint_steps=steps, batch=64, recurrent_density=0.3, dtype=torch.float32)
        layer = case.layer()
        layer(case.spikes()).sum().backward()
        grads.append(layer.connection.weight.grad)
    assert torch.equal(grads[0], grads[1])


def test_tensors_and_packed_spikes_give_the_same() -> None:
    case = Case(recurrent_density=0.5)
    layer, x = case.layer(), case.spikes()
    packed = layer(PackedSpikes.from_tensor(x))
    assert isinstance(packed, PackedSpikes)
    assert torch.equal(packed.to_tensor(torch.float64), layer(x))
    assert torch.equal(packed.counts, layer(x).sum(dim=0))


def test_counts_and_spikes_carry_gradients_together() -> None:
    case = Case()
    one, two = case.layer(), case.layer()
    x, seen = case.spikes(), case.weights_of_spikes()
    spikes = one(PackedSpikes.from_tensor(x))
    ((spikes.to_tensor(torch.float64) * seen).sum() + spikes.counts.square().sum()).backward()
    raster = two(x)
    ((raster * seen).sum() + raster.sum(dim=0).square().sum()).backward()
    torch.testing.assert_close(one.connection.weight.grad, two.connection.weight.grad)


def test_a_dense_connection_does_the_same() -> None:
    for delay in (1, 3, N_STEPS + 1):
        case = Case(density=1.0, delay=delay)
        sparse = case.layer()
        linear = nn.Linear(case.n_pre, case.n_post, bias=False, dtype=torch.float64)
        linear.weight.data = dense_of(sparse.connection)
        dense = SpikingLayer(
            linear, LIFLayer(case.n_post, case.neuron, case.surrogate), delay=delay
        )
        assert torch.equal(sparse(case.spikes()), dense(case.spikes()))
        for layer in (sparse, dense):
            layer(case.spikes()).square().sum().backward()
        found = sparse.connection.weight.grad
        expected = at_synapses(linear.weight.grad, sparse.connection)
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


def test_lanes_that_are_no_samples_stay_silent() -> None:
    layer = SpikingLayer(SparseLinear(2, 3, density=1), LIFLayer(3, LIF(vth=0.1, bias=1.0)))
    spikes = layer(PackedSpikes.empty(4, 5, 2))
    assert spikes.counts.tolist() == [[4.0] * 3] * 5
    assert int(np.unpackbits(spikes.packed).sum()) == 4 * 3 * 5


def test_without_gradients_no_tape_is_kept() -> None:
    layer = Case().layer()
    with torch.no_grad():
        assert not layer(Case().spikes()).requires_grad
    layer.requires_grad_(False)
    assert not layer(Case().spikes()).requires_grad


def test_a_late_backward_pass_sees_the_rows_of_its_forward_pass() -> None:
    case = Case()
    one, two = case.layer(), case.layer()
    for layer, rewired in ((one, False), (two, True)):
        loss = layer(case.spikes()).sum()
        if rewired:
            indptr, indices, signs = (part.numpy() for part in layer.connection.topology())
            layer.connection.set_topology(indptr, np.zeros_like(indices), signs)
        loss.backward()
    assert torch.equal(one.connection.weight.grad, two.connection.weight.grad)


def test_weights_changed_before_the_backward_pass_are_noticed() -> None:
    layer = Case().layer()
    loss = layer(Case().spikes()).sum()
    with torch.no_grad():
        layer.connection.weight.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def linear(n_pre: int, n_post: int, bias: bool = False) -> nn.Linear:
    return nn.Linear(n_pre, n_post, bias=bias)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SpikingLayer(linear(4, 3, bias=True), LIFLayer(3, LIF())), "without bias"),
        (lambda: SpikingLayer(nn.Identity(), LIFLayer(3, LIF())), "expected SparseLinear or"),
        (lambda: SpikingLayer(linear(4, 2), LIFLayer(3, LIF())), "leads to a layer of 3"),
        (
            lambda: SpikingLayer(linear(4, 3), LIFLayer(3, LIF()), delay=0),
            "delay: got 0; allowed is a whole number >= 1",
        ),
        (
            lambda: LIFLayer(3, LIF(), recurrent=SparseLinear(3, 4, density=1)),
            "expected 3 to 3",
        ),
        (
            lambda: LIFLayer(3, LIF(), recurrent=SparseLinear(3, 3, density=1, bias=True)),
            "recurrent: got .*expected SparseLinear without bias",
        ),
        (lambda: LIFLayer(3, LIF(), recurrent_delay=0), "recurrent_delay: got 0"),
        (lambda: LIFLayer(3, LIF(), checkpoint_steps=0), "checkpoint_steps: got 0"),
    ],
)
def test_bad_layers(make: object, message: str) -> None:
    with pytest.raises(NeurosparseError, match=message):
        make()  # type: ignore[operator]


def test_bad_input() -> None:
    layer = Case().layer()
    with pytest.raises(ShapeError, match="x: got spikes of 3 neurons; expected 9"):
        layer(torch.zeros(4, 2, 3))
    for shape in ((4, 9), (0, 2, 9), (4, 0, 9)):
        with pytest.raises(ShapeError, match=re.escape(f"spikes: got shape {shape}")):
            layer(torch.zeros(shape))
    for value in (0.5, -1.0, 2.0, float("nan")):
        with pytest.raises(ParameterError, match="numbers other than 0 and 1"):
            layer(torch.full((4, 2, 9), value))
    own = LIFLayer(3, LIF(), recurrent=SparseLinear(3, 3, density=1))
    with pytest.raises(ShapeError, match=r"got torch\.float64; the recurrent weights are"):
        own(torch.zeros(2, 1, 3, dtype=torch.float64))
