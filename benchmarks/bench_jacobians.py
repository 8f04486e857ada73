"""Jacobians as operators: their products, their dense form, their memory; Hessians."""

from . import measure
from .cases import (
    DENSE_JACOBIAN,
    FORWARD,
    JACOBIAN_MEMORY,
    LIKELIHOOD_GRADIENT,
    LIKELIHOOD_HESSIAN,
    MAKE_JACOBIAN,
    REVERSE,
)

JOBS = {
    "jacobian": MAKE_JACOBIAN,
    "J @ v": FORWARD,
    "J.T @ w": REVERSE,
    "J.toarray()": DENSE_JACOBIAN,
}
LIKELIHOODS = {"gradient": LIKELIHOOD_GRADIENT, "H @ v": LIKELIHOOD_HESSIAN}


def function_of(case, code, n):
    """The code of the case, which asv leaves out where there is none."""
    if code not in case.names:
        raise NotImplementedError(f"{code} does not do this job")
    return case.function(code, n)


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
        self.function = function_of(JOBS[job], code, n)

    def time_job(self, n, code, job):
        self.function()

    def track_ratio(self, n, code, job):
        return measure.ratio(JOBS[job], code, n)

    track_ratio.unit = "code's time / ours"


class Likelihood:
    """Derivatives of a Gaussian log-likelihood by an n×n covariance matrix."""

    params = (LIKELIHOOD_GRADIENT.sizes, LIKELIHOOD_GRADIENT.names, tuple(LIKELIHOODS))
    param_names = ("n", "code", "job")

    def setup(self, n, code, job):
        self.function = function_of(LIKELIHOODS[job], code, n)

    def time_job(self, n, code, job):
        self.function()


class CubeMemory:
    """Peak memory of a process that makes J of A³ and applies it."""

    params = (JACOBIAN_MEMORY.sizes, JACOBIAN_MEMORY.names)
    param_names = ("n", "code")

    def setup(self, n, code):
        self.function = JACOBIAN_MEMORY.function(code, n)

    def peakmem_product(self, n, code):
        self.function()
