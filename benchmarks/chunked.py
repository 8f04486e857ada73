"""Runs on Dask that do not fit into memory; ``python -m benchmarks.chunked --help``.

``product`` multiplies x = x₁⊗…⊗x_N by F₁⊗…⊗F_N, from Zarr to Zarr, and compares every entry with
F₁x₁⊗…⊗F_Nx_N. ``equations`` solves a stream of small Sylvester equations. ``peers`` sets the
product beside what one would write with dask.array alone.
"""

import argparse
import contextlib
import functools
import json
import logging
import math
import os
import resource
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path

import dask
import dask.array as da
import numpy as np
from distributed import Client, LocalCluster, wait

import otimes as ox

SIZE = 8
RNG = np.random.default_rng(0)


# --- a vector whose product is known -------------------------------------------------------------


def factors_of(count):
    """Factors that leave the size of a vector about as it is, and a vector for each."""
    factors = [RNG.standard_normal((SIZE, SIZE)) / math.sqrt(SIZE) for _ in range(count)]
    return factors, [1 + 0.5 * RNG.standard_normal(SIZE) for _ in range(count)]


def halves(vectors):
    """u and w with u⊗w = v₁⊗…⊗v_N."""
    middle = len(vectors) // 2
    return [functools.reduce(np.kron, part) for part in (vectors[:middle], vectors[middle:])]


