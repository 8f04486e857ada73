"""The vec family: literal conventions first, then every layout, dtype and batch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
import otimes as ox
from strategies import DTYPES, LAYOUTS, batches, sizes

A = np.array([[1, 4, 7], [2, 5, 8], [3, 6, 9]])

# --- conventions, by literal example -------------------------------------------------------------


def test_vec_stacks_columns():
    assert ox.vec([[1, 3], [2, 4]]).tolist() == [1, 2, 3, 4]
    assert ox.vec([[1, 2, 3], [4, 5, 6]]).tolist() == [1, 4, 2, 5, 3, 6]


def test_vec_order_c_stacks_rows():
    assert ox.vec([[1, 2, 3], [4, 5, 6]], order="C").tolist() == [1, 2, 3, 4, 5, 6]


def test_unvec_literals():
    assert ox.unvec([1, 2, 3, 4]).tolist() == [[1, 3], [2, 4]]
    assert ox.unvec([1, 4, 2, 5, 3, 6], (2, 3)).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert ox.unvec([1, 2, 3, 4, 5, 6], (2, 3), order="C").tolist() == [[1, 2, 3], [4, 5, 6]]


def test_vech_is_the_lower_triangle_by_columns():
    assert ox.vech(A).tolist() == [1, 2, 3, 5, 6, 9]


def test_unvech_is_symmetric():
    assert ox.unvech([1, 2, 3, 5, 6, 9]).tolist() == [[1, 2, 3], [2, 5, 6], [3, 6, 9]]
    assert ox.unvech([1, 2j, 3]).tolist() == [[1, 2j], [2j, 3]]  # not Hermitian


def test_veck_is_the_strictly_lower_triangle_by_columns():
    assert ox.veck(A).tolist() == [2, 3, 6]


def test_unveck_is_skew_symmetric():
    assert ox.unveck([2, 3, 6]).tolist() == [[0, -2, -3], [2, 0, -6], [3, 6, 0]]
    assert ox.unveck([1 + 2j]).tolist() == [[0, -1 - 2j], [1 + 2j, 0]]


def test_empty_triangles():
    assert ox.vech(np.zeros((0, 0))).shape == (0,)
    assert ox.veck(np.zeros((0, 0))).shape == (0,)
    assert ox.veck([[5]]).shape == (0,)
    assert ox.unvech([]).shape == (0, 0)
    assert ox.unveck(np.zeros(0)).tolist() == [[0]]


# --- every layout, dtype and batch against the loops ---------------------------------------------

FAMILY = {
    "vec": (ox.vec, oracle.vec, False),
    "vec C": (lambda a: ox.vec(a, order="C"), lambda a: oracle.vec(a.T), False),
    "vech": (ox.vech, oracle.vech, True),
    "veck": (ox.veck, oracle.veck, True),
}


def in_batches(f, a, core):
    """f on the last `core` axes of a, one item at a time."""
    lead = a.shape[: a.ndim - core]
    items = [f(a[k]) for k in np.ndindex(*lead)]
    sample = f(np.zeros(a.shape[a.ndim - core :], a.dtype))
    return np.array(items, a.dtype).reshape(lead + sample.shape)


@pytest.mark.parametrize("name", FAMILY)
@given(data=st.data())
def test_stacking_equals_the_definition(name, data):
    f, loops, square = FAMILY[name]
    m = data.draw(sizes)
    n = m if square else data.draw(sizes)
    a = data.draw(batches((m, n)))
    before = a.copy()
    result = f(a)
    expected = in_batches(loops, a.astype(a.dtype.newbyteorder("=")), 2)
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(a, before)


@given(data=st.data(), m=sizes, n=sizes, order=st.sampled_from("FC"))
def test_unvec_equals_the_definition(data, m, n, order):
    v = data.draw(batches((m * n,)))
    loops = (
        (lambda x: oracle.unvec(x, m, n)) if order == "F" else (lambda x: oracle.unvec(x, n, m).T)
    )
    result = ox.unvec(v, (m, n), order)
    np.testing.assert_array_equal(result, in_batches(loops, v.astype(v.dtype.newbyteorder("=")), 1))
    np.testing.assert_array_equal(ox.vec(result, order), v)


@given(data=st.data(), n=sizes)
def test_unvech_equals_the_definition(data, n):
    v = data.draw(batches((n * (n + 1) // 2,)))
    result = ox.unvech(v)
    expected = in_batches(lambda x: oracle.unvech(x, n), v.astype(v.dtype.newbyteorder("=")), 1)
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(ox.vech(result), v)


SIGNED = [d for d in DTYPES if d[0] not in "bu"]


@given(data=st.data(), n=st.integers(1, 5))
def test_unveck_equals_the_definition(data, n):
    v = data.draw(batches((n * (n - 1) // 2,), SIGNED))
    result = ox.unveck(v)
    expected = in_batches(lambda x: oracle.unveck(x, n), v.astype(v.dtype.newbyteorder("=")), 1)
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(ox.veck(result), v)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_each_layout_of_each_dtype(layout, dtype):
    values = np.arange(27).reshape(3, 3, 3) % 5
    a = LAYOUTS[layout](values.astype(dtype))
    native = np.array(a, dtype=dtype)
    for name, (f, loops, _) in FAMILY.items():
        np.testing.assert_array_equal(f(a), in_batches(loops, native, 2), err_msg=name)
    np.testing.assert_array_equal(
        ox.unvech(a), in_batches(lambda x: oracle.unvech(x, 2), native, 1)
    )


def test_large_batches_in_parallel():
    a = np.random.default_rng(0).standard_normal((600, 40, 40))
    rows, cols = np.array(oracle.lower_positions(40, 0)).T
    v = ox.vech(a)
    np.testing.assert_array_equal(v, a[:, rows, cols])
    np.testing.assert_array_equal(ox.unvech(v)[:, cols, rows], v)


def test_special_values_are_moved_not_computed_with():
    a = np.array([[np.nan, np.inf], [-0.0, -np.inf]])
    assert ox.vech(a).tobytes() == np.array([np.nan, -0.0, -np.inf]).tobytes()
    assert ox.vec(a).tobytes() == np.array([np.nan, -0.0, np.inf, -np.inf]).tobytes()
    assert np.isnan(ox.unveck([np.nan])[[0, 1], [1, 0]]).all()
    assert ox.unveck([np.inf]).tolist() == [[0, -np.inf], [np.inf, 0]]


# --- views where NumPy can give them -------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "a"),
    [
        (ox.vec, np.zeros((3, 4), order="F")),
        (ox.vec, np.zeros((2, 4, 3)).swapaxes(1, 2)),
        (lambda a: ox.vec(a, order="C"), np.zeros((3, 4))),
        (ox.unvec, np.zeros(9)),
        (ox.unvec, np.zeros((5, 9))),
        (ox.unvec, np.zeros(18)[::2]),
        (lambda v: ox.unvec(v, (3, 2), order="C"), np.zeros(6)),
    ],
)
def test_no_copy_where_a_view_will_do(f, a):
    assert np.shares_memory(f(a), a)


@pytest.mark.parametrize("f", [ox.vec, ox.vech, ox.veck])
def test_a_copy_where_it_must_be(f):
    a = np.ones((3, 3))
    assert not np.shares_memory(f(a), a)


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("f", [ox.vec, ox.vech, ox.veck])
def test_lists_and_matrices(f):
    expected = f(A)
    np.testing.assert_array_equal(f(A.tolist()), expected)
    result = f(np.asmatrix(A))
    assert type(result) is np.ndarray
    np.testing.assert_array_equal(result, expected)
