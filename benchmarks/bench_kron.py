"""Products with A⊗B that is never formed, its dense array, and selections."""

import otimes as ox

from .cases import (
    CHAIN,
    CHAINS,
    COMMUTATION,
    DENSE_KRON,
    DUPLICATION,
    ONE_SHOT,
    PRODUCT,
    PRODUCTS,
)
from .codes import Codes

MOVES = {"dense": DENSE_KRON, "commutation": COMMUTATION, "duplication": DUPLICATION}
CODES = tuple({name: None for case in MOVES.values() for name in case.names})
SIZES = tuple(sorted({n for case in MOVES.values() for n in case.sizes}))


class Product:
    """op @ x for two n×n factors, beside what is written by hand."""

    params = (PRODUCT.sizes, PRODUCT.names, tuple(PRODUCTS))
    param_names = ("n", "code", "dtype")
    timeout = 300
    codes = Codes(PRODUCTS)

    def time_product(self, n, code, dtype):
        self.codes.function(dtype, code, n)()

    def track_ratio(self, n, code, dtype):
        return self.codes.ratio(dtype, code, n)

    track_ratio.unit = "code's time / ours"


class Chain:
    """x @ op for many equal factors: (entries of x, p of the p×p factors, their number)."""

    params = (tuple(map(tuple, CHAIN.sizes)), CHAIN.names, tuple(CHAINS))
    param_names = ("size", "code", "dtype")
    timeout = 300
    codes = Codes(CHAINS)

    def time_product(self, size, code, dtype):
        self.codes.function(dtype, code, tuple(size))()

    def track_ratio(self, size, code, dtype):
        return self.codes.ratio(dtype, code, tuple(size))

    track_ratio.unit = "code's time / ours"


class OneShot:
    """The same from the factors, without an operator that is kept."""

    params = (ONE_SHOT.sizes, ONE_SHOT.names)
    param_names = ("n", "code")
    codes = Codes({"one shot": ONE_SHOT})

    def time_one_shot(self, n, code):
        self.codes.function("one shot", code, n)()


class ProductMemory:
    """Peak memory of a process that applies A⊗B to a vector of n² entries."""

    params = (50, 2048)
    param_names = ("n",)

    def setup(self, n):
        names = PRODUCT.inputs(n)
        self.factors, self.x = (names["A"], names["B"]), names["x"]

    def peakmem_product(self, n):
        return ox.kron(*self.factors) @ self.x


class DataMovement:
    """Jobs whose time is that of memory: A⊗B as an array, vec(X) to vec(Xᵀ)."""

    params = (SIZES, CODES, tuple(MOVES))
    param_names = ("n", "code", "job")
    timeout = 300
    codes = Codes(MOVES)

    def time_job(self, n, code, job):
        self.codes.function(job, code, n)()

    def track_ratio(self, n, code, job):
        return self.codes.ratio(job, code, n)

    track_ratio.unit = "code's time / ours"
