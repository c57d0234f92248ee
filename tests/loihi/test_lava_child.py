"""Children that die, hang or talk nonsense; none of them needs Lava."""

from __future__ import annotations

import fcntl
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurosparse.errors import (
    BackendMissingError,
    LavaRunError,
    ParameterError,
    StorageError,
    TopologyError,
)
from neurosparse.loihi import Bundle, lava_available, run_lava, write_bundle
from neurosparse.network import FixedPointLIF, Network, Population

FakePython = Callable[[str], Path]


def run(bundle: Bundle, interpreter: Path | str, timeout_s: float = 60.0) -> None:
    run_lava(
        bundle,
        {"in": np.ones((3, 12), dtype=np.uint8)},
        tag="fixed_pt",
        interpreter=interpreter,
        timeout_s=timeout_s,
    )


def test_child_that_dies(bundle: Bundle, fake_python: FakePython) -> None:
    python = fake_python("raise RuntimeError('the roof is on fire')")
    with pytest.raises(LavaRunError, match="Lava failed with status 1") as caught:
        run(bundle, python)
    assert "Traceback" in str(caught.value)
    assert "| RuntimeError: the roof is on fire" in str(caught.value)


def test_child_that_is_killed(bundle: Bundle, fake_python: FakePython) -> None:
    with pytest.raises(LavaRunError, match=r"status -9 \(it printed nothing\)"):
        run(bundle, fake_python("os.kill(os.getpid(), 9)"))


def test_child_that_hangs(bundle: Bundle, fake_python: FakePython) -> None:
    python = fake_python("print('so far so good', flush=True); time.sleep(600)")
    with pytest.raises(LavaRunError, match=r"did not finish within 0\.5 s") as caught:
        run(bundle, python, timeout_s=0.5)
    assert "so far so good" in str(caught.value)


@pytest.mark.parametrize(
    ("ending", "own_session"),
    [
        ("time.sleep(600)", False),
        ("sys.exit(1)", False),
        ("sys.exit(0)", False),
        pytest.param(
            "sys.exit(0)",
            True,
            marks=pytest.mark.skipif(not Path("/proc").is_dir(), reason="found by /proc"),
        ),
    ],
)
def test_nothing_is_left_behind(
    bundle: Bundle, fake_python: FakePython, tmp_path: Path, ending: str, own_session: bool
) -> None:
    """A process started by the child holds a lock for as long as it lives.

    One with a session of its own is no member of the child's process group any more.
    """
    lock, ready = tmp_path / "lock", tmp_path / "ready"
    grandchild = (
        f"import fcntl, pathlib, time; f = open({str(lock)!r}, 'w'); "
        f"fcntl.flock(f, fcntl.LOCK_EX); pathlib.Path({str(ready)!r}).touch(); time.sleep(600)"
    )
    python = fake_python(
        f"""
        import pathlib, subprocess
        subprocess.Popen(
            [sys.executable, "-c", {grandchild!r}], start_new_session={own_session}
        )
        while not pathlib.Path({str(ready)!r}).exists():
            time.sleep(0.01)
        {ending}
        """
    )
    with pytest.raises(LavaRunError):
        run(bundle, python, timeout_s=3.0)
    assert ready.exists()
    with lock.open() as file:
        for _ in range(500):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:  # the kernel is still taking it down
                time.sleep(0.01)
        else:
            pytest.fail("a process of the child is still alive")


@pytest.mark.parametrize(
    "code",
    [
        "print('done')",
        "open(arguments[3], 'w').write('nonsense')",
        "open(arguments[3], 'wb').write(b'PK' + bytes(100))",
        "open(arguments[3], 'wb').write(os.urandom(5000))",
        "os.mkdir(arguments[3])",
        "import numpy; numpy.savez(arguments[3], spikes=numpy.zeros(3))",
        "import numpy; numpy.savez(arguments[3], versions=numpy.array([{}], dtype=object))",
        "import numpy; numpy.savez(arguments[3], versions=numpy.array('[1, 2]'))",
    ],
)
def test_child_without_a_result(bundle: Bundle, fake_python: FakePython, code: str) -> None:
    with pytest.raises(LavaRunError, match="ended without a readable result"):
        run(bundle, fake_python(code))


