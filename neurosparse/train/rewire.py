"""Hook a scheme into a torch optimiser, so that connectivity is learned along with the weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from neurosparse.errors import ParameterError, ShapeError, StorageError
from neurosparse.jit import compile_notice
from neurosparse.sparsify import Context, LayerView, RandomSigns, Rewiring, Scheme, Turnover
from neurosparse.sparsify.exchange_kernels import settle
from neurosparse.train.masked_linear import MaskedLinear
from neurosparse.train.probe import GradientProbe
from neurosparse.train.slots import STARTING_ELSEWHERE, first_value
from neurosparse.train.sparse_linear import SparseLinear

__all__ = ["Rewirer"]


class Rewirer:
    """Apply a scheme after every step of an optimiser.

    Parameters
    ----------
    scheme : Scheme
        For example ``neurosparse.sparsify.deep_r()``.
    layers : torch.nn.Module or sequence of SparseLinear
        Layers under the scheme; of a module, all its `SparseLinear` layers.
    optimizer : torch.optim.Optimizer
        Any optimiser with state per weight. What it keeps for a synapse (momentum, Adam's moments)
        moves with the synapse; a newborn gets what a new weight has: zero, or the learning rate
        where it is Rprop's step size.
    rng : numpy.random.Generator or int
        Source of noise and of new synapses.

    Raises
    ------
    ParameterError
        If there is no sparse layer, a layer's weights are not in the optimiser, or the optimiser
        keeps state that cannot be aligned with synapses (LBFGS).

    Notes
    -----
    The gradient of a layer whose synapses are exchanged is dropped (``weight.grad`` is None), as
    ``zero_grad`` would; read it before ``optimizer.step()`` returns, or in a step hook of your own.

    Signs that a rule prescribes (`DaleSigns`, `FixedSigns`) are imposed on the given weights, which
    keep their magnitude; with `RandomSigns` every weight keeps the sign it has.
    """

    def __init__(
        self,
        scheme: Scheme,
        layers: nn.Module | Sequence[SparseLinear],
        optimizer: torch.optim.Optimizer,
        rng: np.random.Generator | int = 0,
    ) -> None:
        if isinstance(layers, nn.Module):
            layers = [layer for layer in layers.modules() if isinstance(layer, SparseLinear)]
        if not layers:
            raise ParameterError("layers: no SparseLinear among them; a scheme needs at least one")
        masked = [layer for layer in layers if isinstance(layer, MaskedLinear)]
        if masked:
            raise ParameterError(
                f"layers: {masked[0]} is a MaskedLinear, for a MaskScheme; unmask_layers(model) "
                f"makes what {scheme.name} needs"
            )
        if isinstance(optimizer, torch.optim.LBFGS):
            raise ParameterError("optimizer: LBFGS keeps flat state across layers; use another")
        self.scheme = scheme
        self.layers = list(layers)
        self.optimizer = optimizer
        self.turnover = Turnover()
        self._rng = np.random.default_rng(rng)
        self._context = Context(0, self._rng)
        self._compiled = False
        self._watched = [_Watched(layer, optimizer) for layer in self.layers]
        for layer in self.layers:
            if isinstance(scheme.signs, RandomSigns):
                # weights that crossed zero under no scheme, or another one, have a sign by now
                signs = np.sign(layer.weight.detach().numpy()).astype(np.int8)
                signs = np.where(signs == 0, layer.signs.numpy(), signs)
            else:
                signs = scheme.signs(layer.keys(), layer.in_features, self._rng)
                layer.weight.data = layer.weight.data.abs() * torch.from_numpy(signs)
            layer.signs = torch.from_numpy(np.ascontiguousarray(signs, dtype=np.int8))
        self._look_ahead()
        self._handle = optimizer.register_step_post_hook(self._after_step)

    def remove(self) -> None:
        """Stop rewiring; the layers keep the connectivity they have."""
        self._handle.remove()
        for layer in self.layers:
            layer.probe = None

    def observe(self, valid_loss: float) -> None:
        """Note the loss on the validation set, for schemes that watch it."""
        self._context.observe(valid_loss)

    def _after_step(self, *_: Any) -> None:
        if self._compiled:
            self._rewire()
            return
        with compile_notice(settle):
            self._compiled = self._rewire()

    def _rewire(self) -> bool:
        """Take a step of the scheme; return whether there was an exchange."""
        needs = self.scheme.needs
        views = [watched.view(needs) for watched in self._watched]
        rewirings = self.scheme.step(views, self._context)
        del views  # old arrays of a layer that changes its size go as soon as they can
        self._context.step += 1
        self.turnover.add(rewirings)
        exchanged = False
        for watched, rewiring in zip(self._watched, rewirings, strict=True):
            if rewiring is not None:
                watched.apply(rewiring)
                exchanged = True
        self._look_ahead()
        return exchanged

    def _look_ahead(self) -> None:
        """Have gradients of dormant synapses looked through in a step that ends in an exchange."""
        if "candidates" not in self.scheme.needs:
            return
        due = self.scheme.schedule.due(self._context.step)
        for layer in self.layers:
            layer.probe = GradientProbe(max(1, layer.n_active)) if due else None

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs: the step, random numbers, and what rules remember."""
        return {
            "step": self._context.step,
            "rng": self._rng.bit_generator.state,
            "memory": dict(self._context.memory),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up where `state_dict` was called.

        Raises
        ------
        StorageError
            If the state is not one.
        """
        try:
            self._context.step = int(state["step"])
            self._context.memory = dict(state["memory"])
            self._rng.bit_generator.state = state["rng"]
        except (KeyError, TypeError, ValueError) as error:
            raise StorageError(f"rewirer state: not usable ({error})") from error
        self._look_ahead()


class _Watched:
    """A layer under a scheme, with what the optimiser keeps for it.

    Attribute access of modules and views of tensors take a microsecond each, which is why they are
    kept as long as memory is where it was.
    """

    def __init__(self, layer: SparseLinear, optimizer: torch.optim.Optimizer) -> None:
        self._layer, self._weight, self._optimizer = layer, layer.weight, optimizer
        self._place = (0, 0)
        self._group()  # raises if the optimiser does not hold the weights
        self._rows: tuple[Tensor | None, ...] = (None, None, None)
        self._address = 0
        self._view: LayerView
        self._places: list[int] | None = None  # of slots, when the next two were made
        self._addresses: NDArray[np.int64]
        self._sizes: NDArray[np.int64]

    def _group(self) -> dict[str, Any]:
        """Return the optimiser's group; loading a state puts others in the place of groups."""
        group: dict[str, Any]
        groups, weight = self._optimizer.param_groups, self._weight
        i, j = self._place
        if i < len(groups) and j < len(groups[i]["params"]) and groups[i]["params"][j] is weight:
            group = groups[i]
            return group
        for i, group in enumerate(groups):
            for j, parameter in enumerate(group["params"]):
                if parameter is weight:
                    self._place = i, j
                    return group
        raise ParameterError(f"optimizer: does not hold the weights of {self._layer}")

    def view(self, needs: frozenset[str]) -> LayerView:
        """Return the layer as arrays that share memory with its tensors, for the rules to see.

        Parameters
        ----------
        needs : frozenset of str
            See `Scheme.needs`.

        Raises
        ------
        ShapeError
            If someone left weights and topology of different sizes.
        """
        weight, rows = self._weight, self._layer.topology()
        indptr, indices, signs = rows
        known = self._rows
        if (
            indptr is not known[0]
            or indices is not known[1]
            or signs is not known[2]
            or weight.data_ptr() != self._address
            or weight.numel() != self._view.n_active
        ):
            self._look(rows)
        self._view.learning_rate = float(self._group()["lr"])
        if needs:
            self._show(needs)
        return self._view

    def _show(self, needs: frozenset[str]) -> None:
        """Add to the view what rules need beyond weights."""
        view, grad, probe = self._view, self._weight.grad, self._layer.probe
        if "gradient" in needs:
            view.gradient = None if grad is None else grad.numpy()
        if "slots" in needs:
            slots = self._slots(self._optimizer.state.get(self._weight, {}))
            view.slots = {name: slot.numpy() for name, slot in slots.items()}
        if "candidates" in needs:
            view.candidates = None if probe is None else probe.found()

    def _look(self, rows: tuple[Tensor, Tensor, Tensor]) -> None:
        """Make new views, as something was replaced or moved."""
        layer = self._layer
        weights, indptr, indices, signs = (
            tensor.detach().numpy() for tensor in (self._weight, *rows)
        )
        if not weights.size == indices.size == signs.size == indptr[-1]:
            raise ShapeError(
                f"layers: {weights.size} weights, {indices.size} indices, {signs.size} signs "
                f"and rows of {indptr[-1]} do not fit together in {layer}"
            )
        self._view = LayerView(
            layer.out_features, layer.in_features, indptr, indices, weights, signs, 0.0
        )
        self._rows, self._address, self._places = rows, self._weight.data_ptr(), None

    def apply(self, rewiring: Rewiring) -> None:
        """Exchange synapses, and move with them whatever there is one of per synapse."""
        weight = self._weight
        was_moved = weight.grad is not None
        # the gradient belongs to the synapses before, and nobody takes a second step with it
        weight.grad = None
        state = self._optimizer.state.get(weight, {})
        if rewiring.n_after != rewiring.n_before or not self._find_aligned(state):
            self._replace(rewiring, state)
        else:
            rewiring.move_at(self._addresses, self._sizes)
            rewiring.settle(self._view)
            if not was_moved:
                # the optimiser has changed no weight, but a backward pass through an earlier step
                # is to be refused as if it had: it would see the new rows
                torch.autograd.graph.increment_version(weight)
        if rewiring.weights is not None:
            weight.detach().numpy()[rewiring.places] = rewiring.weights
        for name in STARTING_ELSEWHERE & state.keys():
            state[name].numpy()[rewiring.places] = first_value(name, self._group())

    def _slots(self, state: dict[str, Any]) -> dict[str, Tensor]:
        """Return what the optimiser keeps one of per synapse, by name."""
        shape = self._weight.shape
        return {
            name: slot
            for name, slot in state.items()
            if isinstance(slot, Tensor) and slot.shape == shape
        }

    def _find_aligned(self, state: dict[str, Any]) -> bool:
        """Note where what is to be moved lies; return false where something lies with gaps."""
        # weights and rows were looked at by `view`
        places = [slot.data_ptr() for slot in state.values() if isinstance(slot, Tensor)]
        if places == self._places:
            return True
        held = [self._weight, *self._layer.topology()[1:], *self._slots(state).values()]
        if not all(tensor.is_contiguous() for tensor in held):
            return False
        # by address, so that memory that goes by two names is moved once
        sizes = {tensor.data_ptr(): tensor.element_size() for tensor in held}
        self._addresses, self._sizes = np.array(list(sizes)), np.array(list(sizes.values()))
        self._places = places
        return True

    def _replace(self, rewiring: Rewiring, state: dict[str, Any]) -> None:
        """Exchange by new arrays, one after the other."""

        def moved(tensor: Tensor) -> Tensor:
            return torch.from_numpy(rewiring.moved(tensor.detach().numpy(), 0))

        weight, layer = self._weight, self._layer
        indices, signs = self._view.indices, self._view.signs
        # it would keep the old arrays alive until the next step
        del self._view
        self._rows, self._places = (None, None, None), None
        for name, slot in self._slots(state).items():
            state[name] = moved(slot)
        layer.set_weights(moved(weight))
        layer.set_topology(
            rewiring.indptr,
            rewiring.moved(indices, rewiring.columns),
            rewiring.moved(signs, rewiring.signs),
        )