def outer(u, w, block_info=None):
    """The block of u wᵀ that Dask asks for, or of its rows one after the other."""
    places = block_info[None]["array-location"]
    if len(places) == 2:
        (top, bottom), (left, right) = places
        return np.multiply.outer(u[top:bottom], w[left:right])
    ((start, stop),) = places
    return np.multiply.outer(u[start // len(w) : stop // len(w)], w).reshape(-1)


def known(vectors, chunks):
    """v₁⊗…⊗v_N in chunks, lazy: as a vector, or as a matrix u wᵀ."""
    return da.map_blocks(outer, *halves(vectors), chunks=chunks, dtype=np.float64)


def largest_error(y, vectors):
    """max |y - v₁⊗…⊗v_N| / max |y|, over all entries."""
    expected = known(vectors, y.chunks)
    error, size = dask.compute(abs(y - expected).max(), abs(expected).max())
    return error / size


# --- the product ---------------------------------------------------------------------------------


def chunks_of(count, entries, is_vector):
    """Pieces of so many entries: of a vector, or rows of a matrix."""
    rows = SIZE ** (count // 2)
    columns = SIZE**count // rows
    if is_vector:
        return (regular(rows * columns, entries),)
    return regular(rows, entries // columns), (columns,)


def regular(n, size):
    return (min(n, size),) * (n // min(n, size))


def multiplied(factors, x):
    """The product with a vector, or with the matrix of the same entries along both axes."""
    if x.ndim == 1:
        return ox.kron(*factors) @ x
    middle = len(factors) // 2
    return ox.kron_apply([ox.kron(*factors[:middle]), ox.kron(*factors[middle:])], x)


def product(options):
    if options.workers == 0:  # not Dask's request, but the system's order
        limit = parse(options.memory)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    factors, vectors = factors_of(options.exponent)
    source, target = options.folder / "x.zarr", options.folder / "y.zarr"
    chunks = chunks_of(options.exponent, parse(options.chunk) // 8, options.vector)
    with cluster(options) as client:
        write(known(vectors, chunks), source)
        x = da.from_zarr(source)
        print(f"x: {x.nbytes / 1e9:.2f} GB in {x.npartitions} chunks of {x.chunksize}")
        start = time.perf_counter()
        with killing(client) if options.kill else contextlib.nullcontext():
            write(multiplied(factors, x), target)
        seconds = time.perf_counter() - start
        images = [f @ v for f, v in zip(factors, vectors, strict=True)]
        error = largest_error(da.from_zarr(target), images)
        total = float(da.from_zarr(target).sum().compute())
    exact = math.prod(float(image.sum()) for image in images)
    print(f"Zarr to Zarr: {seconds:.1f} s; largest error {error:.1e} of the largest entry")
    print(f"sum of all entries {total:.12e}, product of the images' sums {exact:.12e}")
    report_memory(options)
    in_memory(8 if options.exponent > 8 else options.exponent, options.exponent)


def parse(size):
    return dask.utils.parse_bytes(size)


def write(x, path):
    """To a temporary name first: what is there under the name is whole."""
    partial = path.with_suffix(".partial")
    for old in (path, partial):
        shutil.rmtree(old, ignore_errors=True)
    x.to_zarr(partial, compressors=None)
    partial.rename(path)


@contextlib.contextmanager
def cluster(options):
    """Threads of this process, or processes that are connected by TCP."""
    processes = options.workers > 0
    with (
        dask.config.set({"array.chunk-size": options.chunk}),
        LocalCluster(
            n_workers=max(1, options.workers),
            threads_per_worker=1 if processes else 2,
            processes=processes,
            memory_limit=options.memory,
            local_directory=str(options.folder),
            dashboard_address=None,
        ) as local,
        Client(local) as client,
    ):
        yield client


@contextlib.contextmanager
def killing(client):
    """Kill one worker process when a third of the tasks are done, while the block runs."""

    def kill():
        while done_share(client) < 1 / 3:
            time.sleep(0.05)
        address, worker = next(iter(client.scheduler_info()["workers"].items()))
        pid = client.run(os.getpid, workers=[address])[address]
        os.kill(pid, signal.SIGKILL)
        print(f"killed {worker['id']}, process {pid}, at {done_share(client):.0%} of the tasks")

    thread = threading.Thread(target=kill)
    thread.start()
    yield
    thread.join()


def done_share(client):
    """The share of tasks that are computed, of those that the scheduler knows."""

    def count(dask_scheduler):
        states = [task.state for task in dask_scheduler.tasks.values()]
        return sum(s in ("memory", "released", "forgotten") for s in states) / max(len(states), 1)

    return client.run_on_scheduler(count)


def report_memory(options):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    where = "this process" if options.workers == 0 else "the process with the scheduler"
    print(f"peak memory of {where}: {peak:.2f} GB; limit for each worker {options.memory}")


def in_memory(count, exponent):
    """The engine on an array that fits, scaled to the number of entries and of factors."""
    factors, vectors = factors_of(count)
    u, w = halves(vectors)
    x = np.multiply.outer(u, w).reshape(-1)
    y = np.empty_like(x)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        ox.kron_matmul(factors, x, out=y)
        times.append(time.perf_counter() - start)
    scaled = min(times) * SIZE ** (exponent - count) * exponent / count
    print(f"in memory: 8^{count} takes {min(times):.3f} s, scaled to 8^{exponent} {scaled:.1f} s")


# --- a stream of equations -----------------------------------------------------------------------


def equations(options):
    count, block = options.count, 100_000
    source = options.folder
    with dask.config.set(scheduler="threads", num_workers=2):
        for name in "abq":
            random = da.random.default_rng(ord(name)).standard_normal
            x = random((count, 4, 4), chunks=(block, 4, 4))
            write(x + 6 * np.eye(4) if name != "q" else x, source / f"{name}.zarr")
        a, b, q = (da.from_zarr(source / f"{name}.zarr") for name in "abq")
        peaks, start = [], time.perf_counter()
        with watching(peaks):
            write(ox.solve_sylvester(a, b, q), source / "x.zarr")
        seconds = time.perf_counter() - start
        x = da.from_zarr(source / "x.zarr")
        residual = abs(a @ x + x @ b - q).max().compute()
    quarter = len(peaks) // 4
    print(f"{count} equations of size 4: {seconds:.1f} s, largest residual {residual:.1e}")
    print(
        f"memory in GB: {max(peaks[: 2 * quarter]):.2f} in the first half, "
        f"{max(peaks[2 * quarter :]):.2f} in the second"
    )


@contextlib.contextmanager
def watching(sizes):
    """Note the resident memory of this process ten times a second, in GB."""
    page, stop = os.sysconf("SC_PAGE_SIZE"), threading.Event()

    def watch():
        while not stop.wait(0.1):
            sizes.append(int(Path("/proc/self/statm").read_text().split()[1]) * page / 1e9)

    thread = threading.Thread(target=watch)
    thread.start()
    yield
    stop.set()
    thread.join()


# --- beside dask.array alone ---------------------------------------------------------------------


def by_tensordot(factors, x):
    """Factor after factor by da.tensordot, each along the first axis of what is left."""
    tensor = x.reshape((SIZE,) * len(factors))
    for f in factors:
        tensor = da.tensordot(tensor, f, axes=(0, 1))
    return tensor.reshape(-1)


def by_einsum(factors, x):
    """All factors in one da.einsum."""
    letters = [chr(ord("a") + k) for k in range(len(factors))]
    terms = [f"{m.upper()}{m}" for m in letters]
    formula = f"{','.join(terms)},{''.join(letters)}->{''.join(letters).upper()}"
    tensor = x.reshape((SIZE,) * len(factors))
    return da.einsum(formula, *factors, tensor, optimize=True).reshape(-1)


WAYS = {
    "otimes": lambda factors, x: ox.kron(*factors) @ x,
    "tensordot": by_tensordot,
    "einsum": by_einsum,
}


def peers(options):
    """Each way in a cluster of its own: seconds, bytes that cross the network, peak memory."""
    factors, vectors = factors_of(options.exponent)
    images = [f @ v for f, v in zip(factors, vectors, strict=True)]
    chunks = chunks_of(options.exponent, parse(options.chunk) // 8, True)
    for name in options.ways:
        with cluster(options) as client:
            x = known(vectors, chunks).persist()
            wait(x)
            client.run(mark_peak)
            before = bytes_sent()
            start = time.perf_counter()
            lazy = WAYS[name](factors, x)
            tasks = len(dict(lazy.__dask_graph__()))
            y = lazy.persist()
            wait(y)
            seconds = time.perf_counter() - start
            moved = (bytes_sent() - before) / 1e9
            peak = max(client.run(peak_memory).values())
            error = largest_error(y, images)
        print(
            json.dumps(
                {"way": name, "s": round(seconds, 2), "GB moved": round(moved, 3),
                 "peak GB of a worker": round(peak, 2), "tasks": tasks, "error": f"{error:.0e}"}
            ),
            flush=True,
        )  # fmt: skip


def bytes_sent():
    """What has crossed the loopback interface, over which the workers talk, since the start."""
    lines = Path("/proc/net/dev").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.strip().startswith("lo:"))


def mark_peak():
    """Begin to take the peak of this process's memory anew."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_memory():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024 / 1e9
    raise RuntimeError("this system does not report peak memory")


def main():
    logging.getLogger("distributed.shuffle").setLevel(logging.ERROR)  # tells of every shuffle
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", choices=("product", "equations", "peers"))
    parser.add_argument("--exponent", type=int, default=10, help="8 to this power entries")
    parser.add_argument("--vector", action="store_true", help="x is a vector, not a matrix")
    parser.add_argument("--chunk", default="128MiB", help="bytes of a chunk")
    parser.add_argument("--memory", default="3GB", help="limit for each worker, or this process")
    parser.add_argument("--workers", type=int, default=0, help="processes; 0: this one")
    parser.add_argument("--kill", action="store_true", help="kill a worker in the middle")
    parser.add_argument("--count", type=int, default=10_000_000, help="number of equations")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--folder", type=Path, help="where Zarr arrays are written")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        options.folder = Path(folder)
        {"product": product, "equations": equations, "peers": peers}[options.run](options)


if __name__ == "__main__":
    main()