def test_child_with_a_result_of_another_shape(bundle: Bundle, fake_python: FakePython) -> None:
    python = fake_python(
        """
        import numpy
        spikes = {f"spikes:{name}": numpy.zeros((2, 2)) for name in ("in", "hidden", "out")}
        numpy.savez(arguments[3], versions=numpy.array("{}"), run_s=1.0, start_s=1.0, **spikes)
        """
    )
    with pytest.raises(LavaRunError, match=r"gave spikes:in of shape \(2, 2\); expected \(3, 12\)"):
        run(bundle, python)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("spikes['spikes:in'] = numpy.full((3, 12), 7)", "spikes:in other than -1, 0 and 1"),
        ("spikes['spikes:in'] = numpy.full((3, 12), 'x')", "spikes:in of <U1; expected numbers"),
        ("spikes['run_s'] = numpy.zeros(4)", r"run_s of shape \(4,\); expected \(\)"),
        ("del spikes['start_s']", "without a readable result .*start_s"),
    ],
)
def test_child_with_garbage_for_numbers(
    bundle: Bundle, fake_python: FakePython, change: str, message: str
) -> None:
    python = fake_python(
        f"""
        import numpy
        sizes = {{"in": 12, "hidden": 9, "out": 4}}
        spikes = {{f"spikes:{{name}}": numpy.eye(3, n) for name, n in sizes.items()}}
        spikes |= {{"start_s": 0.5, "run_s": 0.25, "versions": numpy.array("{{}}")}}
        {change}
        numpy.savez(arguments[3], **spikes)
        """
    )
    with pytest.raises(LavaRunError, match=message):
        run(bundle, python)


def test_what_a_talkative_child_says_is_cut_and_printable(
    bundle: Bundle, fake_python: FakePython
) -> None:
    python = fake_python(
        r"""
        os.write(2, bytes(range(256)) * 8000 + b"\n\x1b[31mred\x07" + b"y" * 5000)
        sys.exit(7)
        """
    )
    with pytest.raises(LavaRunError, match="Lava failed with status 7") as caught:
        run(bundle, python)
    message = str(caught.value)
    assert len(message) < 12_000
    assert all(c.isprintable() or c == "\n" for c in message)
    assert message.endswith("[31mred" + "y" * 393)


def test_garbage_on_stdout_is_no_error(bundle: Bundle, fake_python: FakePython) -> None:
    python = fake_python(
        r"""
        import numpy
        os.write(1, b"\xff\xfe garbage \x00" * 100_000)
        sizes = {"in": 12, "hidden": 9, "out": 4}
        spikes = {f"spikes:{name}": numpy.eye(3, n) for name, n in sizes.items()}
        spikes |= {"start_s": 0.5, "run_s": 0.25, "versions": numpy.array('{"lava": "fake"}')}
        numpy.savez(arguments[3], **spikes)
        """
    )
    result = run_lava(bundle, {"in": np.ones((3, 12))}, tag="fixed_pt", interpreter=python)
    assert result.versions == {"lava": "fake"}
    assert result.spikes["out"].neurons.tolist() == [0, 1, 2]
    assert result.wall_s > 0
    assert (result.start_s, result.run_s) == (0.5, 0.25)


def test_what_the_child_gets(bundle: Bundle, fake_python: FakePython, tmp_path: Path) -> None:
    python = fake_python(
        f"""
        import shutil
        shutil.copy(arguments[2], {str(tmp_path / "inputs.npz")!r})
        print(arguments[4:], os.environ["OMP_NUM_THREADS"], os.getpgid(0) == os.getpid())
        sys.exit(1)
        """
    )
    with pytest.raises(LavaRunError) as caught:
        run_lava(
            bundle,
            {"in": np.eye(2, 12), "hidden": np.full((1, 9), 5)},
            4,
            tag="fixed_pt",
            reset_every=3,
            record=["hidden", "out"],
            interpreter=python,
        )
    options = "['--tag=fixed_pt', '--reset-every=3', '--record=hidden', '--record=out'] 1 True"
    assert options in str(caught.value)
    with np.load(tmp_path / "inputs.npz") as inputs:
        assert int(inputs["n_steps"]) == 4
        assert inputs["input:in"].tolist() == np.eye(4, 12)[:, :].tolist()[:2] + [[0] * 12] * 2
        assert inputs["input:hidden"].tolist() == [[5] * 9] + [[0] * 9] * 3


