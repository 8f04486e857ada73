"""Linear matrix equations: time, ratio to peers, residual and memory."""

import numpy as np

from . import cases
from .codes import Codes

CASES = {case.title: case for case in cases.CASES if case.area == "equations"}
SIZES = (10, 30, 100, 300)


class Equation:
    """Every equation of the table of cases, all n×n."""

    params = (SIZES, tuple(CASES))
    param_names = ("n", "equation")
    timeout = 300
    codes = Codes(CASES)

    def time_solve(self, n, equation):
        self.codes.function(equation, cases.OURS, n)()

    def peakmem_solve(self, n, equation):
        self.codes.function(equation, cases.OURS, n)()


class Rivals:
    """Ratios to the peers: above 1 we are faster."""

    params = (SIZES, tuple(CASES), tuple({k: 0 for c in CASES.values() for k in c.peers}))
    param_names = ("n", "equation", "peer")
    timeout = 300
    codes = Codes(CASES)

    def track_ratio(self, n, equation, peer):
        return self.codes.ratio(equation, peer, n)

    track_ratio.unit = "peer's time / ours"


class Residual:
    """What is left of A X + X B = Q, relative to its terms."""

    params = (SIZES, ("general", "stable"))
    param_names = ("n", "spectra")

    def setup(self, n, spectra):
        case = {"general": cases.SYLVESTER, "stable": cases.STABLE_SYLVESTER}[spectra]
        names = case.inputs(n)
        self.A, self.B, self.Q = (names[k] for k in "ABQ")
        self.X = case.function(cases.OURS, n)()

    def track_residual(self, n, spectra):
        norm_a, norm_b, norm_q, norm_x = map(np.linalg.norm, (self.A, self.B, self.Q, self.X))
        left = np.linalg.norm(self.A @ self.X + self.X @ self.B - self.Q)
        return left / ((norm_a + norm_b) * norm_x + norm_q)
