"""The number of threads, which the core keeps."""

from . import _core


def get_num_threads() -> int:
    """Return the number of threads that otimes and its BLAS compute with.

    Returns
    -------
    int
        What `set_num_threads` has set; at import `OTIMES_NUM_THREADS`, else `OMP_NUM_THREADS`,
        else one for each processor.

    See Also
    --------
    set_num_threads : Change it.

    Examples
    --------
    >>> import otimes as ox
    >>> ox.get_num_threads() >= 1
    True
    """
    return _core.get_num_threads()


def set_num_threads(n: int) -> None:
    """Set the number of threads that otimes and its BLAS compute with, from now on.

    Parameters
    ----------
    n : int
        At least 1, the calling thread included.

    Raises
    ------
    ValueError
        When `n` is less than 1.

    See Also
    --------
    get_num_threads : The number in force.

    Notes
    -----
    One number for the whole process. A BLAS of the system (``OTIMES_BLAS=system``) has a number of
    its own, set by its own environment variable.

    Examples
    --------
    >>> import otimes as ox
    >>> before = ox.get_num_threads()
    >>> ox.set_num_threads(1)
    >>> ox.get_num_threads()
    1
    >>> ox.set_num_threads(before)
    """
    _core.set_num_threads(n)
