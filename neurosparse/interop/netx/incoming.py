"""Networks trained with lava-dl, from its NetX files."""

from __future__ import annotations

import warnings
from dataclasses import replace
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosparse.interop.netx.file import Layer, read_layers
from neurosparse.interop.netx.neurons import read_neurons
from neurosparse.interop.netx.weights import Stored, store_weights
from neurosparse.interop.refusal import refuse
from neurosparse.network import Network, Population, Projection, SynapseFormat, Synapses
from neurosparse.network.checks import check_count
from neurosparse.network.synapse_format import MESSAGE_BITS_MAX

__all__ = ["from_netx"]

_TAKEN = ("input", "flatten", "dense", "dense_rec")
DELAY_MAX = 62  # what netx clamps delays to


class _Front(NamedTuple):
    """The population that the next layer follows."""

    name: str
    size: int
    graded: bool  # whether it is a source whose spikes have values


def from_netx(
    path: str | PathLike[str], *, refractory: bool = False, input_message_bits: int = 0
) -> Network:
    """Make an integer network of a lava-dl NetX file.

    Parameters
    ----------
    path : str or path
        File that lava-dl's ``export_hdf5`` wrote (``.net``). Nothing in it is executed.
    refractory : bool
        Heed ``refDelay`` (Loihi's, which counts from 1). lava-dl's netx does not, nor has Lava a
        fixed-point model of it.
    input_message_bits : int
        0: input is spikes. 1 to 24: spikes have values, as in ``netx.hdf5.Network``. Only without
        neurons in the input layer.

    Returns
    -------
    Network
        Populations ``input`` and ``layer1``, ``layer2`` ... by the numbers in the file, of
        `FixedPointLIF`, that give the same spikes, ``u`` and ``v`` as the network that lava-dl
        0.6.0 makes of the file in Lava's fixed-point simulation. A weight of 0 is no synapse.

    Raises
    ------
    ParameterError
        With every layer, by its number, that has no equivalent.
    StorageError
        If the file is missing, truncated or foreign.
    BackendMissingError
        If h5py is not installed.

    Warns
    -----
    UserWarning
        With everything that is not as the file says: weights that Lava changes (how many),
        parameters beyond their bits, ``refDelay`` where it is passed over.

    Notes
    -----
    An input layer with neurons is driven by currents, in units of weights: lava-dl gives
    ``2 w x - w + b`` for pixels ``x`` from 0 to 1, where ``w`` and ``b`` are the layer's weight
    and bias. It does so through the bias, past the synaptic filter, hence ``du=4095``. Neurons are
    in the order of the file's ``shape``, the last axis fastest.

    References
    ----------
    lava-dl 0.6.0, ``lava.lib.dl.netx.hdf5.Network`` and ``lava.lib.dl.netx.blocks.process``.
    """
    check_count("input_message_bits", input_message_bits, most=MESSAGE_BITS_MAX)
    layers = read_layers(path)
    problems: list[str] = []
    changes: list[str] = []
    if len(layers) > 1 and layers[-1].kind == "average":
        last = layers.pop()
        changes.append(
            f"layer {last.number}: 'average' has no neurons and is passed over; it takes the mean "
            f"of {last.size} groups of neurons in a row"
        )
    maker = _Maker(refractory, input_message_bits, problems, changes)
    for layer in layers:
        maker.add(layer)
    if not problems and len(maker.populations) < 2:
        problems.append("there is no dense layer")
    refuse(str(path), problems)
    if changes:
        warnings.warn("\n  - ".join([f"{path}: not as the file says:", *changes]), stacklevel=2)
    return Network(
        maker.populations,
        maker.projections,
        inputs=[next(iter(maker.populations))],
        outputs=[next(reversed(maker.populations))],
    )


