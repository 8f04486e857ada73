"""Derivatives of Fourier transforms: equal to the transforms of unit vectors, and to JAX's."""

import numpy as np
import pytest

import otimes as ox
from derivatives import by_jax, error_against, error_against_jax

rng = np.random.default_rng(33)
A, T = rng.standard_normal((5, 3)), rng.standard_normal((2, 3, 2))
Z = A + 1j * A[::-1]


def transform(name, **options):
    return lambda xp, x: getattr(xp.fft, name)(x, **options)


#: name -> (function, its arguments)
CASES = {
    **{
        f"{name} {options} {x.dtype}": (transform(name, **options), (x,))
        for x in (A, Z)
        for name in ("fft", "ifft")
        for options in ({}, {"n": 2}, {"n": 7, "axis": 0}, {"norm": "ortho", "axis": -2})
    },
    **{
        f"rfft {options}": (transform("rfft", **options), (A,))
        for options in ({}, {"n": 2}, {"n": 7, "axis": 0}, {"norm": "forward", "axis": -2})
    },
    **{
        f"{name} {options}": (transform(name, **options), (x,))
        for name in ("fft2", "ifft2", "rfft2", "fftn", "ifftn", "rfftn")
        for x, options in ((A, {}), (T, {"axes": (2, 0)}), (A, {"s": (4, 4), "axes": (0, 1)}))
    },
    **{
        f"irfft of rfft, {n} along {axis}": (
            lambda xp, x, n=n, axis=axis: xp.fft.irfft(xp.fft.rfft(x, axis=axis) ** 2, n, axis),
            (A,),
        )
        for n in (None, 3, 4, 5, 8)
        for axis in (0, -1)
    },
    **{
        f"{name} {options}": (transform(name, **options), (x,))
        for name in ("fftshift", "ifftshift")
        for x, options in ((A, {}), (T, {"axes": 1}), (T, {"axes": (0, -1)}))
    },
}


@pytest.fixture(scope="module")
def theirs():
    return by_jax(CASES)


@pytest.mark.parametrize("name", CASES)
def test_against_jax(name, theirs):
    assert error_against_jax(*CASES[name], theirs[name]) < 1e-13


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith("irfft")])
def test_against_unit_vectors(name):
    f, (x,) = CASES[name]
    units = np.eye(x.size).reshape((x.size, *x.shape), order="F")
    columns = [np.ravel(f(np, e), order="F") for e in units]
    assert error_against(f, np.array(columns).T, x) < 1e-14


def test_float32_stays_single():
    assert ox.jacobian(np.fft.fft, A.astype(np.float32)).dtype == np.complex64


def test_what_is_refused():
    with pytest.raises(NotImplementedError, match=r"np.fft.fftn with sizes but no axes at .*test"):
        ox.jacobian(lambda x: np.fft.fftn(x, s=(2, 2)), A)
    with pytest.raises(NotImplementedError, match=r"numpy.fft.hfft at .* cannot be traced"):
        ox.jacobian(np.fft.hfft, A)
