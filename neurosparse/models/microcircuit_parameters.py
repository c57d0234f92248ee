"""The parameter table of the cortical microcircuit, read from a file or a mapping."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosparse.errors import DataError

__all__ = ["MicrocircuitParameters"]


@dataclass(frozen=True, eq=False)
class MicrocircuitParameters:
    """Sizes, synapses and drive of the populations, n of them, in the order of ``populations``.

    Parameters
    ----------
    populations : tuple of str
        Names; those that end in E are excitatory, those that end in I inhibitory.
    sizes : (n,) int64
        Neurons.
    n_synapses : (n, n) int64
        Synapses in all, target by source.
    k_ext : (n,) int64
        External synapses per neuron.
    rates_hz : (n,) float64 [Hz]
        Mean rates of the full network, which scaled networks need for their compensation.
    psp_mv, psp_rel_sd : float [mV], [1]
        Peak of the excitatory postsynaptic potential, and relative standard deviation of weights.
    g : float
        Inhibitory relative to excitatory weight, < 0.
    l4e_to_l23e : float
        Factor on the weights from L4E to L23E.
    bg_rate_hz : float [Hz]
        Rate of every external synapse.
    """

    populations: tuple[str, ...]
    sizes: NDArray[np.int64]
    n_synapses: NDArray[np.int64]
    k_ext: NDArray[np.int64]
    rates_hz: NDArray[np.float64]
    psp_mv: float
    psp_rel_sd: float
    g: float
    l4e_to_l23e: float
    bg_rate_hz: float

    @classmethod
    def read(cls, source: str | PathLike[str] | Mapping[str, Any]) -> MicrocircuitParameters:
        """Take a mapping, or read a JSON file with one.

        Raises
        ------
        DataError
            If the file is missing or no JSON, or an entry is missing or of another shape.
        """
        if isinstance(source, Mapping):
            return cls._from_table(source, "parameters")
        path = Path(source)
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(
                f"{path}: not a readable JSON file ({error}); expected pd14_params.json, the "
                "parameters of the cortical microcircuit"
            ) from error
        if not isinstance(table, dict):
            raise DataError(f"{path}: holds a {type(table).__name__}; expected a JSON object")
        return cls._from_table(table, str(path))

    @classmethod
    def _from_table(cls, table: Mapping[str, Any], where: str) -> MicrocircuitParameters:
        missing = [key for key in _KEYS if key not in table]
        if missing:
            raise DataError(f"{where}: {', '.join(missing)} missing; expected {', '.join(_KEYS)}")
        names = table["populations"]
        if not isinstance(names, list | tuple) or not all(
            isinstance(name, str) and name[-1:] in ("E", "I") for name in names
        ):
            raise DataError(f"{where}: populations: got {names!r}; expected names ending in E or I")
        n = len(names)
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(_KEYS[1:], (n,))
        shapes |= {"derived_num_synapses_target_by_source": (n, n)}
        shapes |= dict.fromkeys(_SCALARS, ())
        values = {key: _numbers(where, key, table[key], shape) for key, shape in shapes.items()}
        scalars = {key: float(values[key]) for key in _SCALARS}
        return cls(
            tuple(names),
            values["N_full"].astype(np.int64),
            values["derived_num_synapses_target_by_source"].astype(np.int64),
            values["K_ext"].astype(np.int64),
            values["full_mean_rates_hz"],
            psp_mv=scalars["PSP_e_mV"],
            psp_rel_sd=scalars["PSP_rel_sd"],
            g=scalars["g"],
            l4e_to_l23e=scalars["L4E_to_L23E_weight_factor"],
            bg_rate_hz=scalars["bg_rate_hz"],
        )


_SCALARS = ("PSP_e_mV", "PSP_rel_sd", "g", "L4E_to_L23E_weight_factor", "bg_rate_hz")
_KEYS = (
    "populations",
    "N_full",
    "derived_num_synapses_target_by_source",
    "K_ext",
    "full_mean_rates_hz",
    *_SCALARS,
)


def _numbers(where: str, key: str, value: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{where}: {key}: got {value!r}; expected numbers") from None
    if array.shape != shape:
        raise DataError(f"{where}: {key}: got shape {array.shape}; expected {shape}")
    allowed_negative = key == "g"
    if not np.isfinite(array).all() or (not allowed_negative and (array < 0).any()):
        raise DataError(f"{where}: {key}: got {value!r}; expected finite numbers >= 0")
    return array
