"""The names of factors, for display: A, A⁻¹, Bᵀ, and what products and transposes make of them."""

from __future__ import annotations

#: A product of (symbol, power, mark), mark in "", "T", "H", "*".
Label = tuple[tuple[str, int, str], ...]


def label_map(label: Label | None, mark: str) -> Label | None:
    """The label of the transpose ("T") or the conjugate ("*") of what `label` names."""
    if label is None:
        return None
    atoms = reversed(label) if mark == "T" else label
    return tuple((symbol, power, _MARKS[old, mark]) for symbol, power, old in atoms)


_MARKS = {
    ("", "T"): "T",
    ("T", "T"): "",
    ("*", "T"): "H",
    ("H", "T"): "*",
    ("", "*"): "*",
    ("*", "*"): "",
    ("T", "*"): "H",
    ("H", "*"): "T",
}


def label_inverse(label: Label | None) -> Label | None:
    """The label of the inverse: A⁻¹, or B⁻¹A⁻¹ of AB."""
    return label and tuple((symbol, -power, mark) for symbol, power, mark in reversed(label))


def label_product(a: Label | None, b: Label | None) -> Label | None:
    """The label of a product; neighbouring powers of one symbol join."""
    if a is None or b is None:
        return None
    if a and b and (a[-1][0], a[-1][2]) == (b[0][0], b[0][2]) and a[-1][1] + b[0][1] != 0:
        return (*a[:-1], (a[-1][0], a[-1][1] + b[0][1], a[-1][2]), *b[1:])
    return a + b
