"""Operators as text and as LaTeX, in the textbook's notation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ._check import Scalar, Shape
from ._compounds import Conjugate, Inverse, OperatorKronecker, Product, Sum
from ._factor import Factor
from ._frechet import FrechetDerivative
from ._labels import Label
from ._operator import LinearOperator
from ._primitives import Constant
from ._real_linear import RealLinear
from ._registry import registry
from ._selection import Symmetrizer
from ._structures import Diagonal, LowRank, Repetition, Selection
from ._terms import Term, TermOperator
from ._triangles import TriangleOperator

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SUBSCRIPTS = str.maketrans("0123456789,", "₀₁₂₃₄₅₆₇₈₉,")
#: More terms or factors are counted, not written.
_MAX = 12


class Notation(NamedTuple):
    """How the signs of the algebra are written."""

    latex: bool

    @property
    def otimes(self) -> str:
        return r" \otimes " if self.latex else " ⊗ "

    @property
    def dots(self) -> str:
        return r"\dots" if self.latex else "…"

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
        return self.nameless(f.shape)

    def nameless(self, shape: Shape) -> str:
        times = r" \times " if self.latex else "×"
        return f"[{times.join(map(str, shape))}]"

    def vector_of(self, shape: Shape) -> str:
        vec = r"\operatorname{vec}" if self.latex else "vec"
        return vec + self.nameless(shape)

    def derivative(self, function: str, at: Constant) -> str:
        """L_exp(A)."""
        argument = self.label(at.label) if at.label else self.nameless(at.array.shape)
        return self.sub("L", rf"\{function}" if self.latex else f"_{function}") + f"({argument})"

    def number(self, c: Scalar) -> str:
        value = np.asarray(c).item() + 0  # -0.0 is 0
        if isinstance(value, int):
            return str(value)
        if value.imag == 0:
            return self._power_of_ten(f"{value.real:g}")
        if value.real == 0:
            return self._power_of_ten(f"{value.imag:g}") + "j"
        return self.brackets(f"{value:g}")

    def _power_of_ten(self, text: str) -> str:
        """1e-05 as LaTeX writes it."""
        digits, e, power = text.partition("e")
        return rf"{digits} \cdot 10^{{{int(power)}}}" if self.latex and e else text

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
        return self._multiple(_size(t.coefficient), body)

    def _multiple(self, size: Scalar, body: str) -> str:
        return body if size == 1 else f"{self.number(size)} {body}"

    def terms(self, parts: tuple[Term, ...]) -> str:
        return self._sum([self._signed(t.coefficient, self.term(t)) for t in parts[:_MAX]], parts)

    def _signed(self, c: Scalar, size: str) -> str:
        """The text of c times something, from that without the sign of c."""
        return f"-{size}" if _is_negative(c) else size

    def _sum(self, pieces: list[str], everything: Sequence[object]) -> str:
        """The first addends with their signs, and the number of the rest."""
        text = pieces[0]
        for piece in pieces[1:]:
            text += f" - {piece[1:]}" if piece.startswith("-") else f" + {piece}"
        rest = len(everything) - len(pieces)
        return text + (f" + {self._omitted(rest, 'term')}" if rest else "")

    def _omitted(self, count: int, what: str) -> str:
        words = f"({count} more {what}{'s' if count > 1 else ''})"
        return f"{self.dots} " + (rf"\text{{{words}}}" if self.latex else words)

    def _addend(self, c: Scalar, op: LinearOperator) -> str:
        if c == 1:
            return self.operator(op)
        is_chain = isinstance(op._structure(), Product)
        body = self.operator(op) if is_chain else self._inner(op)
        return self._signed(c, self._multiple(_size(c), body))

    def _chain(self, chain: tuple[LinearOperator, ...]) -> str:
        """The first and the last links."""
        if len(chain) <= _MAX:
            return " ".join(map(self._inner, chain))
        ends = chain[: _MAX // 2], chain[-(_MAX // 2) :]
        head, tail = (" ".join(map(self._inner, end)) for end in ends)
        return f"{head} {self._omitted(len(chain) - _MAX, 'factor')} {self.dots} {tail}"

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
                return self._sum([self._addend(*a) for a in op.addends[:_MAX]], op.addends)
            case Product():
                return self._chain(op.chain)
            case Inverse():
                return self.sup(
                    self.brackets(self.operator(op.operator)), "-1" if op.trans == "N" else "-T"
                )
            case Conjugate():
                return self.sup(self.brackets(self.operator(op.operator)), "*")
            case RealLinear():
                linear, conjugated = map(self._inner, (op.linear, op.conjugated))
                bar = r"\overline{X}" if self.latex else "X̄"
                return f"X ↦ {linear} X + {conjugated} {bar}"
            case OperatorKronecker():
                return self.otimes.join(self._inner(a) for a in op.operators)
            case FrechetDerivative():
                return self.derivative(op.symbol, op.primitive.a)
            case Diagonal():
                d = f"{len(op.entries)} entries"
                return rf"\operatorname{{diag}}(\text{{{d}}})" if self.latex else f"diag({d})"
            case Selection():
                return "P" if op.is_permutation else "S"
            case Repetition():
                return self.sup("R", "T" if op.transposed else "")
            case LowRank():
                rank = op.left.shape[1]
                if rank == 0:
                    return "0"
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
        enclosed = isinstance(op._structure(), (Inverse, Conjugate))
        simple = enclosed or not any(sign in text for sign in (" + ", " - ", self.otimes))
        return text if simple else self.brackets(text)


def _is_negative(c: Scalar) -> bool:
    """Whether its text has a minus before it: -2, -2j; that of -1+2j stands in brackets."""
    return bool(c.real < 0 if c.imag == 0 else c.real == 0 and c.imag < 0)


def _size(c: Scalar) -> Scalar:
    """C without that minus."""
    return -c if _is_negative(c) else c


registry.display.update(text=Notation(latex=False).operator, latex=Notation(latex=True).operator)
