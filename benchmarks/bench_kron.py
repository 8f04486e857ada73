"""Products with A⊗B, and with the duplication matrix, that are never formed."""

import otimes as ox

from . import measure
from .cases import DUPLICATION, ONE_SHOT, PRODUCT


class Product:
    """op @ x for two n×n factors, beside what is written by hand."""

    params = (PRODUCT.sizes, PRODUCT.names)
    param_names = ("n", "code")
    timeout = 300

    def setup(self, n, code):
        self.function = PRODUCT.function(code, n)

    def time_product(self, n, code):
        self.function()

    def track_ratio(self, n, code):
        return measure.ratio(PRODUCT, code, n)

    track_ratio.unit = "code's time / ours"


class OneShot:
    """The same from the factors, without an operator that is kept."""

    params = (ONE_SHOT.sizes, ONE_SHOT.names)
    param_names = ("n", "code")

    def setup(self, n, code):
        self.function = ONE_SHOT.function(code, n)

    def time_one_shot(self, n, code):
        self.function()


class ProductMemory:
    """Peak memory of a process that applies A⊗B to a vector of n² entries."""

    params = (50, 2048)
    param_names = ("n",)

    def setup(self, n):
        names = PRODUCT.inputs(n)
        self.factors, self.x = (names["A"], names["B"]), names["x"]

    def peakmem_product(self, n):
        return ox.kron(*self.factors) @ self.x


class Duplication:
    """D @ v for D of n by n matrices, beside an index table and a sparse matrix."""

    params = (DUPLICATION.sizes, DUPLICATION.names)
    param_names = ("n", "code")

    def setup(self, n, code):
        self.function = DUPLICATION.function(code, n)

    def time_duplication(self, n, code):
        self.function()

    def track_ratio(self, n, code):
        return measure.ratio(DUPLICATION, code, n)

    track_ratio.unit = "code's time / ours"
