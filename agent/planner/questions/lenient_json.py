"""A parser for JSON as language models write it.

Beyond JSON it reads what leaves no doubt about the meaning: Python's literals and quotes, comments, trailing commas,
keys without quotes, line ends within strings, unknown escapes. It never guesses where a string or an object ends.
"""

from __future__ import annotations

import json
import re

_DEEPEST = 50
_QUOTES = ('"', "'")
# A hostile text must not cost more than its length: the alternatives of each repetition exclude each other, what is
# skipped is matched for itself, and comments are bounded. Groups repeated possessively are wrong in Python 3.11.2.
_SKIPPED = re.compile(r"(?:\s|(?://|#)[^\n]{0,1000}\n|/\*(?:[^*]|\*(?!/)){0,1000}\*/)*")
_SYMBOL = re.compile(
    r"""\"{3}(?:[^"\\]|\\.|"(?!""))*\"{3}|'{3}(?:[^'\\]|\\.|'(?!''))*'{3}
    |"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[{}\[\]:,]|[^\s{}\[\]:,"']+|\Z""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "\n": "", **{c: c for c in "\"'\\/"}}
_WORDS = {"True": True, "False": False, "None": None, "nan": float("nan"), "inf": float("inf"), "-inf": -float("inf")}


class BrokenJsonError(ValueError):
    """An object or list whose end cannot be found; the message says where it breaks."""

    def __init__(self, parser: _Parser) -> None:
        super().__init__()
        self._parser = parser

    def __str__(self) -> str:
        text, at = self._parser.text, self.at
        if not text[at:].strip():
            return "it breaks off before its end"
        line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
        return f"its JSON is broken at line {line}, column {column}"

    @property
    def at(self) -> int:
        """Return the place of the fault."""
        return self._parser.symbol_at

    @property
    def keys(self) -> list[str]:
        """Return the keys of the outer object up to the fault; without any, it may be no object at all."""
        return self._parser.keys

    def end(self) -> int | None:
        """Return where the outer object ends by its brackets, None if it is never closed."""
        depth, at = self._parser.depth, self.at
        while depth > 0 and (found := _next_symbol(self._parser.text, at)) is not None and found[0]:
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(found[0], 0)
            at = found.end()
        return at if depth == 0 else None


def parse_at(text: str, start: int) -> tuple[object, int]:
    """Return the object or list that begins at `start`, and its end; raise `BrokenJsonError`."""
    parser = _Parser(text, start)
    try:
        return parser.value(), parser.at
    except ValueError:
        raise BrokenJsonError(parser) from None


class _Parser:
    """Holds the symbol that comes next; `symbol_at` is its place, `at` its end."""

    def __init__(self, text: str, at: int) -> None:
        self.text, self.at = text, at
        self.keys: list[str] = []
        self._outer = 2 if text[at] == "[" else 1  # the depth of the object whose keys are kept
        self.depth = 0
        self._advance()

    def value(self) -> object:
        symbol = self.symbol
        if symbol == "{":
            return self._object()
        if symbol == "[":
            return self._list()
        found = _string(symbol) if symbol[:1] in _QUOTES else _word(symbol)
        self._advance()
        return found

    def _object(self) -> dict[str, object]:
        self._open()
        found: dict[str, object] = {}
        while self.symbol != "}":
            key = _string(self.symbol) if self.symbol[:1] in _QUOTES else self.symbol
            if key is self.symbol and not key.isidentifier():
                raise ValueError
            self._advance()
            self._take(":")
            if self.depth == self._outer:
                self.keys.append(key)
            found[key] = self.value()
            if self.symbol != "}":
                self._take(",")
        self._close()
        return found

    def _list(self) -> list[object]:
        self._open()
        found: list[object] = []
        while self.symbol != "]":
            found.append(self.value())
            if self.symbol != "]":
                self._take(",")
        self._close()
        return found

    def _open(self) -> None:
        if self.depth == _DEEPEST:
            raise ValueError
        self.depth += 1
        self._advance()

    def _close(self) -> None:
        self.depth -= 1
        if self.depth:  # what follows the outermost bracket is not read
            self._advance()

    def _take(self, mark: str) -> None:
        if self.symbol != mark:
            raise ValueError
        self._advance()

    def _advance(self) -> None:
        found = _next_symbol(self.text, self.at)
        if found is None:  # a string that is never closed
            self.symbol, self.symbol_at = "", len(self.text)
        else:
            self.symbol, self.symbol_at, self.at = found[0], found.start(), found.end()


def _next_symbol(text: str, at: int) -> re.Match[str] | None:
    skipped = _SKIPPED.match(text, at)
    assert skipped is not None  # it may be empty
    return _SYMBOL.match(text, skipped.end())


def _string(symbol: str) -> str:
    """Return the text of a quoted symbol. An escape that JSON does not know stands for itself, as in a pattern."""
    marks = 3 if len(symbol) >= 6 and symbol[:3] in ('"""', "'''") else 1

    def plain(match: re.Match[str]) -> str:
        code, byte, letter = match.groups()
        return chr(int(code or byte, 16)) if code or byte else _ESCAPED.get(letter, f"\\{letter}")

    text = _ESCAPE.sub(plain, symbol[marks:-marks])
    # Two halves of a character become one; a half alone can be written nowhere.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _word(symbol: str) -> object:
    """Return a constant or a number, also one like `+1`, `.5` or `5.`."""
    if symbol in _WORDS:
        return _WORDS[symbol]
    number = re.sub(r"\.$", ".0", re.sub(r"^([+-]?)\.", r"\g<1>0.", symbol)).removeprefix("+")
    found: object = json.loads(number)
    return found
