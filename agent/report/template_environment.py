"""The Jinja environment of the report's templates: text of others is escaped, and its controls are made visible."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from agent.base.duration import format_duration
from agent.executor.artifacts import PRINTED
from agent.report.score_meanings import MEANINGS
from memory.formatting import FINDING_KINDS, ON_SIBLINGS, UNCHECKED, counted, decimal, moment, within
from stoichloop.foreign_text import visible

_HERE = Path(__file__).parent


def _inserted(value: object) -> object:
    """Return what a template inserts, with characters that are not printed made visible; HTML is escaped afterwards."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _linked(text: str, known: Collection[str]) -> Markup:
    """Return foreign text in which the name of each known experiment is a link."""
    name = "|".join(known) or "(?!)"
    plain = str(escape(visible(text)))  # parts of a Markup would be joined with the links escaped
    return Markup(re.sub(rf"\b(?:{name})\b", r'<a href="#\g<0>">\g<0></a>', plain))


def script_json(value: Any) -> Markup:
    """Return JSON for a script element, which no text inside can end."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace("&", "\\u0026"))


TEMPLATES = Environment(
    loader=FileSystemLoader([_HERE / "templates", _HERE / "assets"]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
    finalize=_inserted,
)
TEMPLATES.globals.update(
    unchecked=UNCHECKED,
    on_siblings=ON_SIBLINGS,
    kinds=FINDING_KINDS,
    counted=counted,
    meanings=MEANINGS,
    output_file=PRINTED,
)
TEMPLATES.filters.update(
    moment=moment, duration=format_duration, decimal=decimal, linked=_linked, within=within, script_json=script_json
)
