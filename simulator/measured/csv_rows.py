"""A CSV file as text: its encoding, the separator of its columns, and its rows of stripped fields.

Commas, semicolons and tabs separate columns. A first line `sep=;`, which spreadsheets write, names the separator.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from simulator.measured.csv_header import is_time
from simulator.measured.problem_list import several, shortened
from stoichloop.errors import DatasetError

_SEPARATORS = (",", ";", "\t")
_NAMED_SEPARATOR = re.compile(r'"?sep=([^"\r\n])"?\s*[\r\n]+', re.IGNORECASE)
_SHOWN = 30  # characters of a field in a message


@dataclass(frozen=True)
class Row:
    """The fields of a row that is not empty, and the line of the file on which it begins."""

    line: int
    fields: tuple[str, ...]


@dataclass(frozen=True)
class CsvRows:
    """The header and the rows below it, each with as many fields as the header.

    `remarks` say what was done to them, `faults` which rows had other numbers of fields.
    """

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    remarks: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def read_rows(path: Path) -> CsvRows:
    """Read a CSV file; raises `DatasetError` with the row and the mend if it cannot be read at all."""
    text = _text(path)
    named = _NAMED_SEPARATOR.match(text)
    start, separator = (named.end(), named[1]) if named else (0, _separator(text))
    found = list(_rows(path, text[start:], separator, len(text[:start].splitlines())))
    comments = next((n for n, row in enumerate(found) if not row.fields[0].startswith("#")), len(found))
    header, *samples = found[comments:] or [Row(1, ())]
    repeated = [row.line for row in samples if row.fields == header.fields]
    rows = [_of_width(row, len(header.fields)) for row in samples if row.line not in repeated]
    wrong: dict[int, list[str]] = {}
    for row in rows:
        if len(row.fields) != len(header.fields):
            wrong.setdefault(len(row.fields), []).append(str(row.line))
    faults = tuple(
        f"row {shortened(lines, 3)} has {count} fields, but the header has {len(header.fields)}; give one for each "
        "column, and write decimal points where commas separate the columns"
        for count, lines in wrong.items()
    )
    remarks = {
        f"{several(comments, 'line')} of comments not read": comments,
        f"row {', '.join(map(str, repeated))} not read: the header again": repeated,
    }
    whole = tuple(row for row in rows if len(row.fields) == len(header.fields))
    return CsvRows(header.fields, whole, tuple(remark for remark, done in remarks.items() if done), faults)


def _of_width(row: Row, width: int) -> Row:
    """Return a row without empty fields behind the header."""
    fields = list(row.fields)
    while len(fields) > width and not fields[-1]:
        fields.pop()
    return Row(row.line, tuple(fields))


def shown(field: str) -> str:
    """Return a field as a message shows it: in quotes, on one line, shortened."""
    text = field if len(field) <= _SHOWN else f"{field[:_SHOWN]}..."
    return f"'{text.encode('unicode_escape').decode() if not text.isprintable() else text}'"


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except FileNotFoundError as error:
        raise DatasetError(f"--csv {path}: there is no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"--csv {path}: cannot be read as text; save it as CSV in UTF-8") from error
    if "\0" in text:
        raise DatasetError(
            f"--csv {path}: holds NUL characters, as UTF-16 or a binary file does; save it as CSV in UTF-8"
        )
    return text


def _separator(text: str) -> str:
    """Return the separator that finds a column of times in the first row, and the most columns."""

    def columns(separator: str) -> tuple[bool, int]:
        try:
            header = next(filter(any, csv.reader(io.StringIO(text, newline=""), delimiter=separator)), [])
        except csv.Error:
            header = []
        return any(is_time(field.strip()) for field in header), len(header)

    return max(_SEPARATORS, key=columns)


def _rows(path: Path, text: str, separator: str, above: int) -> Iterator[Row]:
    """Yield the rows that are not empty; `above` is the number of lines before `text`."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = above + 1
    try:
        for row in reader:
            fields = tuple(field.strip() for field in row)
            if any(fields):
                _refuse_invisible(path, line, fields)
                yield Row(line, fields)
            line = above + reader.line_num + 1
    except csv.Error as error:
        fault = "opens a quotation mark that is not closed" if "end of data" in str(error) else str(error)
        raise DatasetError(
            f"--csv {path}: row {line} cannot be read as CSV: it {fault}; delete the quotation marks of that row"
        ) from error


def _refuse_invisible(path: Path, line: int, fields: tuple[str, ...]) -> None:
    for number, field in enumerate(fields, 1):
        if mark := next((c for c in field if unicodedata.category(c) in ("Cc", "Cf")), None):
            raise DatasetError(
                f"--csv {path}: row {line}, field {number}: {shown(field)} holds the invisible character "
                f"U+{ord(mark):04X}; delete it"
            )
