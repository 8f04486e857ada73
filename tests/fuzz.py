"""Calls of the public functions with arbitrary arrays: a right answer or a documented error.

    python tests/fuzz.py --cases 1000000 --processes 2

A case is a number: everything in it is drawn from a generator of that seed, so that
``python tests/fuzz.py --only NUMBER`` repeats it. A process that dies or stays in one call is
replaced, and the case that it was in reported. What the calls are, and what right answers are,
stands in fuzz_calls.py, and what the arrays are, in fuzz_draw.py.
"""

import argparse
import multiprocessing
import time
import traceback
import warnings
from collections import Counter

import numpy as np

import fuzz_calls
from fuzz_draw import Draw, Refused, Unchecked, Wrong


def run_case(number):
    """What has become of a case: "checked", "refused", "unchecked", or the text of a failure."""
    draw = Draw(number)
    name, make = fuzz_calls.chosen(draw)
    try:
        make(draw)
        outcome = "checked"
    except Refused:
        outcome = "refused"
    except Unchecked:
        outcome = "unchecked"
    except Exception:
        return name, f"case {number}, {name}:\n{traceback.format_exc()}"
    try:
        draw.require_inputs_kept()
    except Wrong:
        return name, f"case {number}, {name}:\n{traceback.format_exc()}"
    return name, outcome


def run(numbers, before=lambda number: None):
    """Run cases: how many of each outcome, how often each function was called, the failures."""
    outcomes, calls, failures = Counter(), Counter(), []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for number in numbers:
            before(number)
            name, outcome = run_case(number)
            calls[name] += 1
            if outcome in ("checked", "refused", "unchecked"):
                outcomes[outcome] += 1
            else:
                failures.append(outcome)
    return outcomes, calls, failures


# --- many processes -------------------------------------------------------------------------------

CHUNK = 1000


def work(chunks, results, at):
    """Run chunks of cases until none is left; `at` is the chunk's bounds and the case at hand."""

    def before(number):
        at[CASE] = number

    for start, stop in iter(chunks.get, None):
        at[START], at[STOP] = start, stop
        results.put((start, stop, *run(range(start, stop), before)))
    at[CASE] = END


START, CASE, STOP = range(3)
BEGIN, END = -2, -1


class Worker:
    """A process with a watchdog."""

    def __init__(self, context, chunks, results):
        self.at = context.Array("q", [BEGIN] * 3, lock=False)
        self.process = context.Process(target=work, args=(chunks, results, self.at))
        self.process.start()
        self.last, self.since = BEGIN, time.monotonic()

    def trouble(self, patience):
        """What has happened to it, or "" while it goes on."""
        if self.at[CASE] != self.last:
            self.last, self.since = self.at[CASE], time.monotonic()
        if not self.process.is_alive():
            code = self.process.exitcode
            return f"case {self.last}: the process has died, exit code {code}" if code else ""
        if self.last != END and time.monotonic() - self.since > patience:
            self.process.kill()
            return f"case {self.last}: no end after {patience} s"
        return ""

    def left_over(self):
        """The parts of its chunk before and after the case that it was in."""
        start, case, stop = self.at
        return (start, case), (case + 1, stop)


def run_all(first, cases, processes, patience=300, method="spawn"):
    """The sums over all chunks; that of a lost process is done again without the case it was in."""
    context = multiprocessing.get_context(method)
    chunks, results = context.Queue(), context.SimpleQueue()
    for start in range(first, first + cases, CHUNK):
        chunks.put((start, min(start + CHUNK, first + cases)))
    workers = [Worker(context, chunks, results) for _ in range(processes)]
    outcomes, calls, failures, done = Counter(), Counter(), [], 0
    while done < cases:
        for k, worker in enumerate(workers):
            if trouble := worker.trouble(patience):
                if worker.last < first:
                    raise RuntimeError(f"no case was begun: {trouble}")
                failures.append(trouble)
                print(trouble, flush=True)
                for part in worker.left_over():
                    chunks.put(part)
                done += 1
                workers[k] = Worker(context, chunks, results)
        while not results.empty():
            start, stop, *found = results.get()
            outcomes.update(found[0])
            calls.update(found[1])
            failures += found[2]
            print(*found[2], sep="\n", end="", flush=True)
            done += stop - start
        time.sleep(0.2)
    for _ in workers:
        chunks.put(None)
    for worker in workers:
        worker.process.join()
    return outcomes, calls, failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--only", type=int, help="run this case alone, in this process")
    options = parser.parse_args()
    start = time.monotonic()
    if options.only is not None:
        outcomes, calls, failures = run([options.only])
        print(*failures, sep="\n")
    else:
        outcomes, calls, failures = run_all(options.first, options.cases, options.processes)
    for name, count in sorted(calls.items()):
        print(f"{name:32}{count:10}")
    print(
        f"{sum(outcomes.values()) + len(failures)} cases in {time.monotonic() - start:.0f} s:",
        end=" ",
    )
    print(*(f"{count} {outcome}," for outcome, count in sorted(outcomes.items())), end=" ")
    print(f"{len(failures)} failures")
    raise SystemExit(bool(failures))


if __name__ == "__main__":
    main()
