"""Cleaning of text that others wrote, for each medium that shows it.

Planners, language models, programs, file names and errors give texts that may hold escape sequences, marks that turn
the direction of writing, line ends, or the syntax of what they are put into. The ledger keeps a text as it was given.
A medium shows it with every character that is not printed as an escape like `\\x1b`.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata

_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # Unicode counts them as printable, but they show nothing
_MARKS = 4  # combining marks on one character; more of them would paint over the lines above and below
_PUNCTUATION = r"[!-/:-@\[-`{-~]"  # what a backslash escapes in Markdown
_NUMBER = "|".join(rf"(?<=^{blank}{digits})" for blank in ("", r"\ ") for digits in (r"\d" * n for n in range(1, 10)))
_ACTIVE = re.compile(
    rf"""
    [`*~<|]                         # code, emphasis, HTML, tables
    | (?<![^\W_])_ | _(?![^\W_])    # emphasis, but not the underscores in lr_S
    | \\(?={_PUNCTUATION}|$)        # an escape
    | &(?=\#?\w+;)                  # an entity
    | (?<=\])\(                     # the address of a link
    | (?:^|(?<=^\ ))(?:[\#>]|[-+=](?![\d.])) # a heading, a quotation, a list, a rule
    | ^\[ | (?<=^\ )\[(?=[^]]*]:)   # the definition of a link
    | (?:{_NUMBER})[.)](?=\s|$)    # a numbered list
    """,
    re.VERBOSE,
)
_FORMULA = tuple("=+-@\t＝＋－＠")


def visible(text: str) -> str:
    r"""Return text of one or more lines for a terminal, a page or a prompt: what is not printed becomes `\x1b`."""
    if text.isascii() and text.isprintable():
        return text
    shown, marks = list[str](), 0
    for character in text.replace("\r\n", "\n"):
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if character in "\n\t":
            shown.append(character)
        elif unicodedata.category(character) == "Zs":
            shown.append(" ")
        elif character.isprintable() and character not in _BLANK_LETTERS and marks <= _MARKS:
            shown.append(character)
        else:
            shown.append(character.encode("unicode_escape").decode())
    return "".join(shown)


def is_printable(text: str) -> bool:
    """Return whether every character of a text is printed, in a single line."""
    return visible(text) == text and not {"\n", "\t"} & {*text}


def one_line(text: str) -> str:
    """Return text as a single line, with one blank in place of line ends and other white space."""
    return visible(" ".join(text.split()))


def shorten(text: str, length: int, placeholder: str = " …") -> str:
    """Return text as a single line of at most `length` characters, cut between words if it has any."""
    line = one_line(text)
    if len(line) <= length:
        return line
    room = max(0, length - len(placeholder))
    kept, words = line[:room], line[: room + 1].rpartition(" ")[0]
    return (words if 2 * len(words) > room else kept).rstrip() + placeholder


def markdown(text: str) -> str:
    """Return text as part of a line of Markdown in which it has no meaning: no heading, link, HTML, table or code."""
    return _ACTIVE.sub(r"\\\g<0>", visible(re.sub(r"\s+", " ", text)))


def unescaped(line: str) -> str:
    """Return a line of Markdown without the escapes of `markdown`."""
    return re.sub(rf"\\({_PUNCTUATION})", r"\1", line)


def commit_paragraph(text: str, width: int) -> str:
    """Return text as a paragraph of a commit message.

    Each line is indented: git reads no trailer, comment or divider there.
    """
    return textwrap.fill(one_line(text), width, initial_indent=" ", subsequent_indent=" ")


def table_cell(text: str) -> str:
    """Return text for a cell of a CSV file, so that no spreadsheet takes it for a formula."""
    shown = visible(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def storable(text: str) -> str:
    r"""Return text that UTF-8 can hold: a lone surrogate, as in an undecodable file name, becomes `\udcff`."""
    return text.encode("utf-8", "backslashreplace").decode()
