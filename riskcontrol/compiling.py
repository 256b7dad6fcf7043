"""How the engine's innermost loops are compiled."""

from __future__ import annotations

from functools import partial

import numpy as np
from numba import njit

from riskcontrol.absent import absent

with absent("scipy"):
    # It asks for BLAS, which none of our loops uses, and which costs each command a fifth of a second.
    import numba.np.arraymath  # noqa: F401

_OPTIONS = {"cache": True, "nogil": True, "no_cfunc_wrapper": True}
_INNER = {**_OPTIONS, "no_cpython_wrapper": True}
"""What makes a function that compiled code alone calls, with no way in for Python, which would be compiled as well.
**Called from Python it ends the process.**"""

YES, NO = np.bool_(True), np.bool_(False)
"""For calls: with a `True` that stands in the code, which is of a type of its own, all that is called is compiled anew.
The same holds of a number that stands there, and of one of another width: `np.int64(0)`, `np.int64(order)`."""

entry = partial(njit, **_OPTIONS)()
"""Compiles what Python calls."""

inner = partial(njit, **_INNER)()
"""Compiles what compiled code alone calls."""

bare = partial(njit, **_INNER, _nrt=False)()
"""Compiles an inner loop that makes no arrays, without counting who uses those it is given: that costs it fifteen times
as much as its work (34 ns against 2 ns a call with a tuple of four arrays)."""

inlined = partial(njit, **_INNER, _nrt=False, forceinline=True)()
"""The same, put into its caller: a call copies every field of every array that it hands over, 40 % of the engine's time
before."""

pasted = partial(njit, **_INNER, inline="always")()
"""Puts a function into its caller before that is compiled: for one that calls much, and is called once or twice.

What is compiled by itself is optimised there, and once more in each that calls it.
"""
