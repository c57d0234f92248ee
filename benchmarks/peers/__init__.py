"""Programs that a benchmark runs in a process, and often in an interpreter, of their own.

``<tool>_<model>.py`` builds one model in one tool and simulates it on request; it is started as
``python -m benchmarks.peers.<tool>_<model>`` by `benchmarks.harness.Peer`, in the environment that
has the tool. What runs under another tool's interpreter imports `benchmarks.peers.serving`, the
standard library, numpy and that tool, nothing else.
"""
