"""A linear layer that stores, computes and learns its active synapses only."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neurosparse.errors import ParameterError, ShapeError
from neurosparse.jit import threads_for
from neurosparse.network import Synapses
from neurosparse.network.checks import check_count, check_fraction
from neurosparse.network.sampling import sample_distinct
from neurosparse.sparsify.layer import rows_of
from neurosparse.train.probe import GradientProbe
from neurosparse.train.sparse_linear_kernels import gather_rows, sampled_outer, scatter_rows

__all__ = ["SparseLinear"]

BLAS_FROM = 0.6  # share of active synapses from which on BLAS is faster than our products
_DRAWN_TOGETHER = 1 << 16  # weights: drawing takes float64, and memory is to follow float32


class SparseLinear(nn.Module):
    r"""``y = W x + b`` with a sparse ``W``; memory and time follow the active synapses.

    Parameters
    ----------
    in_features, out_features : int
        Sizes, ``n_pre`` and ``n_post``.
    density : float, optional
        Share of the potential synapses, ``0 < density <= 1``. Give this or ``n_active``.
    n_active : int, optional
        Number of synapses, 1 to ``in_features * out_features``.
    bias : bool
        Whether to add a learnable bias.
    gain : float
        Weights start as ``gain * N(0, 1) / sqrt(mean fan-in)``.
    rng : numpy.random.Generator or int
        Source of the topology and of the first weights.

    Attributes
    ----------
    weight : (n_active,) float32 Parameter
        Values of the synapses, ordered by postsynaptic, then presynaptic neuron.
    indptr : (n_post + 1,) int64 buffer
        Rows.
    indices : (n_active,) int32 buffer
        Presynaptic neurons.
    signs : (n_active,) int8 buffer
        The sign each synapse was given, for schemes that keep signs.
    probe : GradientProbe or None
        Where it is set, backward passes show it the gradients of dormant synapses.

    Raises
    ------
    ParameterError
        If the density is not in (0, 1] or ``n_active`` exceeds the matrix.

    Notes
    -----
    Input of shape (..., n_pre), output (..., n_post). Inside, arrays are neuron-major: a tensor
    whose memory is (n_pre, ...) is taken without a copy, and the output is a view of such memory,
    so a chain of layers never transposes. Nothing of size ``n_pre * n_post`` is ever allocated,
    unless more than half of it is active: then products go through BLAS.

    Examples
    --------
    >>> layer = SparseLinear(4, 3, n_active=5, rng=0)
    >>> layer(torch.ones(2, 4)).shape
    torch.Size([2, 3])
    """

    indptr: Tensor
    indices: Tensor
    signs: Tensor
    _persistent = ("indptr", "indices", "signs")

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        density: float | None = None,
        n_active: int | None = None,
        bias: bool = False,
        gain: float = 1.0,
        rng: np.random.Generator | int = 0,
    ) -> None:
        super().__init__()
        self.probe: GradientProbe | None = None
        self.in_features = check_count("in_features", in_features, least=1)
        self.out_features = check_count("out_features", out_features, least=1)
        n_potential = in_features * out_features
        if (density is None) == (n_active is None):
            raise ParameterError("density, n_active: give exactly one of them")
        if n_active is None:
            n_active = max(1, round(check_fraction("density", density) * n_potential))
        check_count("n_active", n_active, least=1, most=n_potential)
        rng = np.random.default_rng(rng)
        indptr, indices = rows_of(
            sample_distinct(rng, n_potential, n_active), out_features, in_features
        )
        values = np.empty(n_active, dtype=np.float32)
        scale = gain / np.sqrt(max(1.0, n_active / out_features))
        for low in range(0, n_active, _DRAWN_TOGETHER):
            part = values[low : low + _DRAWN_TOGETHER]
            part[:] = scale * rng.standard_normal(part.size)
        self.weight = nn.Parameter(torch.from_numpy(values))
        for name in self._persistent:
            self.register_buffer(name, torch.zeros(0))
        self.set_topology(indptr, indices, 1 - 2 * (values < 0).view(np.int8))
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None

    # ------------------------------------------------------------------ topology

    @property
    def n_active(self) -> int:
        """Number of synapses that exist."""
        return self.weight.numel()

    @property
    def n_potential(self) -> int:
        """Number of synapses that could exist."""
        return self.in_features * self.out_features

    @property
    def density(self) -> float:
        """Share of the potential synapses that exist."""
        return self.n_active / self.n_potential

    def keys(self) -> NDArray[np.int64]:
        """Return ``post * n_pre + pre`` of every synapse, (n_active,) int64, ascending."""
        rows = np.repeat(np.arange(self.out_features), np.diff(self.indptr.numpy()))
        keys: NDArray[np.int64] = rows * self.in_features + self.indices.numpy()
        return keys

    def values(self) -> Tensor:
        """Return what the synapses weigh in a forward pass, aligned with ``indices``."""
        return self.weight

    def fan_out(self) -> NDArray[np.int64]:
        """Return how many synapses lead from every presynaptic neuron, (n_pre,) int64."""
        counts: NDArray[np.int64] = np.bincount(self.indices.numpy(), minlength=self.in_features)
        return counts

    def topology(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return ``indptr``, ``indices`` and ``signs``, faster than a module's attributes come."""
        buffers = self._buffers
        return buffers["indptr"], buffers["indices"], buffers["signs"]  # type: ignore[return-value]

    def set_topology(
        self, indptr: NDArray[np.int64], indices: NDArray[np.int32], signs: NDArray[np.int8]
    ) -> None:
        """Replace rows and signs; ``weight`` must be brought to the same order by the caller.

        Parameters
        ----------
        indptr : (n_post + 1,) int64
            Rows; `neurosparse.sparsify.rows_of` makes rows of keys.
        indices : (n_active,) int32
            Presynaptic neurons, ascending within a row, without doubles.
        signs : (n_active,) int8
            -1 or +1.

        Notes
        -----
        The arrays are taken as they are, without a copy, and belong to the layer from then on.
        """
        self.indptr = torch.from_numpy(indptr)
        self.indices = torch.from_numpy(indices)
        self.signs = torch.from_numpy(signs)

    def set_weights(self, values: Tensor) -> None:
        """Replace the weights, of which there may be more or fewer; the gradient is dropped.

        Parameters
        ----------
        values : (n_active,) tensor
            Taken as it is; `set_topology` must be called with as many synapses.
        """
        weight = self.weight
        weight.grad = None  # of other synapses
        if values.shape != weight.shape:
            # while a loss of an earlier step is alive, autograd goes on expecting gradients of the
            # old shape; it starts afresh where the dtype changes, so that is what we let it see
            passing = torch.float32 if values.dtype == torch.float64 else torch.float64
            weight.data = torch.empty(0, dtype=passing)
        weight.data = values

    @classmethod
    def from_synapses(cls, synapses: Synapses) -> SparseLinear:
        """Make a layer with the topology and weights of ``synapses``.

        Delays and several synapses between a pair are refused.
        """
        synapses.require_unique_pairs("synapses")
        if synapses.delays is not None:
            raise ParameterError("synapses: have delays of their own; SparseLinear has none")
        layer = cls(synapses.n_pre, synapses.n_post, n_active=max(1, synapses.n_active))
        weights = synapses.weights.astype(np.float32)
        layer.set_weights(torch.from_numpy(weights))
        layer.set_topology(
            synapses.indptr.copy(),
            synapses.indices.astype(np.int32),
            np.where(weights < 0, -1, 1).astype(np.int8),
        )
        return layer

    def to_synapses(self) -> Synapses:
        """Return the synapses as a copy (float32 weights, no delays)."""
        return Synapses(
            self.out_features,
            self.in_features,
            self.indptr.numpy().copy(),
            self.indices.numpy().copy(),
            self.weight.detach().numpy().copy(),
        )

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        # a checkpoint may hold another topology, and under a global budget another size
        values = {name: state_dict.get(prefix + name) for name in (*self._persistent, "weight")}
        if all(isinstance(value, Tensor) for value in values.values()):
            synapses = Synapses(  # validates
                self.out_features,
                self.in_features,
                values["indptr"].numpy(),
                values["indices"].numpy(),
                values["weight"].numpy(),
            )
            if values["signs"].shape != values["weight"].shape:
                raise ShapeError("signs: not as many as weights in the state dict")
            self.set_weights(torch.empty_like(values["weight"]))
            self.set_topology(
                synapses.indptr.copy(),
                synapses.indices.astype(np.int32),
                values["signs"].numpy().astype(np.int8),
            )
        super()._load_from_state_dict(state_dict, prefix, *args)

    # ------------------------------------------------------------------ computation

    def forward(self, x: Tensor) -> Tensor:
        """Return ``W x + b``.

        Parameters
        ----------
        x : (..., n_pre) float32 or float64
            Any leading shape.

        Returns
        -------
        (..., n_post)
            In the dtype of the input.

        Raises
        ------
        ShapeError
            If the last dimension is not ``in_features``, or the numbers are not float32 or float64.
        """
        if not x.ndim or x.shape[-1] != self.in_features:
            raise ShapeError(f"x: got shape {tuple(x.shape)}; expected (..., {self.in_features})")
        if x.dtype not in (torch.float32, torch.float64):
            raise ShapeError(f"x: got {x.dtype}; expected float32 or float64 (x.float())")
        columns = x.movedim(-1, 0).reshape(self.in_features, math.prod(x.shape[:-1]))
        y: Tensor = _SparseProduct.apply(columns, self.values(), self)  # type: ignore[no-untyped-call]
        if self.bias is not None:
            y = y + self.bias[:, None]
        return y.reshape(self.out_features, *x.shape[:-1]).movedim(0, -1)

    def extra_repr(self) -> str:
        """Describe the layer."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"n_active={self.n_active} ({100 * self.density:.3g} %), bias={self.bias is not None}"
        )


def _rows(tensor: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = tensor.detach().contiguous().numpy()
    return array


class _SparseProduct(torch.autograd.Function):
    """``y = W x`` on neuron-major columns, with gradients for ``x`` and the active weights."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, layer: SparseLinear) -> Tensor:
        # a rewired layer has other rows by the time of a late backward
        product = _product(layer, _rows(x).dtype)
        ctx.product, ctx.probe = product, layer.probe
        ctx.save_for_backward(x, weight)
        return torch.from_numpy(product.forward(_rows(weight), _rows(x)))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        grad, columns, values = _rows(grads[0]), _rows(x), _rows(weight)
        product = ctx.product
        grad_x = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad_x = torch.from_numpy(product.backward_input(values, grad))
        if ctx.needs_input_grad[1]:
            sums = product.backward_weights(grad, columns)
            grad_weight = torch.from_numpy(sums).to(weight.dtype)
        if ctx.probe is not None:
            ctx.probe.add(
                (product.indptr, product.indices),
                product.shape[1],
                lambda low, high: _matmul(grad[low:high], columns.T),
            )
        return grad_x, grad_weight, None


