"""NetX files that are damaged, foreign, or hold what has no equivalent."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosparse.errors import BackendMissingError, ParameterError, StorageError
from neurosparse.interop import from_netx
from tests.interop.netx_files import NEURON, block, h5py, write_net

SOURCE = block("input", [4])
WEIGHT = np.array([[2, 4, -6, 8], [0, 2, -2, 30]])


def dense(**fields: Any) -> dict[str, Any]:
    return block("dense", [2], **{"weight": WEIGHT, "neuron": NEURON, **fields})


def test_everything_is_named_in_one_error(tmp_path: Path) -> None:
    path = write_net(
        tmp_path / "x.net",
        [
            block("input", [1, 6, 6], neuron=NEURON),
            block("conv", [2, 4, 4], neuron=NEURON),
            block("pool", [2, 2, 2], neuron=NEURON),
            block("flatten", [8, 1, 1]),
            dense(neuron=NEURON | {"type": "SDNN"}),
            block("concat", [4], layers=[0, 1]),
            dense(bias=np.array([5000, 0])),
        ],
    )
    with pytest.raises(ParameterError) as caught:
        from_netx(path)
    lines = str(caught.value).split("\n  - ")
    assert lines[0] == f"{path}: cannot be converted: 5 problems"
    assert [re.match(r"layer (\d)", line)[1] for line in lines[1:]] == list("12456")  # type: ignore[index]
    assert "'conv' has no equivalent; allowed are input, flatten, dense, dense_rec" in lines[1]
    assert "neurons of type 'SDNN'; allowed are CUBA and LOIHI" in lines[3]
    assert "bias from 0 to 5000; allowed is -4096 to 4095" in lines[5]


@pytest.mark.parametrize("kind", ["conv", "convT", "pool", "unpool", "concat", "dense_comp", "x"])
def test_layers_without_equivalent(tmp_path: Path, kind: str) -> None:
    path = write_net(tmp_path / "x.net", [SOURCE, block(kind, [4]), dense()])
    with pytest.raises(ParameterError, match=f"1 problem\n  - layer 1: '{kind}' has no equivalent"):
        from_netx(path)


LAYERS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "resonate and fire": (
        [SOURCE, dense(neuron=NEURON | {"type": "RF_PHASE"})],
        "layer 1: neurons of type 'RF_PHASE'",
    ),
    "current that never decays": (
        [SOURCE, dense(neuron=NEURON | {"iDecay": 0})],
        "layer 1: iDecay=0; allowed is 1 to 4096",
    ),
    "voltage decay": (
        [SOURCE, dense(neuron=NEURON | {"vDecay": 5000})],
        "layer 1: vDecay=5000; allowed is 0 to 4096",
    ),
    "threshold": (
        [SOURCE, dense(neuron=NEURON | {"vThMant": -3})],
        "layer 1: vThMant=-3; allowed is >= 0",
    ),
    "decays of neurons": (
        [SOURCE, dense(neuron=NEURON | {"iDecay": [1, 2]})],
        "layer 1: iDecay has 2 entries; expected one number",
    ),
    "not whole": (
        [SOURCE, dense(neuron=NEURON | {"vDecay": 1.5})],
        "layer 1: vDecay=1.5; expected a whole number",
    ),
    "missing parameter": (
        [SOURCE, dense(neuron={"type": "CUBA", "iDecay": 1, "vDecay": 1})],
        "layer 1: neuron/vThMant is missing",
    ),
    "weights of one sign": (
        [SOURCE, dense(weight=WEIGHT**2)],
        "layer 1: weights from 0 to 900; allowed are -256 to 0, 0 to 255",
    ),
    "nine bits": (
        [SOURCE, dense(weight=[[-256, 1, 3, 5], [2, 2, 2, 2]])],
        "layer 1: weights of -256 beside odd ones take 9 bits",
    ),
    "weights of others": (
        [block("input", [5]), dense()],
        "layer 1: weights take 4 inputs, but 5 lead to it",
    ),
    "shape of weights": (
        [SOURCE, dense(weight=WEIGHT.T)],
        r"layer 1: weight has shape \(4, 2\), for 2 neurons",
    ),
    "no weights": ([SOURCE, dense(weight=None)], "layer 1: has no weight"),
    "no recurrent weights": (
        [SOURCE, {**dense(), "type": "dense_rec"}],
        "layer 1: has no weight_rec",
    ),
    "no shape": ([SOURCE, {**dense(), "shape": None}], "layer 1: has no shape"),
    "bias of others": (
        [SOURCE, dense(bias=[1, 2, 3])],
        "layer 1: bias has 3 entries for 2 neurons",
    ),
    "bias without neurons": (
        [SOURCE, dense(neuron=None, bias=[1, 2])],
        "layer 1: a bias without neurons",
    ),
    "delay of others": (
        [SOURCE, dense(delay=[1, 2, 3])],
        r"layer 1: delay has shape \(3,\), for weights of shape \(2, 4\)",
    ),
    "delay below 0": ([SOURCE, dense(delay=[-1, 2])], "layer 1: delays down to -1"),
    "recurrent delays": (
        [
            SOURCE,
            block(
                "dense_rec", [2], weight=WEIGHT, weight_rec=np.eye(2), delay=[1, 2], neuron=NEURON
            ),
        ],
        "layer 1: delays in 'dense_rec' have no equivalent",
    ),
    "input in between": ([SOURCE, dense(), SOURCE], "layer 2: an input after other layers"),
    "nothing to run": ([SOURCE, block("flatten", [4])], "there is no dense layer"),
}


@pytest.mark.parametrize(("layers", "message"), LAYERS.values(), ids=LAYERS.keys())
def test_settings(tmp_path: Path, layers: list[dict[str, Any]], message: str) -> None:
    path = write_net(tmp_path / "x.net", layers)
    with pytest.raises(ParameterError, match=f"cannot be converted: 1 problem\n  - {message}"):
        from_netx(path)


def test_complex_weights(tmp_path: Path) -> None:
    path = write_net(tmp_path / "x.net", [SOURCE, dense(weight=None)])
    with h5py.File(path, "a") as file:
        file["layer/1/weight/real"] = WEIGHT
        file["layer/1/weight/imag"] = WEIGHT
    with pytest.raises(ParameterError, match="layer 1: complex weights have no equivalent"):
        from_netx(path)


def test_message_bits(tmp_path: Path) -> None:
    path = write_net(tmp_path / "x.net", [block("input", [4], neuron=NEURON), dense()])
    with pytest.raises(ParameterError, match="layer 0: has neurons, whose spikes have no value"):
        from_netx(path, input_message_bits=3)
    with pytest.raises(ParameterError, match="input_message_bits: got 25; allowed is a whole"):
        from_netx(path, input_message_bits=25)


# ---------------------------------------------------------------------- files


def remove(name: str) -> Callable[[Any], None]:
    return lambda file: file.__delitem__(name)


def put(name: str, value: Any) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        if name in file:
            del file[name]
        file[name] = value

    return change


DAMAGE: dict[str, tuple[Callable[[Any], None], str]] = {
    "no layers": (remove("layer"), "it has no group 'layer'"),
    "a layer missing": (remove("layer/0"), r"layers are \['1'\]; expected 0 to 0"),
    "no type": (remove("layer/1/type"), "layer 1 has no type"),
    "layer is no group": (put("layer/1", 3), "layer 1 has no type"),
    "type is a number": (put("layer/1/type", np.zeros(0)), "index 0 is out of bounds"),
    "text for weights": (put("layer/1/weight", "abc"), "layer 1: weight holds"),
    "not finite": (put("layer/1/weight", WEIGHT * np.nan), "layer 1: weight holds numbers that"),
    "shape": (put("layer/1/shape", [0, 1]), r"layer 1: shape is \[0, 1\]"),
    "neuron is no group": (put("layer/1/neuron", 3), "not a readable NetX file"),
    "text for a parameter": (put("layer/1/neuron/iDecay", "x"), "layer 1: neuron/iDecay holds"),
}


@pytest.mark.parametrize(("change", "message"), DAMAGE.values(), ids=DAMAGE.keys())
def test_foreign_files(tmp_path: Path, change: Callable[[Any], None], message: str) -> None:
    path = write_net(tmp_path / "x.net", [SOURCE, dense()])
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(StorageError, match=message) as caught:
        from_netx(path)
    assert str(path) in str(caught.value)


def test_truncated_and_altered_files(tmp_path: Path) -> None:
    path = write_net(tmp_path / "x.net", [SOURCE, dense()])
    whole = path.read_bytes()
    for n_bytes in (0, 7, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:n_bytes])
        with pytest.raises(StorageError, match="not a readable NetX file"):
            from_netx(path)
    with pytest.raises(StorageError, match="no such file"):
        from_netx(tmp_path / "none.net")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="no such file"):
        from_netx(tmp_path / "folder")


def test_without_h5py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(BackendMissingError, match=re.escape("pip install 'neurosparse[interop]'")):
        from_netx(tmp_path / "x.net")
