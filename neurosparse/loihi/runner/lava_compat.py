"""Make lava-nc 0.10.0 importable on Python 3.11 and later, and let its processes die audibly.

Runs in the child interpreter: standard library and lava only, never neurosparse.
"""

from __future__ import annotations

import dataclasses
import importlib
import multiprocessing
import os
import signal
import sys
import traceback
from typing import Any

PROCESS_DIED = 3  # exit status when one of Lava's processes ended with an error

_MODULE = "lava.magma.compiler.var_model"
_CLASS = "ByteEncoder"


def mend_import() -> None:
    """Import the one module of Lava that Python 3.11 refuses.

    It has dataclass fields whose default is an instance of the eq-dataclass ``ByteEncoder``; since
    3.11 a default must be hashable. While that module is imported, ``ByteEncoder`` is made with
    ``unsafe_hash=True``. Nothing is done on 3.10, where Lava runs as published.
    """
    if sys.version_info < (3, 11):
        return
    original: Any = dataclasses.dataclass

    def dataclass(cls: Any = None, **options: Any) -> Any:
        def decorate(target: Any) -> Any:
            if target.__module__ == _MODULE and target.__name__ == _CLASS:
                return original(target, **{**options, "unsafe_hash": True})
            return original(target, **options)

        return decorate if cls is None else decorate(cls)

    dataclasses.dataclass = dataclass
    try:
        importlib.import_module(_MODULE)
    finally:
        dataclasses.dataclass = original


def watch_processes() -> None:
    """End this process as soon as one of Lava's processes dies.

    By default Lava keeps the traceback of a dead process to itself and waits for ever. Here the
    process prints its traceback and exits with status 1; this one then kills the others and exits
    with status 3.
    """
    from lava.magma.runtime.message_infrastructure.multiprocessing import SystemProcess

    started: list[Any] = []
    start = SystemProcess.start

    def start_and_remember(self: Any) -> None:
        started.append(self)
        start(self)

    def run_audibly(self: Any) -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            multiprocessing.Process.run(self)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            raise

    def look_for_dead(*_: Any) -> None:
        for process in started:
            try:
                status = process.exitcode
            except ValueError:  # closed after a regular end
                continue
            if status not in (None, 0):
                sys.stderr.write(f"a Lava process died with status {status}\n")
                sys.stderr.flush()
                for child in multiprocessing.active_children():
                    child.kill()
                os._exit(PROCESS_DIED)

    SystemProcess.start = start_and_remember
    SystemProcess.run = run_audibly
    signal.signal(signal.SIGCHLD, look_for_dead)
