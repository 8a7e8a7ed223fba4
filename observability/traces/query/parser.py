r"""Reads the part of TraceQL that the store answers (docs/traces.md has it as a table).

    { resource.service.name = "orders" && (status = error || duration > 100ms) }
    { span.http.route =~ "/orders.*" } && { kind = consumer }

`&&` and `||` bind equally strongly, from left to right, as in Tempo's grammar; parentheses say it otherwise.
"""

from collections.abc import Callable
from typing import TypeVar

from observability.traces.query.conditions import And, Comparison, Condition, Or
from observability.traces.query.errors import IncompleteQueryError, UnsupportedQueryError
from observability.traces.query.spansets import Both, Either, Filter, Spanset
from observability.traces.query.tokens import END, Token, tokens
from observability.traces.query.values import comparison, field, is_literal

MAX_DEPTH = 32
"""Parentheses within parentheses."""

_COMPARISONS = frozenset({"=", "!=", ">", ">=", "<", "<=", "=~", "!~"})
_MIRRORED = {">": "<", ">=": "<=", "<": ">", "<=": ">="}
_STRUCTURAL = frozenset({">", ">>", "<", "<<", "~", "!>", "!>>", "!<", "!<<", "!~"})

Part = TypeVar("Part")
Joined = Callable[[tuple[Part, ...]], Part]


def parse(query: str) -> Spanset:
    """The query as a tree; `UnsupportedQueryError` says which part is wrong or not supported."""
    return _Reader(query).whole()


def _why(token: Token) -> str:
    if token.text == "|":
        return "the store has no pipelines and no aggregates"
    if token.text in _STRUCTURAL:
        return "the store has no structural operators (parent, child, sibling)"
    return "spansets are joined by && or ||"


class _Reader:
    """Recursive descent over the tokens."""

    def __init__(self, query: str) -> None:
        self._query = query
        self._tokens = tokens(query)
        self._at = 0

    def whole(self) -> Spanset:
        found = self._spansets(0)
        if (rest := self._next).kind != END:
            text = self._query[rest.position - 1 :][:60]
            raise UnsupportedQueryError(f"{text!r} is not supported here: {_why(rest)}", rest.position)
        return found

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at += token.kind != END
        return token

    def _takes(self, symbol: str) -> bool:
        matches = self._next.kind == "symbol" and self._next.text == symbol
        self._at += matches
        return matches

    def _expect(self, symbol: str, what: str) -> None:
        if not self._takes(symbol):
            raise self._wrong(f"{what} is missing: {symbol!r} is wanted")

    def _wrong(self, text: str) -> UnsupportedQueryError:
        token = self._next
        if token.kind == END:
            return IncompleteQueryError(f"{text} before the end", token.position)
        if token.text in {"}", ")"}:
            return IncompleteQueryError(f"{text} before {token.text!r}", token.position)
        return UnsupportedQueryError(f"{text} instead of {token.text[:60]!r}", token.position)

    def _spansets(self, depth: int) -> Spanset:
        return self._joined(self._spanset, Both, Either, depth)

    def _spanset(self, depth: int) -> Spanset:
        if self._takes("("):
            inner = self._spansets(self._deeper(depth))
            self._expect(")", "the closing parenthesis")
            return inner
        self._expect("{", "a query begins with {…}: its opening brace")
        if self._takes("}"):
            return Filter()
        condition = self._conditions(depth)
        self._expect("}", "the closing brace, or && or ||,")
        return Filter(condition)

    def _conditions(self, depth: int) -> Condition:
        return self._joined(self._condition, And, Or, depth)

    def _condition(self, depth: int) -> Condition:
        if self._takes("("):
            inner = self._conditions(self._deeper(depth))
            self._expect(")", "the closing parenthesis")
            return inner
        return self._comparison()

    def _comparison(self) -> Comparison:
        left = self._operand("a condition begins with a field like resource.service.name, or with a value,")
        if self._next.text not in _COMPARISONS:
            raise self._wrong(f"{left.text!r} is compared by one of = != > >= < <= =~ !~,")
        symbol = self._take()
        right = self._operand(f"a value like \"text\", 5, 100ms or true is wanted after '{left.text} {symbol.text}'")
        if not is_literal(left):
            return comparison(field(left), symbol, right, left.text)
        if is_literal(right) or "~" in symbol.text:
            raise UnsupportedQueryError(
                f"{left.text[:60]!r} is no field, and one side of a comparison is", left.position
            )
        mirrored = symbol._replace(text=_MIRRORED.get(symbol.text, symbol.text))
        return comparison(field(right), mirrored, left, right.text)

    def _operand(self, what: str) -> Token:
        if self._next.kind in {"symbol", END}:
            raise self._wrong(what)
        return self._take()

    def _joined(self, part: Callable[[int], Part], both: Joined[Part], either: Joined[Part], depth: int) -> Part:
        """`part`s joined by `&&` and `||`, from left to right; a run of the same operator makes one node."""
        parts, operator = [part(depth)], ""
        while self._next.kind == "symbol" and self._next.text in {"&&", "||"}:
            if operator not in {"", self._next.text}:
                parts = [(both if operator == "&&" else either)(tuple(parts))]
            operator = self._take().text
            parts.append(part(depth))
        return (both if operator == "&&" else either)(tuple(parts)) if operator else parts[0]

    def _deeper(self, depth: int) -> int:
        if depth >= MAX_DEPTH:
            raise UnsupportedQueryError(f"more than {MAX_DEPTH} parentheses within each other", self._next.position)
        return depth + 1
