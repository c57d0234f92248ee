"""Benchmarks: every module here has ``run(quick) -> Iterable[Record]``.

``python -m benchmarks --list`` names them; ``benchmarks.harness`` is what they share.
"""
