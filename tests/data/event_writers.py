"""Event files written byte by byte, and a slow decoder that follows the description alone."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st
from numpy.typing import NDArray

Event = tuple[int, int, int, int]  # x, y, t [us], polarity

needs_tonic = pytest.mark.skipif(find_spec("tonic") is None, reason="no tonic (docs/data.md)")
needs_aedat = pytest.mark.skipif(find_spec("aedat") is None, reason="no aedat (docs/data.md)")

SHAPE = (2, 5, 7)  # of the recordings drawn here
KIND = [("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", np.bool_)]

events = st.tuples(
    st.integers(0, SHAPE[2] - 1),
    st.integers(0, SHAPE[1] - 1),
    st.integers(0, 400),
    st.integers(0, SHAPE[0] - 1),
)
recordings = st.lists(st.lists(events, max_size=20), min_size=1, max_size=5)


def structured(recording: Iterable[Event]) -> NDArray[np.void]:
    """Return a recording as tonic does."""
    return np.array(list(recording), dtype=KIND)


def mnist_bytes(recording: Iterable[Event]) -> bytes:
    """Return a recording in the 40 bits of an N-MNIST event: x, y, polarity and 23 bits of time."""
    out = bytearray()
    for x, y, t, p in recording:
        out += bytes([x, y]) + (p << 23 | t).to_bytes(3, "big")
    return bytes(out)


def decode_mnist(content: bytes) -> list[Event]:
    """Decode what `mnist_bytes` makes, bit by bit."""
    found = []
    for k in range(0, len(content), 5):
        x, y, third, fourth, fifth = content[k : k + 5]
        found.append((x, y, (third % 128) * 65536 + fourth * 256 + fifth, third // 128))
    return found


def flattened(recording: Iterable[Event], shape: tuple[int, int, int]) -> list[tuple[int, int]]:
    """Return times and addresses, sorted by time and otherwise as they came."""
    _, height, width = shape
    return sorted(
        ((t, (p * height + y) * width + x) for x, y, t, p in recording), key=lambda event: event[0]
    )


def write_published(root: Path, parts: dict[str, dict[str, list[list[Event]]]]) -> Path:
    """Write ``<part>/<class>/00001.bin`` and so on."""
    for part, classes in parts.items():
        for label, recordings_of in classes.items():
            folder = root / part / label
            folder.mkdir(parents=True)
            for k, recording in enumerate(recordings_of, 1):
                (folder / f"{k:05}.bin").write_bytes(mnist_bytes(recording))
    return root


_XML = """<dv version="2.0"><node name="outInfo" path="/mainloop/Recorder/outInfo/">
<node name="0" path="/mainloop/Recorder/outInfo/0/">
<attr key="compression" type="string">NONE</attr>
<attr key="originalModuleName" type="string">capture</attr>
<attr key="originalOutputName" type="string">events</attr>
<attr key="typeDescription" type="string">Array of events.</attr>
<attr key="typeIdentifier" type="string">EVTS</attr>
<node name="info" path="/mainloop/Recorder/outInfo/0/info/">
<attr key="sizeX" type="int">7</attr><attr key="sizeY" type="int">5</attr>
<attr key="source" type="string">test</attr></node></node></node></dv>"""


def aedat4_bytes(packets: Iterable[list[Event]]) -> bytes:
    """Return AEDAT 4 without compression: an IOHeader, then packets of events (flatbuffers)."""
    text = _XML.encode()
    # root offset, identifier, vtable (its size, the table's, three fields), table: string, length
    header = struct.pack("<I4s5H2xiII", 20, b"IOHE", 10, 8, 0, 0, 4, 12, 4, len(text)) + text
    header += b"\0" * (8 - len(header) % 8)
    out = b"#!AER-DAT4.0\r\n" + struct.pack("<I", len(header)) + header
    for packet in packets:
        body = struct.pack("<I4s3H2xiII", 16, b"EVTS", 6, 8, 4, 8, 4, len(packet))
        body += b"".join(struct.pack("<qhhB3x", t, x, y, p) for x, y, t, p in packet)
        body = struct.pack("<I", len(body)) + body
        out += struct.pack("<ii", 0, len(body)) + body
    return out
