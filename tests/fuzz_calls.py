"""What the fuzzer calls, and what a right answer is.

A function of the library without a line here joins by its signature: it is then called with
arrays of fitting and other shapes, and must return or raise what is documented.
"""

import functools
import inspect

import numpy as np

import functions
import otimes as ox
from fuzz_draw import Unchecked, Wrong, plain, require_equal_bits
from otimes._equation import EQUATIONS

#: name -> (weight, function of a draw)
CALLS = {}


def calls(*names, weight=10):
    """Say that a function of (draw, function) calls these public functions."""

    def enter(make):
        for name in names:
            CALLS[name] = weight, functools.partial(make, function=getattr(ox, name, None))
        return make

    return enter


def eps_of(*arrays):
    """The rounding unit of the coarsest of the arrays; 0 where all are exact."""
    return max((np.finfo(a.dtype).eps for a in arrays if a.dtype.kind in "fc"), default=0.0)


def norm(a):
    """‖a‖_F."""
    return float(np.sqrt((np.abs(a.astype(complex)) ** 2).sum()))


def require_equal(x, y):
    """Equal in shape, dtype (but for the byte order) and every entry."""
    if x.shape != y.shape or x.dtype != y.dtype.newbyteorder("=") or not np.array_equal(x, y):
        raise Wrong(f"{x!r}\nis not\n{y!r}")


def require_close(x, y, size, eps, dtype=True):
    """Equal but for rounding in numbers of this size."""
    x, y = np.asarray(x), np.asarray(y)
    if x.shape != y.shape or (dtype and x.dtype != y.dtype.newbyteorder("=")):
        raise Wrong(f"{x.dtype} {x.shape} is not {y.dtype} {y.shape}")
    error = norm(x - y) if x.dtype != bool else float((x != y).any())
    if not error <= 50 * eps * (size + 1e-300):
        raise Wrong(f"error {error:.1e}, where {50 * eps * size:.1e} is allowed\n{x}\n{y}")


# --- vec ------------------------------------------------------------------------------------------


@calls("vec")
def vec(draw, function):
    a, order = draw.array(*draw.batch(), draw.size(), draw.size()), draw.choice("FC")
    v, a = draw.call(function, a, order), np.asarray(a)
    a = a.mT if order == "F" else a
    require_equal(v, a.reshape(*a.shape[:-2], -1) if a.size else v)


@calls("unvec")
def unvec(draw, function):
    m, n, order = draw.size(), draw.size(), draw.choice("FC")
    v = draw.array(*draw.batch(), m * n)
    x = draw.call(function, v, (m, n), order)
    require_equal(ox.vec(x, order), np.asarray(v))


@calls("vech", "veck")
def lower(draw, function):
    n = draw.size()
    a = draw.array(*draw.batch(), n, n)
    v, a = draw.call(function, a), np.asarray(a)
    columns, rows = np.triu_indices(n, k=int(function is ox.veck))
    require_equal(v, a[..., rows, columns])