# ---------------------------------------------------------------------- missing parts


def test_lava_missing(bundle: Bundle, fake_python: FakePython) -> None:
    """The real runner in an interpreter that has no lava."""
    python = fake_python(
        """
        import runpy
        sys.modules["lava"] = None
        sys.path.insert(0, os.path.dirname(arguments[0]))
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")
        """
    )
    with pytest.raises(BackendMissingError) as caught:
        run(bundle, python)
    message = str(caught.value)
    assert "pip install --no-deps --ignore-requires-python lava-nc==0.10.0" in message
    assert "pip install networkx asteval scikit-learn scipy" in message
    assert "missing in this interpreter" in message


def test_interpreter_missing(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(BackendMissingError, match=r"interpreter: cannot start .*No such file"):
        run(bundle, tmp_path / "python9")


def test_interpreter_that_may_not_run(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "python9").write_text("#!/bin/sh\n")
    with pytest.raises(BackendMissingError, match=r"interpreter: cannot start .*Permission denied"):
        run(bundle, tmp_path / "python9")


def test_availability(fake_python: FakePython, tmp_path: Path) -> None:
    assert not lava_available(tmp_path / "python9")
    assert not lava_available(fake_python("sys.exit(1)"))
    assert isinstance(lava_available(), bool)
    assert lava_available() == lava_available(sys.executable)


def test_availability_is_kept(fake_python: FakePython, tmp_path: Path) -> None:
    python = fake_python(f"open({str(tmp_path / 'calls')!r}, 'a').write('x')")
    assert lava_available(python)
    assert lava_available(python)
    assert (tmp_path / "calls").read_text() == "x"


# ---------------------------------------------------------------------- arguments


def test_arguments_are_checked_before_anything_starts(bundle: Bundle, tmp_path: Path) -> None:
    spikes = {"in": np.ones((3, 12))}
    nowhere = tmp_path / "python9"
    with pytest.raises(ParameterError, match="timeout_s: got 0; allowed is > 0 s"):
        run_lava(bundle, spikes, tag="fixed_pt", timeout_s=0, interpreter=nowhere)
    with pytest.raises(TopologyError, match="record: 'in' is no population of neurons"):
        run_lava(bundle, spikes, tag="fixed_pt", record=["in"], interpreter=nowhere)
    with pytest.raises(ParameterError, match="n_steps: got 0"):
        run_lava(bundle, spikes, 0, tag="fixed_pt", interpreter=nowhere)
    with pytest.raises(ParameterError, match="reset_every: got 2, but population 'out' lies 2"):
        run_lava(bundle, spikes, tag="fixed_pt", reset_every=2, interpreter=nowhere)
    with pytest.raises(ParameterError, match="tag: got 'fixed'"):
        run_lava(bundle, spikes, tag="fixed", interpreter=nowhere)  # type: ignore[arg-type]
    with pytest.raises(TopologyError, match="inputs: no population 'x'"):
        run_lava(bundle, {"x": np.ones((1, 1))}, tag="fixed_pt", interpreter=nowhere)
    with pytest.raises(ParameterError, match="inputs: a current of 131073; allowed is -131072"):
        run_lava(bundle, {"out": np.full((1, 4), 131073)}, tag="fixed_pt", interpreter=nowhere)


def test_altered_bundle_is_not_run(bundle: Bundle, tmp_path: Path) -> None:
    (bundle.path / "arrays.npz").write_bytes(b"")
    with pytest.raises(StorageError, match=r"arrays\.npz was changed"):
        run_lava(bundle.path, {}, 3, tag="fixed_pt", interpreter=tmp_path / "python9")


def test_reset_every_of_one_step_is_fine_without_depth(
    tmp_path: Path, fake_python: FakePython
) -> None:
    alone = write_bundle(tmp_path / "b", Network({"x": Population(1, FixedPointLIF())}))
    python = fake_python("print(arguments[5]); sys.exit(1)")
    with pytest.raises(LavaRunError, match="reset-every=1"):
        run_lava(alone, {}, 3, tag="fixed_pt", reset_every=1, interpreter=python)
