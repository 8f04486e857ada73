"""Arrays with the same entries in every layout that NumPy knows."""

import numpy as np


def unaligned(x):
    raw = np.empty(x.nbytes + 1, np.uint8)
    raw[1:] = np.frombuffer(x.tobytes(), np.uint8)
    return raw[1:].view(x.dtype).reshape(x.shape)


def record_field(x):
    """A view whose strides are no multiple of the item size."""
    records = np.zeros(x.shape, [("pad", np.int64), ("x", x.dtype)])
    records["x"] = x
    return records["x"]


LAYOUTS = {
    "F": np.asfortranarray,
    "strided": lambda x: np.repeat(np.repeat(x, 2, -1), 3, -2)[..., ::3, ::2],
    "negative": lambda x: x[..., ::-1, ::-1].copy()[..., ::-1, ::-1],
    "unaligned": unaligned,
    "byteswapped": lambda x: x.astype(x.dtype.newbyteorder()),
    "field": record_field,
    "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),
}
