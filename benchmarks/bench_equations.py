"""Linear matrix equations."""

import numpy as np

from . import measure
from .cases import MANY_SYLVESTER, STABLE_SYLVESTER, SYLVESTER

SPECTRA = {"general": SYLVESTER, "stable": STABLE_SYLVESTER}


class Sylvester:
    """A X + X B = Q, all n×n, with spectra of any kind and with separable ones."""

    params = (SYLVESTER.sizes, SYLVESTER.names, tuple(SPECTRA))
    param_names = ("n", "code", "spectra")
    timeout = 300

    def setup(self, n, code, spectra):
        self.function = SPECTRA[spectra].function(code, n)

    def time_solve(self, n, code, spectra):
        self.function()

    def track_ratio(self, n, code, spectra):
        return measure.ratio(SPECTRA[spectra], code, n)

    track_ratio.unit = "code's time / ours"

    def track_residual(self, n, code, spectra):
        A, B, Q = SPECTRA[spectra].inputs(n).values()
        X = self.function()
        norm_a, norm_b, norm_q, norm_x = map(np.linalg.norm, (A, B, Q, X))
        return np.linalg.norm(A @ X + X @ B - Q) / ((norm_a + norm_b) * norm_x + norm_q)


class ManySylvester:
    """n equations A X + X B = Q of size 4 in one call."""

    params = (MANY_SYLVESTER.sizes, MANY_SYLVESTER.names)
    param_names = ("n", "code")
    timeout = 300

    def setup(self, n, code):
        self.function = MANY_SYLVESTER.function(code, n)

    def time_solve(self, n, code):
        self.function()

    def track_ratio(self, n, code):
        return measure.ratio(MANY_SYLVESTER, code, n)

    track_ratio.unit = "code's time / ours"