class _Maker:
    """Adds layer after layer; after a layer that was refused it goes on without knowing sizes."""

    def __init__(
        self, refractory: bool, message_bits: int, problems: list[str], changes: list[str]
    ) -> None:
        self.refractory, self.message_bits = refractory, message_bits
        self.problems, self.changes = problems, changes
        self.populations: dict[str, Population] = {}
        self.projections: list[Projection] = []
        self.front: _Front | None = None

    def add(self, layer: Layer) -> None:
        """Add what a layer stands for."""
        if layer.kind not in _TAKEN:
            self._refuse(
                layer, f"{layer.kind!r} has no equivalent; allowed are {', '.join(_TAKEN)}"
            )
            self.front = None
        elif layer.is_complex:
            self._refuse(layer, "complex weights have no equivalent")
            self.front = None
        elif layer.kind == "flatten":
            return
        elif layer.shape is None:
            self._refuse(layer, "has no shape")
            self.front = None
        elif layer.kind == "input":
            self._add_input(layer, layer.size)
        else:
            self._add_dense(layer, layer.size)

    def _refuse(self, layer: Layer, text: str) -> None:
        self.problems.append(f"layer {layer.number}: {text}")

    def _add_input(self, layer: Layer, size: int) -> None:
        if self.populations:
            self._refuse(layer, "an input after other layers; it must be the first")
            return
        if layer.neuron is None:
            self._add_source(size)
            return
        if self.message_bits:
            self._refuse(
                layer, "has neurons, whose spikes have no value; input_message_bits must be 0"
            )
        neuron = self._neurons(layer)
        if neuron is not None:
            self.populations["input"] = Population(size, neuron)
        self.front = _Front("input", size, graded=False)

    def _add_source(self, size: int) -> None:
        self.populations["input"] = Population(size)
        self.front = _Front("input", size, graded=self.message_bits > 0)

    def _add_dense(self, layer: Layer, size: int) -> None:
        name, neuron = f"layer{layer.number}", self._neurons(layer)
        recurrent = layer.kind == "dense_rec"
        matrices = self._matrices(layer, size, recurrent)
        if matrices and not layer.number:
            self._add_source(matrices[0].shape[1])
        source, self.front = self.front, _Front(name, size, graded=False)
        if source is None or neuron is None or not matrices:
            return
        if matrices[0].shape[1] != source.size:
            self._refuse(
                layer, f"weights take {matrices[0].shape[1]} inputs, but {source.size} lead to it"
            )
            return
        delays = self._delays(layer, matrices[0].shape, recurrent)
        bits = self.message_bits if source.graded else 0
        where = f"layer {layer.number}"
        stored = store_weights(where, matrices, self.problems, self.changes, num_message_bits=bits)
        self.populations[name] = Population(size, neuron)
        for origin, matrix, parts in zip((source.name, name), matrices, stored, strict=False):
            if origin == name:  # its own neurons send spikes, whatever the source sends
                parts = [
                    part._replace(format=replace(part.format, num_message_bits=0)) for part in parts
                ]
            self._connect(origin, name, parts or [_none(matrix)], delays)

    def _neurons(self, layer: Layer) -> Any:
        return read_neurons(
            layer, refractory=self.refractory, problems=self.problems, changes=self.changes
        )

    def _matrices(self, layer: Layer, size: int, recurrent: bool) -> list[NDArray[Any]]:
        found = []
        for key in ("weight", "weight_rec")[: 1 + recurrent]:
            matrix = layer.arrays.get(key)
            if matrix is None or not matrix.size:
                self._refuse(layer, f"has no {key}")
                return []
            if matrix.ndim == 1 and matrix.size % size == 0:
                matrix = matrix.reshape(size, -1)
            columns = matrix.shape[1] if matrix.ndim == 2 else 0
            square = key == "weight" or columns == size
            if matrix.ndim != 2 or matrix.shape[0] != size or not square:
                self._refuse(layer, f"{key} has shape {matrix.shape}, for {size} neurons")
                return []
            found.append(matrix)
        return found

    def _delays(
        self, layer: Layer, shape: tuple[int, ...], recurrent: bool
    ) -> NDArray[np.int64] | None:
        """Return delays (n_post, n_pre) as netx spreads them, without the step of a connection."""
        given = layer.arrays.get("delay")
        if given is None:
            return None
        if recurrent:
            self._refuse(
                layer, "delays in 'dense_rec' have no equivalent (netx drops the exponent there)"
            )
            return None
        delays = np.trunc(given).astype(np.int64)
        if delays.min(initial=0) < 0:
            self._refuse(layer, f"delays down to {delays.min()}; allowed are 0 to {DELAY_MAX}")
            return None
        if delays.max(initial=0) > DELAY_MAX:
            self.changes.append(
                f"layer {layer.number}: delays up to {delays.max()} are {DELAY_MAX}, as in netx"
            )
            delays = np.minimum(delays, DELAY_MAX)
        n_post, n_pre = shape
        if delays.ndim == 1 and delays.size == n_post:  # of the layer's own neurons, on their input
            return np.repeat(delays[:, None], n_pre, axis=1)
        if delays.ndim == 1 and delays.size == n_pre:
            return np.repeat(delays[None, :], n_post, axis=0)
        if delays.ndim == 0 or delays.shape == shape:
            return np.broadcast_to(delays, shape)
        self._refuse(layer, f"delay has shape {delays.shape}, for weights of shape {shape}")
        return None

    def _connect(
        self, source: str, target: str, parts: list[Stored], delays: NDArray[np.int64] | None
    ) -> None:
        for weights, form, part in parts:
            post, pre = np.nonzero(weights)
            n_post, n_pre = weights.shape
            steps = None if delays is None else delays[post, pre] + 1
            common = 1
            if steps is not None and (steps == steps[:1]).all():
                common, steps = int(steps[0]) if steps.size else 1, None
            synapses = Synapses.from_edges(
                pre,
                post,
                weights[post, pre].astype(np.int16),
                n_pre=n_pre,
                n_post=n_post,
                delays=steps,
                dtype=np.int16,
            )
            name = f"{source}->{target} {part}".rstrip()
            self.projections.append(
                Projection(source, target, synapses, delay=common, name=name, format=form)
            )


def _none(matrix: NDArray[Any]) -> Stored:
    """Return what stands for weights of which nothing is left: no synapses."""
    return Stored(np.zeros(matrix.shape, dtype=np.int64), SynapseFormat())
