"""Draw signs (numba).

Oracle: ``tests/sparsify/test_signs.py`` (fair coins).
"""

from __future__ import annotations

import numpy as np

from neurosparse.jit import kernel
from neurosparse.simulate.philox_kernels import WORDS, philox_block


@kernel
def draw_signs(key, signs):
    """Fill ``signs`` with -1 and +1, each with probability one half; ``key`` chooses which."""
    words = np.empty(WORDS, np.uint32)
    for low in range(0, signs.size, WORDS):
        philox_block(key, low // WORDS, 0, 0, words)
        for k in range(low, min(low + WORDS, signs.size)):
            signs[k] = 1 if words[k - low] >> np.uint32(31) else -1
