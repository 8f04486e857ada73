"""Jacobians as operators: their products, their dense form, their memory."""

from . import measure
from .cases import DENSE_JACOBIAN, FORWARD, JACOBIAN_MEMORY, REVERSE

JOBS = {"J @ v": FORWARD, "J.T @ w": REVERSE, "J.toarray()": DENSE_JACOBIAN}


class Cube:
    """J of A³, A n×n, in each use of it."""

    params = (
        tuple(sorted({n for case in JOBS.values() for n in case.sizes})),
        FORWARD.names,
        tuple(JOBS),
    )
    param_names = ("n", "code", "job")
    timeout = 300

    def setup(self, n, code, job):
        self.function = JOBS[job].function(code, n)

    def time_job(self, n, code, job):
        self.function()

    def track_ratio(self, n, code, job):
        return measure.ratio(JOBS[job], code, n)

    track_ratio.unit = "code's time / ours"


class CubeMemory:
    """Peak memory of a process that makes J of A³ and applies it."""

    params = (JACOBIAN_MEMORY.sizes, JACOBIAN_MEMORY.names)
    param_names = ("n", "code")

    def setup(self, n, code):
        self.function = JACOBIAN_MEMORY.function(code, n)

    def peakmem_product(self, n, code):
        self.function()
