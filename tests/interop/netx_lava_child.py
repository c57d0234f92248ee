"""Run dense layers in Lava as lava-dl's netx builds them: ``child.py runner given.npz out.npz``.

Runs in an interpreter that has Lava; imports nothing of neurosparse but the file that mends Lava's
import (``runner`` is the folder it is in). ``given.npz`` holds ``n_steps``, ``spikes`` (n_steps,
size) and by layer ``i`` and connection ``j``: ``wij``, ``dij`` (delays), ``eij`` (exponent and
bits), ``pi`` (du and dv), ``vi`` (thresholds), ``bi`` (biases).
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np


def main(runner: str, given_path: str, out_path: str) -> None:
    sys.path.insert(0, runner)
    from lava_compat import mend_import, watch_processes

    mend_import()
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi1SimCfg
    from lava.proc.dense.process import DelayDense, Dense
    from lava.proc.io.sink import RingBuffer as Sink
    from lava.proc.io.source import RingBuffer as Source
    from lava.proc.lif.process import LIF
    from lava.proc.monitor.process import Monitor

    watch_processes()
    given = dict(np.load(given_path))
    n_steps = int(given["n_steps"])
    front = Source(data=given["spikes"].T.astype(np.int32))
    results: dict[str, Any] = {}
    kept = []
    index = 0
    while f"w{index}0" in given:
        du, dv = given[f"p{index}"].tolist()
        size = given[f"w{index}0"].shape[0]
        lif = LIF(
            shape=(size,),
            du=du,
            dv=dv,
            vth=given[f"v{index}"],
            bias_mant=given[f"b{index}"].astype(np.int32),
            bias_exp=6,
        )
        for number, source in enumerate((front, lif)):
            if f"w{index}{number}" not in given:
                continue
            exponent, bits = given[f"e{index}{number}"].tolist()
            options = {
                "weights": given[f"w{index}{number}"],
                "weight_exp": exponent,
                "num_weight_bits": bits,
                "num_message_bits": 0,
            }
            delays = given[f"d{index}{number}"]
            if delays.any():
                connection = DelayDense(delays=delays.astype(int), max_delay=62, **options)
            else:
                connection = Dense(**options)
            source.s_out.connect(connection.s_in)
            connection.a_out.connect(lif.a_in)
        sink = Sink(shape=(size,), buffer=n_steps)
        lif.s_out.connect(sink.a_in)
        monitors = {}
        for variable in "uv":
            monitors[variable] = Monitor()
            monitors[variable].probe(getattr(lif, variable), n_steps)
        kept.append((sink, monitors))
        front, index = lif, index + 1
    kept[0][0].run(
        condition=RunSteps(num_steps=n_steps), run_cfg=Loihi1SimCfg(select_tag="fixed_pt")
    )
    for number, (sink, monitors) in enumerate(kept):
        results[f"s{number}"] = (sink.data.get() != 0).T
        for variable, monitor in monitors.items():
            (of_process,) = monitor.get_data().values()
            (trace,) = of_process.values()
            results[f"{variable}{number}"] = np.asarray(trace).astype(np.int64)
    kept[0][0].stop()
    np.savez(out_path, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
