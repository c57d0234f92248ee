"""Ray: a pool on this machine, or a cluster that runs already."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from neurosparse.environment import host
from neurosparse.errors import ParameterError, PoolError
from neurosparse.optional import load_optional

__all__ = ["import_ray", "ray_pool"]

ANSWER_LIMIT_S = 30.0  # for a cluster to say that it is one; Ray itself waits two minutes
_CONNECT_LIMIT_S = 5.0
_OBJECT_STORE_BYTES = 80 * 2**20  # results are small; Ray would take a third of the memory


def import_ray() -> Any:
    """Return the package; `BackendMissingError` where it is not installed."""
    # neither statistics for Ray's makers nor a notice about GPUs, which we do not use
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    return load_optional("ray", "sweeps", "sweep")


@contextlib.contextmanager
def ray_pool(address: str | None, workers: int | None) -> Iterator[Any]:
    """Start a pool on this machine or join a cluster; stop or leave it in the end.

    Parameters
    ----------
    address : str, optional
        ``"auto"`` (a cluster that runs on this machine) or ``"host:port"`` of a head node. Without
        it a pool is started, unless this process is connected to Ray already.
    workers : int, optional
        Cells at a time in a pool of our own; default one per core.

    Yields
    ------
    module
        ray, connected.

    Raises
    ------
    BackendMissingError
        If ray is not installed.
    ParameterError
        If no cluster answers at the address within about half a minute.
    PoolError
        If Ray cannot start a pool on this machine.
    """
    ray = import_ray()
    if ray.is_initialized():
        if address is not None:
            raise ParameterError(
                "address: this process is connected to Ray already; leave it out to use that"
            )
        yield ray
        return
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    logging.getLogger("ray").setLevel(logging.ERROR)
    if address is None:
        try:
            ray.init(
                address="local",
                num_cpus=workers or host()["cores"],
                include_dashboard=False,
                object_store_memory=_OBJECT_STORE_BYTES,
                **quiet,
            )
        # Ray raises what it likes: OSError, RuntimeError, its own
        except Exception as error:
            ray.shutdown()  # some of its processes may have started
            raise PoolError(
                f"Ray cannot start a pool on this machine: {type(error).__name__}: {error}"
            ) from error
    else:
        _check_address(address)
        try:
            ray.init(address=address, **quiet)
        # Ray raises what it likes: ConnectionError, RuntimeError, its own
        except Exception as error:
            raise ParameterError(f"address: {address} cannot be joined: {error}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_address(address: str) -> None:
    """Refuse an address where no Ray cluster answers; connecting to it would take minutes."""
    if address == "auto" or "://" in address:
        return
    name, _, port = address.rpartition(":")
    if not name or not port.isdecimal() or int(port) > 65535:
        raise ParameterError(f"address: got {address!r}; allowed is 'auto' or host:port")
    try:
        socket.create_connection((name.strip("[]"), int(port)), _CONNECT_LIMIT_S).close()
    except OSError as error:
        raise ParameterError(
            f"address: nothing answers at {address} ({error}); start a cluster with "
            "ray start --head --port=6379, and give its host:port"
        ) from error
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=ANSWER_LIMIT_S
        )
    except subprocess.TimeoutExpired:
        done = None
    if done is None or done.returncode:
        said = "" if done is None else (done.stderr.strip().splitlines() or [""])[-1]
        raise ParameterError(
            f"address: what answers at {address} is no Ray cluster of this version that takes us"
            + (f" ({said})" if said else "")
        )
