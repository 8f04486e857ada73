"""Wrong calls, and what the message says: the argument, its value, and what would fit.

The equation solvers' errors are in test_equations.py, indices' in test_operator.py.
"""

import re

import numpy as np
import pytest

import otimes as ox

K = ox.kron(np.ones((2, 3)), np.ones((4, 2)))  # (8, 6)
SQUARE = ox.kron(np.eye(2), np.eye(3))
LONG, TEXT, OBJECTS = np.ones(6, np.longdouble), np.array(["a"] * 6), np.array([None] * 6)
MATRIX_TEXT = np.array([["a", "b"], ["c", "d"]])

ERRORS = {
    # --- the vec family
    "vec of a vector": (
        lambda: ox.vec([1, 2, 3]), ValueError,
        "a has shape (3,), but must be (..., m, n)"),
    "vec order": (
        lambda: ox.vec([[1]], order="A"), ValueError,
        "order is 'A', but must be 'F' or 'C'"),
    "vec of text": (
        lambda: ox.vec(MATRIX_TEXT), TypeError,
        "a has dtype <U1, which otimes does not compute with; "
        "convert it to float64 or complex128 first"),
    "vec of longdouble": (
        lambda: ox.vec(LONG.reshape(2, 3)), TypeError,
        f"a has dtype {np.dtype(np.longdouble)}, which otimes does not compute with"),
    "vec of objects": (
        lambda: ox.vec(OBJECTS.reshape(2, 3)), TypeError,
        "a has dtype object, which otimes does not compute with"),
    "vec of dates": (
        lambda: ox.vec(np.zeros((2, 2), "M8[s]")), TypeError,
        "a has dtype datetime64[s], which otimes does not compute with"),
    "vec of masked": (
        lambda: ox.vec(np.ma.masked_equal(np.eye(2), 0)), TypeError,
        "a is a masked array; pass a.filled(value) or a.data"),
    "unvec not square": (
        lambda: ox.unvec([1, 2, 3]), ValueError,
        "v has length 3, which is not a square; pass shape=(m, n)"),
    "unvec shape": (
        lambda: ox.unvec([1, 2, 3], (2, 3)), ValueError,
        "v has length 3, but shape (2, 3) needs 2·3 = 6"),
    "unvec negative": (
        lambda: ox.unvec([1, 2, 3, 4], (-2, -2)), ValueError,
        "v has length 4, but shape (-2, -2) needs"),
    "unvec shape of one": (
        lambda: ox.unvec([1, 2, 3], (3,)), ValueError,
        "shape is (3,), but must be two sizes (m, n)"),
    "unvec shape a number": (
        lambda: ox.unvec([1, 2, 3], 3), ValueError,
        "shape is 3, but must be two sizes (m, n)"),
    "unvec shape of floats": (
        lambda: ox.unvec([1, 2, 3], (1.0, 3.0)), ValueError,
        "shape is (1.0, 3.0), but must be two sizes (m, n)"),
    "unvec order": (
        lambda: ox.unvec([1], order="K"), ValueError,
        "order is 'K', but must be 'F' or 'C'"),
    "unvec of a number": (
        lambda: ox.unvec(3.0), ValueError,
        "v is a scalar, but must be (..., k)"),
    "vech of a rectangle": (
        lambda: ox.vech(np.ones((2, 3))), ValueError,
        "a has shape (2, 3), but must be (..., n, n)"),
    "veck of a vector": (
        lambda: ox.veck([1.0]), ValueError,
        "a has shape (1,), but must be (..., n, n)"),
    "unvech length": (
        lambda: ox.unvech([1, 2]), ValueError,
        "v has length 2, which is not n(n+1)/2 for any n"),
    "unveck length": (
        lambda: ox.unveck([1, 2]), ValueError,
        "v has length 2, which is not n(n-1)/2 for any n"),
    "unveck unsigned": (
        lambda: ox.unveck(np.ones(3, np.uint8)), TypeError,
        "v has dtype uint8, which has no negatives; convert it first"),
    "unveck bool": (
        lambda: ox.unveck([True]), TypeError,
        "v has dtype bool, which has no negatives; convert it first"),
    # --- making operators
    "kron of text": (
        lambda: ox.kron([[1.0]], MATRIX_TEXT), TypeError,
        "operand 1 has dtype <U1, which otimes does not compute with"),
    "kron of longdouble": (
        lambda: ox.kron(np.eye(2, dtype=np.longdouble), [[1]]), TypeError,
        f"operand 0 has dtype {np.dtype(np.longdouble)}, which otimes"),
    "kronecker_sum": (
        lambda: ox.kronecker_sum(np.eye(2), np.ones((2, 3))), ValueError,
        "operand 1 has shape (2, 3), but must be square"),
    "kronecker_sum of vectors": (
        lambda: ox.kronecker_sum(np.eye(2), np.ones(2)), ValueError,
        "operand 1 has shape (2,), but must be a matrix"),
    "commutation negative": (
        lambda: ox.commutation_matrix(2, -1), ValueError,
        "n is -1, but a size cannot be negative"),
    "commutation float": (
        lambda: ox.commutation_matrix(2.0, 1), TypeError,
        "m is 2.0, but must be an integer"),
    "identity negative": (
        lambda: ox.identity(-3), ValueError,
        "n is -3, but a size cannot be negative"),
    "diagonal of a matrix": (
        lambda: ox.diagonal(np.eye(2)), ValueError,
        "d has shape (2, 2), but must be a vector (n,)"),
    "diagonal of text": (
        lambda: ox.diagonal(TEXT), TypeError,
        "d has dtype <U1, which otimes does not compute with"),
    "aslinearoperator of a vector": (
        lambda: ox.aslinearoperator([1, 2]), ValueError,
        "matrix has shape (2,), but must be a matrix"),
    "aslinearoperator of masked": (
        lambda: ox.aslinearoperator(np.ma.masked_equal(np.eye(2), 0)), TypeError,
        "matrix is a masked array; pass matrix.filled(value) or matrix.data"),
    # --- products
    "too short": (
        lambda: K @ np.ones(5), ValueError,
        "KroneckerProduct @ x: x has shape (5,), but the operator has shape (8, 6), "
        "so x needs shape (6,) or (6, k)"),
    "wrong block": (
        lambda: K @ np.ones((5, 6)), ValueError,
        "x has shape (5, 6), but the operator has shape (8, 6)"),
    "wrong stack": (
        lambda: K @ np.ones((2, 5, 6)), ValueError,
        "x has shape (2, 5, 6), but the operator has shape (8, 6)"),
    "no dimension": (
        lambda: K @ np.float64(2), ValueError,
        "x has shape (), but the operator has shape (8, 6)"),
    "from the left": (
        lambda: np.ones(6) @ K, ValueError,
        "x @ KroneckerProduct: x has shape (6,), but the operator has shape (8, 6), "
        "so x needs 8 columns"),
    "text operand": (
        lambda: K @ TEXT, TypeError,
        "x has dtype <U1, which otimes does not compute with"),
    "longdouble operand": (
        lambda: K @ LONG, TypeError,
        f"x has dtype {np.dtype(np.longdouble)}, which otimes does not compute with"),
    "objects from the left": (
        lambda: np.array([None] * 8) @ K, TypeError,
        "x has dtype object, which otimes does not compute with"),
    "masked operand": (
        lambda: K @ np.ma.masked_equal(np.ones(6), 0), TypeError,
        "x is a masked array; pass x.filled(value) or x.data"),
    "operators": (
        lambda: K @ K, ValueError,
        "operators of shapes (8, 6) and (8, 6) cannot be multiplied: 6 columns meet 8 rows"),
    "call": (
        lambda: K(np.ones((3, 2))), ValueError,
        "KroneckerProduct(x): x has shape (3, 2), but the operator maps arrays of shape (2, 3) to "
        "arrays of shape (4, 2)"),
    "matvec": (
        lambda: K.matvec(np.ones(8)), ValueError,
        "matvec: x has shape (8,), but must be (6,) or (6, 1)"),
    "rmatvec": (
        lambda: K.rmatvec(np.ones(6)), ValueError,
        "matvec: x has shape (6,), but must be (8,) or (8, 1)"),
    "matmat": (
        lambda: K.matmat(np.ones(6)), ValueError,
        "matmat: x has shape (6,), but must be (6, k)"),
    # --- the algebra
    "sum of shapes": (
        lambda: K + K.T, ValueError,
        "operators of shapes (8, 6) and (6, 8) cannot be added"),
    "difference of shapes": (
        lambda: K - SQUARE, ValueError,
        "operators of shapes (8, 6) and (6, 6) cannot be added"),
    "power of a rectangle": (
        lambda: K.power(2), np.linalg.LinAlgError,
        "power: the operator has shape (8, 6), which is not square"),
    "power of a half": (
        lambda: SQUARE.power(0.5), TypeError,
        "'float' object cannot be interpreted as an integer"),
    "inverse of a rectangle": (
        lambda: K.inv(), np.linalg.LinAlgError,
        "inv: the operator has shape (8, 6), but only a square one has an inverse"),
    "inverse of rectangular factors": (
        lambda: ox.kron(np.ones((2, 3)), np.ones((3, 2))).inv(), np.linalg.LinAlgError,
        "inv: a square Kronecker product of rectangular factors is singular"),
    "inverse of a singular factor": (
        lambda: ox.kron(np.ones((2, 2)), np.eye(2)).inv(), np.linalg.LinAlgError,
        "Singular matrix"),
    "inverse of zero": (
        lambda: (0 * SQUARE).inv(), np.linalg.LinAlgError,
        "inv: the operator is zero"),
    "inverse of a diagonal": (
        lambda: ox.diagonal([1, 0]).inv(), np.linalg.LinAlgError,
        "inv: the diagonal has a zero"),
    # --- as an array
    "axis": (
        lambda: K.sum(2), np.exceptions.AxisError,
        "axis 2 is out of bounds for array of dimension 2"),
    "axis of mean": (
        lambda: K.mean(-3), np.exceptions.AxisError,
        "axis -3 is out of bounds for array of dimension 2"),
    "repeated axis": (
        lambda: K.sum((0, 0)), ValueError,
        "repeated axis"),
    "toarray of objects": (
        lambda: K.toarray(dtype=object), TypeError,
        "dtype has dtype object, which otimes does not compute with"),
    "astype text": (
        lambda: K.astype("U1"), TypeError,
        "dtype has dtype <U1, which otimes does not compute with"),
    "compared with another shape": (
        lambda: np.ones((3, 3)) == K, ValueError,
        "operands could not be broadcast together"),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, kind, message = ERRORS[name]
    with pytest.raises(kind, match="^.*" + re.escape(message)) as caught:
        call()
    assert caught.type is kind


@pytest.mark.parametrize("module", ["KroneckerProduct", "Identity", "Commutation", "Diagonal"])
def test_messages_name_the_operator(module):
    operators = {
        "KroneckerProduct": SQUARE * 2 + ox.kron(np.ones((2, 2)), np.eye(3)) * 0,
        "Identity": ox.identity(6),
        "Commutation": ox.commutation_matrix(2, 3),
        "Diagonal": ox.diagonal(np.ones(6)),
    }
    with pytest.raises(ValueError, match=f"^{module} @ x: x has shape \\(7,\\)"):
        operators[module] @ np.ones(7)
