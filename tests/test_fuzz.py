"""A short run of the fuzzer, what it must notice, and what it has found."""

import multiprocessing
import os
import re

import numpy as np
import pytest

import fuzz
import fuzz_calls
import otimes as ox
from fuzz_draw import Draw, Wrong
from interpreter import PATH, run_python


def test_a_few_thousand_cases():
    outcomes, calls, failures = fuzz.run(range(4000))
    assert not failures, "\n".join(failures)
    assert outcomes["checked"] > 3000
    assert outcomes["refused"] > 100
    assert calls.keys() == fuzz_calls.CALLS.keys()


def test_every_public_function_is_called():
    called = {name.split(",")[0] for name in fuzz_calls.CALLS}
    functions = {name for name in ox.__all__ if not isinstance(getattr(ox, name), type)}
    assert called == functions
    keys = {name.split(", ")[1] for name in fuzz_calls.CALLS if ", " in name}
    assert keys == fuzz_calls.EQUATIONS.keys()


def test_a_case_is_the_same_each_time():
    draws = [Draw(7) for _ in range(2)]
    assert draws[0].array(3, 4) is not draws[1].array(3, 4)
    np.testing.assert_array_equal(*(np.asarray(Draw(5).array(3, 4)) for _ in range(2)))


# --- what must be noticed -------------------------------------------------------------------------


def one_case(monkeypatch, make):
    """The failures of a case that calls `make`."""
    monkeypatch.setattr(fuzz_calls, "chosen", lambda draw: ("planted", make))
    return fuzz.run([3])[2]


def test_wrong_answers_are_noticed(monkeypatch):
    def make(draw):
        require = fuzz_calls.require_close
        require(np.ones(2), np.ones(2) + 1e-15, 1.0, 2.0**-52)
        with pytest.raises(Wrong, match="float64"):
            require(np.ones(2), np.ones(2, np.float32), 1.0, 1.0)
        require(np.ones(2), np.ones(2) + 1e-12, 1.0, 2.0**-52)

    assert "error 1.4e-12, where 1.1e-14 is allowed" in one_case(monkeypatch, make)[0]


def test_refusals_writes_and_other_errors_are_noticed(monkeypatch):
    def refuse(_):
        raise ValueError("no")

    def write(draw):
        draw.laid_out(np.ones(3))
        draw.given[0][0][...] = 2

    for make, text in (
        (lambda draw: draw.call(refuse, 1), "valid arguments refused: ValueError"),
        (lambda draw: draw.call(lambda: 1 / 0), "ZeroDivisionError"),
        (write, "an argument was written to"),
    ):
        assert text in one_case(monkeypatch, make)[0]


def test_results_that_differ_from_call_to_call_are_noticed():
    draw = Draw(1, spoiling=0.0)
    draw.chance = lambda probability: True
    with pytest.raises(Wrong, match="from the same arguments"):
        draw.call(lambda: np.array(draw.random()))


class Ended:
    """A process that has died."""

    exitcode = -11

    def is_alive(self):
        return False

    def kill(self):
        self.killed = True


def test_the_watchdog_sees_death_and_delay(monkeypatch):
    worker = object.__new__(fuzz.Worker)
    worker.at = multiprocessing.Array("q", [10, 12, 20], lock=False)
    worker.process, worker.last, worker.since = Ended(), -2, 0.0
    assert worker.trouble(60) == "case 12: the process has died, exit code -11"
    monkeypatch.setattr(Ended, "is_alive", lambda self: True)
    assert worker.trouble(60) == ""
    assert re.match("case 12: no end after -1 s", worker.trouble(-1))
    assert worker.process.killed
    assert worker.left_over() == ((10, 12), (13, 20))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the processes inherit what is planted here")
def test_a_process_that_dies_costs_one_case():
    """In an interpreter of its own: not everything in this one may be forked."""
    code = """
        import os, fuzz

        def deadly(number):
            if number in (13, 16, 31):
                os._exit(3)
            return "none", "checked"

        fuzz.run_case, fuzz.CHUNK = deadly, 10
        outcomes, calls, failures = fuzz.run_all(5, 45, 2, method="fork")
        print(dict(outcomes), dict(calls), sorted(failures), sep="\\n")
    """
    *lines, outcomes, calls, failures = run_python(code, PYTHONPATH=PATH).splitlines()
    texts = [f"case {k}: the process has died, exit code 3" for k in (13, 16, 31)]
    assert sorted(lines) == texts
    assert (outcomes, calls, failures) == ("{'checked': 42}", "{'none': 42}", str(texts))


# --- what has been found --------------------------------------------------------------------------


@pytest.mark.parametrize("solve", [ox.solve_continuous_are, ox.solve_discrete_are])
@pytest.mark.parametrize("missing", range(4))
def test_riccati_equations_refuse_none(solve, missing):
    matrices = [np.eye(2)] * 4
    matrices[missing] = None
    with pytest.raises(TypeError, match=f"{'abqr'[missing]} has dtype object"):
        solve(*matrices)


@pytest.mark.parametrize("arguments", [(None, np.eye(2)), (np.eye(2), None)])
def test_lyapunov_factors_refuse_none(arguments):
    with pytest.raises(TypeError, match="has dtype object"):
        ox.solve_lyapunov_factor(*arguments)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint64])
@pytest.mark.parametrize(
    "op", [ox.identity(3), ox.elimination_matrix(2), ox.duplication_matrix(2)], ids=repr
)
def test_a_negative_operator_times_unsigned_numbers(op, dtype):
    x = np.arange(op.shape[1]).astype(dtype)
    y = -op @ x
    np.testing.assert_array_equal(y, -op.toarray() @ x)
    assert y.dtype == (np.int64 if dtype == np.uint8 else np.float64)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint64])
def test_the_negative_of_an_unsigned_diagonal_wraps_around(dtype):
    d = np.arange(3).astype(dtype)
    np.testing.assert_array_equal((-ox.diagonal(d)).toarray(), -np.diag(d))
