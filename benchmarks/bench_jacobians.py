"""Jacobians as operators: their products, their dense form, their memory; Hessians."""

from .cases import (
    DENSE_JACOBIAN,
    FORWARD,
    JACOBIAN_MEMORY,
    LIKELIHOOD_GRADIENT,
    LIKELIHOOD_HESSIAN,
    MAKE_JACOBIAN,
    REVERSE,
)
from .codes import Codes

JOBS = {
    "jacobian": MAKE_JACOBIAN,
    "J @ v": FORWARD,
    "J.T @ w": REVERSE,
    "J.toarray()": DENSE_JACOBIAN,
}
LIKELIHOODS = {"gradient": LIKELIHOOD_GRADIENT, "H @ v": LIKELIHOOD_HESSIAN}


class Cube:
    """J of A³, A n×n, in each use of it."""

    params = (
        tuple(sorted({n for case in JOBS.values() for n in case.sizes})),
        FORWARD.names,
        tuple(JOBS),
    )
    param_names = ("n", "code", "job")
    timeout = 300
    codes = Codes(JOBS)

    def time_job(self, n, code, job):
        self.codes.function(job, code, n)()

    def track_ratio(self, n, code, job):
        return self.codes.ratio(job, code, n)

    track_ratio.unit = "code's time / ours"


class Likelihood:
    """Derivatives of a Gaussian log-likelihood by an n×n covariance matrix."""

    params = (LIKELIHOOD_GRADIENT.sizes, LIKELIHOOD_GRADIENT.names, tuple(LIKELIHOODS))
    param_names = ("n", "code", "job")
    codes = Codes(LIKELIHOODS)

    def time_job(self, n, code, job):
        self.codes.function(job, code, n)()


class CubeMemory:
    """Peak memory of a process that makes J of A³ and applies it."""

    params = (JACOBIAN_MEMORY.sizes, JACOBIAN_MEMORY.names)
    param_names = ("n", "code")
    codes = Codes({"memory": JACOBIAN_MEMORY})

    def peakmem_product(self, n, code):
        self.codes.function("memory", code, n)()
