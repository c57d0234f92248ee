"""Place an exported network inside a Lava program: spikes in, the network, spikes out.

    python own_program.py BUNDLE --tag fixed_pt --steps 100

drives every input population with random spikes or currents and prints how many spikes every output
population sent.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np
from lava_process import load_process  # type: ignore[import-not-found]  # before lava: mends it

from lava.magma.core.run_conditions import RunSteps  # isort: skip
from lava.magma.core.run_configs import Loihi2SimCfg  # isort: skip
from lava.proc.io.sink import RingBuffer as Sink  # isort: skip
from lava.proc.io.source import RingBuffer as Source  # isort: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Build the program, run it, print what came out."""
    parser = argparse.ArgumentParser(description="An exported network in a Lava program.")
    parser.add_argument("bundle")
    parser.add_argument("--tag", choices=("floating_pt", "fixed_pt"), default="fixed_pt")
    parser.add_argument("--steps", type=int, default=100)
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(0)

    net = load_process(options.bundle, tag=options.tag)
    for name in net.inputs:
        port = net.in_port(name)  # or net.in_ports.image, where you know the name
        spikes = rng.random((*port.shape, options.steps)) < 0.2
        source = Source(data=spikes.astype(np.int32 if options.tag == "fixed_pt" else float))
        source.s_out.connect(port)
    sinks = {}
    for name in net.outputs:
        port = net.out_port(name)
        sinks[name] = Sink(shape=port.shape, buffer=options.steps)
        port.connect(sinks[name].a_in)

    configuration = Loihi2SimCfg(select_tag=options.tag, select_sub_proc_model=True)
    net.run(condition=RunSteps(num_steps=options.steps), run_cfg=configuration)
    for name, sink in sinks.items():
        sys.stdout.write(f"{name}: {int(np.count_nonzero(sink.data.get()))} spikes\n")
    net.stop()


if __name__ == "__main__":
    main()