@calls("unvech", "unveck")
def unlower(draw, function):
    n = draw.size()
    v = draw.array(*draw.batch(), n * (n + 1) // 2)
    if function is ox.unveck and (draw.spoilt or np.asarray(v).dtype.kind in "bu"):
        draw.spoilt = True  # these have no negatives
    x, v = draw.call(function, v), np.asarray(v)
    symmetric = function is ox.unvech
    require_equal((ox.vech if symmetric else ox.veck)(x), v)
    if not np.array_equal(x.mT, x if symmetric else -x):
        raise Wrong(f"the wrong symmetry: {x}")


# --- operators ------------------------------------------------------------------------------------


def times(op, dense, x):
    return op @ x, dense @ x


def from_the_left(op, dense, x):
    return x.T @ op, x.T @ dense


PRODUCTS = (times, from_the_left)
#: name -> how an operator and its dense array are changed, both alike.
CHANGES = {
    "none": lambda a: a,
    "T": lambda a: a.T,
    "conj": lambda a: a.conj(),
    "slice": lambda a: a[::2, 1:],
    "row": lambda a: a[: max(1, len(a) // 2)],
    "scaled": lambda a: 2 * a,
    "negative": lambda a: -a if a.dtype != bool else a,
    "real": lambda a: a.real,
    "square": lambda a: a * a,
}


def check_operator(draw, op, dense, *parts, exact_dtype=True):
    """Products with it, or with what it becomes, are those of the dense array made of its parts."""
    parts = [np.asarray(a) for a in parts]
    eps = eps_of(dense, *parts)
    exact_dtype &= all(a.dtype.char != "e" for a in parts)  # these become float32
    change = CHANGES[draw.choice(sorted(CHANGES))]
    op, dense = change(op), change(dense)
    multiply = draw.choice(PRODUCTS)
    rows = dense.shape[0 if multiply is from_the_left else 1]
    x = draw.array(*((rows,) if draw.chance(0.4) else (rows, draw.size())))
    if draw.spoilt:
        draw.call(lambda: op @ x)
    x = np.asarray(x)
    y, expected = draw.call(multiply, op, dense, x)
    largest = norm(dense) + sum(map(norm, parts)) ** 2  # terms of a sum may cancel
    size = largest * norm(x)
    require_close(y, expected, size, max(eps, eps_of(x, expected)), exact_dtype)


@calls("kron", weight=25)
def kron(draw, function):
    factors = [draw.array(draw.size(3), draw.size(3)) for _ in range(draw.choice([2, 2, 2, 3, 4]))]
    op = draw.call(function, *factors)
    check_operator(draw, op, functools.reduce(np.kron, map(np.asarray, factors)), *factors)


@calls("kronecker_sum")
def kronecker_sum(draw, function):
    n = [draw.size(3) for _ in range(draw.choice([2, 2, 3]))]
    factors = [draw.array(k, k) for k in n]
    op, factors = draw.call(function, *factors), [np.asarray(a) for a in factors]
    dense = functools.reduce(np.add, summands(n, factors))  # True + True is True, as in NumPy
    check_operator(draw, op, dense, *factors, exact_dtype=False)


def summands(n, factors):
    """I⊗…⊗Aₖ⊗…⊗I, each in the dtype of Aₖ."""
    for k, a in enumerate(factors):
        before, after = (np.eye(int(np.prod(part)), dtype=bool) for part in (n[:k], n[k + 1 :]))
        yield np.kron(np.kron(before, a), after)


@calls("identity", "duplication_matrix", "elimination_matrix", "symmetrizer_matrix", weight=5)
def selection(draw, function):
    n = draw.size() if draw.chance(0.9) else draw.choice([-1, 2.5, "2", None, 10**30, True])
    draw.spoilt = not isinstance(n, int) or n < 0 or n > 10**9
    op = draw.call(function, n)
    check_operator(draw, op, np.asarray(op), exact_dtype=False)


@calls("commutation_matrix", weight=5)
def commutation(draw, function):
    m, n = draw.size(), draw.size()
    op = draw.call(function, m, n)
    x = draw.array(m, n)
    y = draw.call(lambda x: op @ ox.vec(x), x)
    require_equal(y, ox.vec(np.asarray(x).T))


@calls("diagonal", weight=5)
def diagonal(draw, function):
    d = draw.array(draw.size())
    op = draw.call(function, d)
    check_operator(draw, op, np.diag(np.asarray(d)), d)


@calls("aslinearoperator", weight=5)
def aslinearoperator(draw, function):
    a = draw.array(draw.size(), draw.size())
    op = draw.call(function, a)
    check_operator(draw, op, np.asarray(a), a)


@calls("kron_matmul", "kron_rmatmul", weight=20)
def kron_matmul(draw, function):
    left = function is ox.kron_rmatmul
    factors = [draw.array(draw.size(3), draw.size(3)) for _ in range(draw.choice([1, 2, 2, 3]))]
    shapes = [np.shape(a) for a in factors] if not draw.spoilt else [(2, 2)] * len(factors)
    n, k = int(np.prod([s[0 if left else 1] for s in shapes])), draw.size()
    core = (n,) if draw.chance(0.3) else (k, n) if left else (n, k)
    x = draw.array(*(draw.batch() if len(core) == 2 else ()), *core)
    y = draw.call(function, x, factors) if left else draw.call(function, factors, x)
    factors, x = [np.asarray(a) for a in factors], np.asarray(x)
    dense = functools.reduce(np.kron, factors)
    expected = (x @ dense if left else dense @ x).astype(np.result_type(*factors, x))
    require_close(y, expected, norm(dense) * norm(x), eps_of(*factors, x))


@calls("kron_apply", weight=10)
def kron_apply(draw, function):
    shape = [draw.size(3) for _ in range(draw.randint(1, 4))]
    axes = draw.sample(range(len(shape)), draw.randint(1, len(shape)))
    factors = [draw.array(draw.size(3), shape[axis]) for axis in axes]
    x = draw.array(*shape)
    y = draw.call(function, factors, x, axes)
    *factors, x = map(np.asarray, (*factors, x))
    size, eps = norm(x) * np.prod([norm(a) for a in factors]), eps_of(x, *factors)
    dtype = np.result_type(x, *factors)
    expected = x.astype(dtype)
    for a, axis in zip(factors, axes, strict=True):
        expected = np.moveaxis(np.tensordot(a.astype(dtype), expected, (1, axis)), 0, axis)
    require_close(y, expected, size, eps)


@calls("nearest_kronecker", weight=2)
def nearest(draw, function):
    p, q, r, s = (draw.randint(1, 3) for _ in range(4))
    a = draw.array(p * r, q * s)
    op = draw.call(function, a, (p, q), (r, s), min(p * q, r * s))
    a = np.asarray(a)
    require_close(op.toarray(), a, norm(a), 10 * max(eps_of(a), eps_of(op)), dtype=False)


# --- equations ------------------------------------------------------------------------------------


def flipped(row, matrices, x):
    """The largest ‖left-hand side‖ under changes of sign: no less than its terms together."""
    signs = np.stack(np.meshgrid(*[[1, -1]] * len(matrices)), -1).reshape(-1, len(matrices))
    values = (
        row.left(*(s * a for s, a in zip(row_of, matrices, strict=True)), x) for row_of in signs
    )
    return max(map(norm, values))


def require_solved(row, matrices, x, q):
    """The residual is small beside the equation's terms."""
    eps = max(eps_of(x), 2.0**-52)
    wide = [np.asarray(a, complex) for a in (*matrices, x)]
    residual = norm(row.left(*wide) - q)
    allowed = 100 * (sum(x.shape[-2:]) + 1) * eps
    if residual <= allowed * norm(np.asarray(q)):
        return
    *given, x = [np.abs(a) for a in wide]
    if not residual <= allowed * (flipped(row, given, x) + norm(np.asarray(q))):
        raise Wrong(f"residual {residual:.1e}, unknowns of size {norm(x):.1e}")


def require_near_singular(row, matrices, q, eps):
    """The refused equation has a condition that justifies it."""
    m, n = q.shape
    is_complex = any(a.dtype.kind == "c" for a in (*matrices, q))
    units = np.eye(m * n).reshape(-1, m, n)
    parts = (units, 1j * units) if row.real_linear and is_complex else (units,)
    images = [row.left(*(a.astype(complex) for a in matrices), u) for u in np.concatenate(parts)]
    columns = np.array(images).reshape(len(images), -1)
    if len(parts) == 2:
        columns = np.hstack([columns.real, columns.imag])
    values = np.linalg.svd(columns, compute_uv=False)
    if values.size and values[-1] > 100 * eps * values[0]:
        raise Wrong(f"refused, but rcond is {values[-1] / values[0]:.1e}")


def solve_equation(draw, row, function):
    """Draw the coefficients of a row of the table, mostly of a regular equation, and solve it."""
    sizes = {"l": draw.size(), "r": draw.size()}
    sizes["r"] = sizes["r"] if "r" in row.sides else sizes["l"]
    regular, top = draw.chance(0.8), 4 * np.sqrt(max(sizes.values()))
    matrices = [
        draw.array(*draw.batch(), sizes[s], sizes[s], shift=(1 + k) * top * regular)
        for k, s in enumerate(row.sides)
    ]
    q = draw.array(*draw.batch(), row.unknowns * sizes["l"], sizes["r"])
    on_singular = draw.choice(["raise"] * 8 + ["warn", "lstsq"])
    try:
        x = draw.call(function, *matrices, q, on_singular=on_singular)
    except Exception as error:
        cause = error.__cause__
        if isinstance(cause, np.linalg.LinAlgError) and not draw.spoilt and np.ndim(q) == 2:
            matrices = [np.asarray(a) for a in matrices]
            if all(a.ndim == 2 for a in matrices):
                eps = max(eps_of(*matrices, np.asarray(q)), 2.0**-52)
                eps = 2.0**-23 if eps > 1e-4 else eps
                require_near_singular(row, matrices, np.asarray(q), eps)
        raise
    if draw.chance(0.1):  # whatever the layout
        require_equal_bits(x, function(*map(plain, (*matrices, q)), on_singular=on_singular))
    if on_singular == "raise":
        require_solved(row, [np.asarray(a) for a in matrices], x, np.asarray(q))


def stacked(function):
    """Call a solver of coupled equations with the two right-hand sides that are given as one."""

    def solve(a, b, d, e, sides, **options):
        m = np.shape(sides)[-2] // 2 if np.ndim(sides) > 1 else 0
        q = np.asarray(sides)
        return np.concatenate(function(a, b, q[..., :m, :], d, e, q[..., m:, :], **options), -2)

    return solve


def solver_of(row):
    """The public function of a row, or the way through the table."""
    function = getattr(ox, row.name)
    if row.name == "solve":
        return lambda *args, on_singular: row.solve(args[:-1], args[-1], True, on_singular, False)
    if row.unknowns == 2:
        return stacked(function)
    options = {"conjugate": True} if row.real_linear else {}
    names = (*row.arguments, row.rhs)
    return lambda *args, **more: function(**dict(zip(names, args, strict=True)), **options, **more)


def enter_equations():
    """Every row of the equations' table, also those that are still to come."""
    for row in EQUATIONS.values():
        make = functools.partial(solve_equation, row=row, function=solver_of(row))
        CALLS[f"{row.name}, {row.key}"] = 12, make


@calls("sylvester_factor", weight=5)
def sylvester_factor(draw, function):
    m, n = draw.size(), draw.size()
    a, b = draw.array(m, m, shift=9.0), draw.array(n, n, shift=18.0)
    q = draw.array(*draw.batch(), m, n)
    factor = draw.call(function, a, b)
    trans = draw.choice("NTH")
    x = draw.call(factor.solve, q, trans)
    turned = {"N": lambda a: a, "T": lambda a: a.T, "H": lambda a: a.conj().T}[trans]
    matrices = [turned(np.asarray(a)) for a in (a, b)]
    require_solved(EQUATIONS["sylvester"], matrices, x, np.asarray(q))


@calls("lstsq_axb", weight=5)
def lstsq_axb(draw, function):
    m, n, p, q = (draw.size() for _ in range(4))
    a, b, c = draw.array(m, n), draw.array(p, q), draw.array(*draw.batch(), m, q)
    x = draw.call(function, a, b, c)
    wide = [np.asarray(k, complex) for k in (a, b, c)]
    a, b, c = wide
    gradient = a.conj().T @ (a @ x @ b - c) @ b.conj().T
    size = norm(a) * norm(b) * (norm(a) * norm(x) * norm(b) + norm(c))
    if not norm(gradient) <= 1e3 * max(eps_of(x), 2.0**-52) * size:
        raise Wrong(f"‖Aᴴ R Bᴴ‖ is {norm(gradient):.1e}, of terms of size {size:.1e}")


def weights(draw, n, m):
    """Positive definite Q and R."""
    w = draw.numbers((n + m, n + m), "d")
    w = w @ w.T / (n + m) + 0.1 * np.eye(n + m)
    return w[:n, :n].copy(), w[n:, n:].copy()


@calls("solve_continuous_are", "solve_discrete_are", weight=4)
def riccati(draw, function):
    n, m = draw.randint(1, 4), draw.randint(1, 3)
    q, r = map(draw.laid_out, weights(draw, n, m))
    a, b = draw.array(n, n), draw.array(n, m)
    x = draw.call(function, a, b, q, r)
    a, b, q, r = (np.asarray(k, complex) for k in (a, b, q, r))
    ah, bh = a.conj().T, b.conj().T
    if function is ox.solve_continuous_are:
        gain = np.linalg.solve(r, bh @ x)
        terms = (ah @ x, x @ a, -x @ b @ gain, q)
    else:
        gain = np.linalg.solve(r + bh @ x @ b, bh @ x @ a)
        terms = (ah @ x @ a, -x.astype(complex), -ah @ x @ b @ gain, q)
    residual, size = norm(sum(terms)), sum(map(norm, terms)) + norm(a) ** 2 * norm(x)
    if not residual <= 1e-9 * size:
        raise Wrong(f"residual {residual:.1e} of terms of size {size:.1e}")


@calls("solve_lyapunov_factor", weight=5)
def lyapunov_factor(draw, function):
    n, discrete = draw.size(), draw.chance(0.5)
    a, b = draw.array(n, n, shift=-4.0 * np.sqrt(n)), draw.array(n, draw.size())
    if discrete and not draw.spoilt:
        a = draw.laid_out(np.asarray(a) / (1 + norm(np.asarray(a))))
    factor = draw.call(function, a, b, discrete=discrete)
    x = factor.astype(complex) @ factor.conj().T
    a, b = (np.asarray(k, complex) for k in (a, b))
    image = a @ x @ a.conj().T - x if discrete else a @ x + x @ a.conj().T
    size = norm(x) * (1 + norm(a)) ** 2 + norm(b) ** 2
    require_close(image, -b @ b.conj().T, size, 10 * max(eps_of(factor), 2.0**-52), dtype=False)


#: Linear functions of X (n, n), of the kinds that `solve` recognises.
LINEAR = (
    lambda a, b, x: a @ x @ b,
    lambda a, b, x: a @ x + x @ b,
    lambda a, b, x: a @ x + x.T @ b,
    lambda a, b, x: x - a @ x @ b / 400,
    lambda a, b, x: a @ x @ b + x,
    lambda a, b, x: 3 * x + a * x,
    lambda a, b, x: a @ x.T @ b + 2 * x,
)


@calls("solve", weight=4)
def solve(draw, function):
    n, f = draw.randint(1, 4), draw.choice(LINEAR)
    a, b = (np.asarray(draw.numbers((n, n), "d")) + 9 * k * np.eye(n) for k in (1, 2))
    q = draw.array(n, n)
    x = draw.call(function, lambda x: f(a, b, x), q)
    q = np.asarray(q)
    size = norm(q) + (1 + norm(a)) * (1 + norm(b)) * norm(x)
    require_close(f(a, b, x), q, size, max(eps_of(x), 2.0**-52), dtype=False)


@calls("select_method", weight=1)
def select_method(draw, function):
    n, f = draw.randint(1, 4), draw.choice(LINEAR)
    a, b = (draw.numbers((n, n), "d") for _ in range(2))
    J = ox.jacobian(lambda x: f(a, b, x), a)
    if not isinstance(draw.call(function, J), str):
        raise Wrong("no name")


# --- functions of matrices, derivatives -----------------------------------------------------------


@calls("expm", "sqrtm", "logm", weight=3)
def matrix_function(draw, function):
    n = draw.size()
    a = draw.array(*draw.batch(), n, n, shift=0.0 if function is ox.expm else 4 * np.sqrt(n))
    y, a = draw.call(function, a), np.asarray(a)
    if a.size and function is not ox.expm and not (np.linalg.cond(a.astype(complex)) < 1e4).all():
        raise Unchecked  # a singular matrix need not have a root or logarithm
    if function is ox.sqrtm:
        back, size = y @ y, norm(y) ** 2
    elif function is ox.logm:
        back, size = ox.expm(y), np.exp(min(norm(y), 300)) * (1 + norm(y))
    else:
        back, size = y @ ox.expm(-a.astype(y.dtype)), np.exp(min(2 * norm(a), 600)) * (1 + norm(a))
        a = np.broadcast_to(np.eye(n), y.shape)
    require_close(back, a, size, 10 * max(eps_of(y), 2.0**-52), dtype=False)


def point(draw):
    """A point and a direction at which every function of the collection is defined."""
    x = functions.POINT + 0.1 * draw.numbers((3, 3), "d")
    dx = draw.array(3, 3, dtype=draw.choice(["float64", "float64", "float32", "int64"]))
    return draw.laid_out(x), dx


@calls("jacobian", "linearize", "jvp", "vjp", weight=2)
def derivative(draw, function):
    """⟨w, J dx⟩ = ⟨Jᵀ w, dx⟩, by whatever way."""
    f = functions.CASES[draw.choice(sorted(functions.CASES))]
    x, dx = point(draw)
    if draw.spoilt:
        draw.call(ox.jvp, f, (x,), (dx,))
        raise Unchecked
    y, dy = ox.jvp(f, (x,), (dx,))
    w, dx = draw.numbers(np.shape(y), "d"), np.asarray(dx)
    forward = (w * dy).sum()
    if function in (ox.vjp, ox.jvp):
        backward = (draw.call(ox.vjp(f, x)[1], w)[0] * dx).sum()
    else:
        J = draw.call(function, f, x)
        J = J[1] if function is ox.linearize else J
        backward = (ox.vec(w) if w.ndim == 2 else w.ravel(order="F")) @ (J @ ox.vec(dx))
    size = norm(np.asarray(w)) * norm(np.asarray(dy)) + norm(dx) * norm(np.asarray(w)) * 1e3
    require_close(forward, backward, size, max(eps_of(dx), 2.0**-52), dtype=False)


@calls("gradient", "hessian", "check_jacobian", weight=1)
def scalar_derivative(draw, function):
    x, dx = point(draw)
    if function is ox.check_jacobian:
        error = draw.call(function, functions.CASES[draw.choice(sorted(functions.CASES))], x)
        require_close(error, 0.0, 1.0, 1e-7, dtype=False)
        return
    result = draw.call(function, lambda x: (x @ x * x).sum() + np.linalg.det(x), x)
    if draw.spoilt:
        raise Unchecked
    if function is ox.hessian:
        require_close(result.toarray(), result.toarray().T, norm(result.toarray()), 2.0**-52)
    else:
        _, slope = ox.jvp(lambda x: (x @ x * x).sum() + np.linalg.det(x), (x,), (dx,))
        product = (result * np.asarray(dx)).sum()
        size, eps = norm(result) * norm(np.asarray(dx)), eps_of(np.asarray(dx))
        require_close(product, slope, size, max(eps, 2.0**-52), dtype=False)


@calls("root", weight=1)
def root(draw, function):
    n = draw.randint(1, 3)
    a = draw.numbers((n, n), "d") + 9 * np.eye(n)
    start = draw.array(n, n, dtype="float64", shift=3.0)
    result = draw.call(function, lambda x: x @ x - a, start)
    if result.success:
        require_close(result.x @ result.x, a, norm(a) + norm(result.x) ** 2, 1e-10, dtype=False)


@calls("stop_gradient", weight=1)
def stop_gradient(draw, function):
    a = draw.array(draw.size(), draw.size())
    if function(a) is not a:
        raise Wrong("another object")


@calls("set_max_dense", "set_num_threads", "get_num_threads", weight=1)
def setting(draw, function):
    """Arguments that are refused, and those that change nothing."""
    threads = ox.get_num_threads()
    if function is ox.get_num_threads:
        return
    draw.spoilt = True
    bad = draw.choice([-1, 0, -(10**30), 2.5, "x", np.nan, [], None, object()])
    try:
        draw.call(function, bad)
    finally:
        ox.set_max_dense(None)
        ox.set_num_threads(threads)


# --- what joins by itself -------------------------------------------------------------------------


def any_call(draw, function):
    """Arrays for all required arguments: the call returns, or raises what is documented."""
    draw.spoilt = True
    parameters = inspect.signature(function).parameters.values()
    n, m = draw.size(), draw.size()
    required = [p for p in parameters if p.default is p.empty and p.kind <= p.POSITIONAL_OR_KEYWORD]
    draw.call(function, *(draw.array(*draw.choice([(n, n), (m, m), (m, n)])) for _ in required))


def enter_others():
    for name in ox.__all__:
        function = getattr(ox, name)
        is_entered = any(entry.split(",")[0] == name for entry in CALLS)
        if callable(function) and not isinstance(function, type) and not is_entered:
            CALLS[name] = 5, functools.partial(any_call, function=function)


enter_equations()
enter_others()
NAMES = sorted(CALLS)
WEIGHTS = [CALLS[name][0] for name in NAMES]


def chosen(draw):
    """The name of a call, and the function that makes it."""
    name = draw.choices(NAMES, WEIGHTS)[0]
    return name, CALLS[name][1]