class _Product:
    """Products of one sparse matrix, given as rows."""

    def __init__(self, layer: SparseLinear, dtype: np.dtype[Any]) -> None:
        self.indptr, self.indices = layer.indptr.numpy(), layer.indices.numpy()
        self.shape, self.dtype = (layer.out_features, layer.in_features), dtype

    def forward(self, values: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
        """Return ``W x``."""
        out = np.empty((self.shape[0], x.shape[1]), dtype=self.dtype)
        with threads_for(self.indices.size * x.shape[1]):
            gather_rows(self.indptr, self.indices, self._cast(values), x, out)
        return out

    def backward_input(self, values: NDArray[Any], grad: NDArray[Any]) -> NDArray[Any]:
        """Return ``W^T grad``."""
        out = np.empty((self.shape[1], grad.shape[1]), dtype=self.dtype)
        with threads_for(self.indices.size * grad.shape[1]):
            scatter_rows(self.indptr, self.indices, self._cast(values), grad, out)
        return out

    def backward_weights(self, grad: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
        """Return the gradients of the active weights."""
        sums = np.empty(self.indices.size, dtype=self.dtype)
        with threads_for(sums.size * grad.shape[1]):
            sampled_outer(self.indptr, self.indices, x, grad, sums)
        return sums

    def _cast(self, values: NDArray[Any]) -> NDArray[Any]:
        return values.astype(self.dtype, copy=False)


class _FullProduct(_Product):
    """The same by BLAS, for matrices so full that a dense one beside them is no matter."""

    def _keys(self) -> Any:
        if self.indices.size == self.shape[0] * self.shape[1]:
            return slice(None)
        rows = np.repeat(np.arange(self.shape[0]), np.diff(self.indptr))
        return rows * self.shape[1] + self.indices

    def _matrix(self, values: NDArray[Any]) -> NDArray[Any]:
        matrix = np.zeros(self.shape[0] * self.shape[1], dtype=self.dtype)
        matrix[self._keys()] = values
        return matrix.reshape(self.shape)

    def forward(self, values: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
        return _matmul(self._matrix(values), x)

    def backward_input(self, values: NDArray[Any], grad: NDArray[Any]) -> NDArray[Any]:
        return _matmul(self._matrix(values).T, grad)

    def backward_weights(self, grad: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
        return np.ascontiguousarray(_matmul(grad, x.T).ravel()[self._keys()])


def _matmul(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Multiply by torch, on its threads: numpy's BLAS has threads of its own."""
    product: NDArray[Any] = torch.mm(torch.from_numpy(a), torch.from_numpy(b)).numpy()
    return product


def _product(layer: SparseLinear, dtype: np.dtype[Any]) -> _Product:
    full = layer.indices.numel() >= BLAS_FROM * layer.n_potential
    return (_FullProduct if full else _Product)(layer, dtype)
