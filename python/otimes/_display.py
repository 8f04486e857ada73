"""Operators as text and as LaTeX, in the textbook's notation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._operator import LinearOperator, Scalar, Shape, registry
from ._selection import Symmetrizer
from ._structures import (
    Conjugate,
    Diagonal,
    Inverse,
    LowRank,
    OperatorKronecker,
    Product,
    Repetition,
    Selection,
    Sum,
)
from ._terms import Factor, Label, Term, TermOperator
from ._triangles import TriangleOperator

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SUBSCRIPTS = str.maketrans("0123456789,", "₀₁₂₃₄₅₆₇₈₉,")
_MAX_TERMS = 12


@dataclass(frozen=True)
class Notation:
    """How the signs of the algebra are written."""

    latex: bool

    @property
    def otimes(self) -> str:
        return r" \otimes " if self.latex else " ⊗ "

    def sub(self, symbol: str, text: str) -> str:
        return f"{symbol}_{{{text}}}" if self.latex else symbol + text.translate(_SUBSCRIPTS)

    def sup(self, body: str, mark: str) -> str:
        """`body` with a power or one of the marks T, H, *, +, in brackets where it needs them."""
        if not mark:
            return body
        if self.latex:
            signs = {
                "T": r"\mathsf{T}",
                "H": r"\mathsf{H}",
                "-T": r"-\mathsf{T}",
                "+T": r"+\mathsf{T}",
            }
            return f"{body}^{{{signs.get(mark, mark)}}}"
        signs = {"T": "ᵀ", "H": "ᴴ", "*": "*", "-T": "⁻ᵀ", "+": "⁺", "+T": "⁺ᵀ"}
        return body + signs.get(mark, mark.translate(_SUPERSCRIPTS))

    def brackets(self, body: str) -> str:
        return rf"\left({body}\right)" if self.latex else f"({body})"

    def label(self, label: Label) -> str:
        """A A⁻¹ Bᵀ (A²)ᵀ: the product of named matrices."""
        return (r" \, " if self.latex else " ").join(self._atom(*atom) for atom in label)

    def _atom(self, symbol: str, power: int, mark: str) -> str:
        compound = any(sign in symbol for sign in " +-")
        base = self.brackets(symbol) if compound else self._symbol(symbol)
        if power == 1:
            return self.sup(base, mark)
        if power == -1 and mark == "T":
            return self.sup(base, "-T")
        powered = self.sup(base, str(power))
        return self.sup(self.brackets(powered), mark) if mark else powered

    def _symbol(self, symbol: str) -> str:
        if self.latex and len(symbol) > 1:
            return r"\mathrm{" + symbol.replace("_", r"\_") + "}"
        return symbol

    def factor(self, f: Factor) -> str:
        if f.is_identity:
            return self.sub("I", str(f.rows))
        if f.label is not None:
            return self.label(f.label)
        if f.shape == (1, 1):
            return self.number(f.dense(f.dtype)[0, 0])
        times = r" \times " if self.latex else "×"
        return f"[{f.rows}{times}{f.cols}]"

    def vector_of(self, shape: Shape) -> str:
        sizes = (r" \times " if self.latex else "×").join(map(str, shape))
        return rf"\operatorname{{vec}}[{sizes}]" if self.latex else f"vec[{sizes}]"

    def number(self, c: Scalar) -> str:
        value = np.asarray(c).item()
        if isinstance(value, complex):
            return self.brackets(f"{value:g}")
        return str(value) if isinstance(value, int) else f"{value:g}"

    def term(self, t: Term) -> str:
        """c (F₁ ⊗ … ⊗ F_N) K, without the sign of c."""
        body = self.otimes.join(self.factor(f) for f in t.factors)
        if t.is_permuted:
            if len(t.order) == 2:
                sizes = f"{t.factors[0].cols},{t.factors[1].cols}"
                permutation = self.sub("K", sizes)
            else:
                permutation = self.sub("P", ",".join(map(str, t.order)))
            body = permutation if t.is_selection else f"{self.brackets(body)} {permutation}"
        elif t.is_selection:
            body = self.sub("I", str(t.rows))
        elif t.coefficient not in (1, -1) and len(t.factors) > 1:
            body = self.brackets(body)
        size = abs(t.coefficient) if np.isrealobj(t.coefficient) else t.coefficient
        return body if size == 1 else f"{self.number(size)} {body}"

    def terms(self, parts: tuple[Term, ...]) -> str:
        pieces = []
        for k, t in enumerate(parts[:_MAX_TERMS]):
            negative = np.isrealobj(t.coefficient) and t.coefficient < 0  # type: ignore[operator]
            sign = ("-" if negative else "") if k == 0 else (" - " if negative else " + ")
            pieces.append(sign + self.term(t))
        rest = len(parts) - _MAX_TERMS
        return "".join(pieces) + (f" + … ({rest} more terms)" if rest > 0 else "")

    def operator(self, op: LinearOperator) -> str:
        op = op._structure()
        match op:
            case TriangleOperator():
                return self.sup(self.sub(op.symbol, str(op.n)), op.mark)
            case Symmetrizer():
                return self.sub("N", str(op.n))
            case TermOperator():
                return self.terms(op.parts)
            case Sum():
                return " + ".join(
                    self.operator(a) if c == 1 else f"{self.number(c)} {self._inner(a)}"
                    for c, a in op.addends
                )
            case Product():
                return " ".join(self._inner(a) for a in op.chain)
            case Inverse():
                return self.sup(
                    self.brackets(self.operator(op.operator)), "-1" if op.trans == "N" else "-T"
                )
            case Conjugate():
                return self.sup(self.brackets(self.operator(op.operator)), "*")
            case OperatorKronecker():
                return self.otimes.join(self._inner(a) for a in op.operators)
            case Diagonal():
                d = f"{len(op.entries)} entries"
                return rf"\operatorname{{diag}}(\text{{{d}}})" if self.latex else f"diag({d})"
            case Selection():
                return "P" if op.is_permutation else "S"
            case Repetition():
                return self.sup("R", "T" if op.transposed else "")
            case LowRank():
                rank = op.left.shape[1]
                if rank == 1 and 1 in op.shape:  # the Jacobian of a scalar, or by one
                    shape = op.in_shape if op.shape[0] == 1 else op.out_shape
                    vector = self.vector_of(shape)
                    return self.sup(vector, "T") if op.shape[0] == 1 else vector
                if self.latex:
                    return rf"U V^{{\mathsf{{T}}}} \; (\text{{rank }} {rank})"
                return f"U Vᵀ (rank {rank})"
        return op._name()

    def _inner(self, op: LinearOperator) -> str:
        """An operand of a product, in brackets when it is a sum or a Kronecker product."""
        text = self.operator(op)
        simple = not any(sign in text for sign in (" + ", " - ", self.otimes))
        return text if simple else self.brackets(text)


registry.display.update(text=Notation(latex=False).operator, latex=Notation(latex=True).operator)
