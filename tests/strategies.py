"""Hypothesis strategies: arrays of every size, dtype and memory layout that NumPy users have."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

INEXACT = ["float32", "float64", "complex64", "complex128"]
EXACT = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
DTYPES = [*INEXACT, *EXACT, "float16"]


def every_other(a):
    spaced = np.zeros([2 * n + 1 for n in a.shape], a.dtype)
    view = spaced[tuple(slice(1, 2 * n + 1, 2) for n in a.shape)]
    view[...] = a
    return view


def unaligned(a):
    raw = np.zeros(a.nbytes + 1, np.uint8)
    view = raw[1:].view(a.dtype).reshape(a.shape) if a.size else a
    view[...] = a
    return view


def packed_field(a):
    """A field of packed records: strides that are no multiple of the item size."""
    records = np.zeros(a.shape, np.dtype([("pad", np.uint8), ("value", a.dtype)]))
    records["value"] = a
    return records["value"]


def read_only(a):
    copy = a.copy()
    copy.setflags(write=False)
    return copy


def reverse(a):
    return a[tuple(slice(None, None, -1) for _ in a.shape)].copy()[
        tuple(slice(None, None, -1) for _ in a.shape)
    ]


#: The same values in another layout (zero strides: the first row for all rows).
LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "strided": every_other,
    "negative": reverse,
    "zero": lambda a: np.broadcast_to(a[:1], a.shape) if a.ndim else a,
    "read-only": read_only,
    "unaligned": unaligned,
    "packed": packed_field,
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder()),
}


def small_values(dtype):
    """Values small enough that sums of products stay exact in every dtype."""
    kind = np.dtype(dtype).kind
    if kind == "b":
        return st.booleans()
    if kind == "u":
        return st.integers(0, 3)
    if kind == "c":
        return st.builds(complex, st.integers(-3, 3), st.integers(-3, 3))
    return st.integers(-3, 3)


@st.composite
def arrays(draw, shape, dtypes=tuple(DTYPES)):
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    a = draw(hnp.arrays(dtype, shape, elements=small_values(dtype), fill=st.nothing()))
    return LAYOUTS[draw(st.sampled_from(sorted(LAYOUTS)))](a)


sizes = st.integers(0, 4)


@st.composite
def batches(draw, core, dtypes=tuple(DTYPES)):
    """An array (..., *core) with up to two leading axes."""
    lead = tuple(draw(st.lists(st.integers(0, 3), max_size=2)))
    return draw(arrays(lead + tuple(core), dtypes))


@st.composite
def factor_lists(draw, dtypes=tuple(INEXACT + EXACT), max_factors=4):
    """Factors of a Kronecker product, rectangular, of sizes from 0."""
    count = draw(st.integers(2, max_factors))
    top = 4 if count < 4 else 2
    size = st.integers(0, top)
    return [draw(arrays((draw(size), draw(size)), dtypes)) for _ in range(count)]
