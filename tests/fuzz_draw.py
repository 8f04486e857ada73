"""Arguments for the fuzzer: arrays of every shape, dtype and layout, some of them spoilt."""

import random

import numpy as np

from strategies import LAYOUTS

#: What functions may raise for arguments that they cannot work with.
DOCUMENTED = (
    ValueError,
    TypeError,
    np.linalg.LinAlgError,
    NotImplementedError,
    MemoryError,
    OverflowError,
    IndexError,
)
DTYPES = (
    ["float64"] * 8
    + ["complex128"] * 3
    + ["float32", "complex64"] * 2
    + ["float16", "bool", "int8", "int64", "uint8", "uint32"]
)
LAYOUT_NAMES = ["C"] * 4 + sorted(LAYOUTS)
NUMBERS = np.random.default_rng(0).standard_normal(1 << 18)
FOREIGN_DTYPES = ("longdouble", "clongdouble", "object", "U4", "datetime64[s]", "S1")
NO_ARRAYS = (None, "text", [[1.0], [1.0, 2.0]], {"a": 1}, object(), b"", (), 1.5, [])


class Refused(Exception):
    """The call has raised what it may raise."""


class Unchecked(Exception):
    """The call has made sense of arguments that were spoilt, in its own way."""


class Wrong(AssertionError):
    """The call has done what it must not do."""


class Draw(random.Random):
    """Arguments of one case.

    `spoilt` once one of them is invalid; `given` are the arrays, with the bytes that they had.
    """

    def __init__(self, seed, spoiling=0.04):
        super().__init__(seed)
        self.spoiling = spoiling if self.chance(0.5) else 0.0
        self.spoilt = False
        self.given = []

    def chance(self, probability):
        return self.random() < probability

    def size(self, top=5):
        """A dimension: 0 and large ones now and then."""
        kind = self.random()
        if kind < 0.03:
            return 0
        return self.randint(6, 4 * top) if kind > 0.97 else self.randint(1, top)

    def batch(self):
        """Leading axes, mostly none; those of two draws broadcast."""
        return self.choice([(1,), (2,), (3, 1), (3, 2)]) if self.chance(0.1) else ()

    def numbers(self, shape, dtype):
        """Entries of moderate size, small integers where they are such."""
        count = int(np.prod(shape))
        start = self.randrange(len(NUMBERS) // 4)
        entries, kind = NUMBERS[start : start + count].reshape(shape), np.dtype(dtype).kind
        if kind == "b":
            return entries > 0
        if kind == "c":
            entries = entries + 1j * NUMBERS[start + count : start + 2 * count].reshape(shape)
        elif kind in "iu":
            entries = 3 * (np.abs(entries) if kind == "u" else entries)
        return entries.astype(dtype)

    def array(self, *shape, dtype=None, shift=0.0):
        """An array in some dtype and layout, plus `shift` times I; or, rarely, nothing of use."""
        if self.spoiling and self.chance(self.spoiling):
            return self.spoilt_array(shape)
        a = self.numbers(shape, dtype or self.choice(DTYPES))
        if shift and a.dtype != bool:
            a += (shift * np.eye(shape[-1])).astype(a.dtype)
        return self.laid_out(a, broadcast=not shift)

    def laid_out(self, a, broadcast=False):
        """The same array in another layout or as a list; with zero strides only if allowed to."""
        name = self.choice(LAYOUT_NAMES)
        if a.ndim == 0 or (name == "zero" and not (broadcast and a.size)):
            name = "C"
        a = LAYOUTS[name](a)
        self.given.append((a, a.tobytes()))
        if self.chance(0.02) and a.dtype.isnative and a.size and a.dtype.char in "dDlb?":
            return a.tolist()
        return a

    def spoilt_array(self, shape):
        """Of another shape or dtype, with NaN or Inf, masked, or no array at all."""
        self.spoilt = True
        kind = self.randrange(5)
        if kind == 0:
            return self.choice(NO_ARRAYS)
        if kind == 1:
            return np.zeros(shape, self.choice(FOREIGN_DTYPES))
        if kind == 2:
            return self.numbers([self.randint(0, 4) for _ in range(self.randint(0, 4))], "d")
        a = self.numbers(shape, self.choice(["d", "D", "f"]))
        if kind == 3:
            return self.choice([np.ma.masked_array(a, a.real > 0), a.astype("d", copy=False)])
        if a.size:
            a.flat[self.randrange(a.size)] = self.choice([np.nan, np.inf, -np.inf, 1e308, 1e-320])
        return a

    def call(self, function, *args, **kwargs):
        """f(...), a right one so far as can be said before looking at the value."""
        try:
            result = function(*args, **kwargs)
        except DOCUMENTED as error:
            if not self.spoilt and not isinstance(error, np.linalg.LinAlgError):
                raise Wrong(f"valid arguments refused: {error!r}") from error
            raise Refused(error) from error
        if self.spoilt:
            raise Unchecked
        if self.chance(0.1):
            require_equal_bits(result, function(*args, **kwargs))
        return result

    def require_inputs_kept(self):
        if any(a.tobytes() != before for a, before in self.given):
            raise Wrong("an argument was written to")


def require_equal_bits(result, again):
    """Equal inputs give equal results."""
    if isinstance(result, np.ndarray) and result.tobytes() != again.tobytes():
        raise Wrong(f"{result} and, from the same arguments, {again}")


def plain(a):
    """The same entries, in C order."""
    if isinstance(a, np.ndarray):
        return np.array(a, a.dtype.newbyteorder("="), order="C")
    return a
