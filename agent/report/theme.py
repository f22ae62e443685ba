"""Colours of the figures, and embedding of figures in the page.

Figures are drawn in light colours. Embedding replaces each colour by a variable of the style sheet, so that one figure
suits light and dark screens.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any
from xml.sax.saxutils import quoteattr

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure

from stoichloop.foreign_text import shorten

INK, MUTED, FAINT, PAPER = "#1f2328", "#656d77", "#d8dee5", "#fdfdfc"
GOOD, BAD, WARN, COOL, NEUTRAL = "#1a7f38", "#c0392c", "#b8690f", "#2471a4", "#98a0a8"
SWEEP_SHADE, CODE_SHADE, BAND = "#eef3f9", "#fdf1e4", "#d3ead9"
VERDICTS = {"accepted": GOOD, "rejected": NEUTRAL, "failed": BAD, "refused": WARN, "diagnosed": INK, "open": COOL}
_VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    FAINT: "faint",
    PAPER: "paper",
    GOOD: "good",
    BAD: "bad",
    WARN: "warn",
    COOL: "cool",
    NEUTRAL: "neutral",
    SWEEP_SHADE: "sweep-shade",
    CODE_SHADE: "code-shade",
    BAND: "band",
}
_STYLE: dict[Any, Any] = {
    "text.parse_math": False,  # a dollar sign in a text is one
    "svg.fonttype": "none",  # text stays text: searchable, and in the page's colours
    "svg.hashsalt": "stoichloop",  # reproducible output
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": PAPER,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "legend.labelcolor": INK,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}


MANY = 2_000  # points; more than these are drawn as one image
_LABEL = 34  # characters
Painter = Callable[[Figure], None]


@contextmanager
def styled() -> Iterator[None]:
    """Draw in our style, whatever the user's matplotlibrc says."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a font that lacks a character, of a name that leaves no room
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def draw(paint: Painter, width: float, height: float) -> str:
    """Return a figure as an SVG document, reproducibly; sizes are in inches."""
    stream = StringIO()
    with styled():
        figure = Figure(figsize=(width, height), layout="constrained")
        paint(figure)
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()


def label(text: str) -> str:
    """Return text for a place in a figure: short, and without what an SVG document cannot hold."""
    return shorten(text, _LABEL, "…")


# The style sheet sets the font; most texts are not rotated.
_NEEDLESS = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        *(r"<metadata>.*?</metadata>", r"<!--.*?-->", r"(?<=\n) +", r" font-family: [^;\"]*;"),
        *(r' transform="rotate\(-0 [^"]*"', r"<g>\s*</g>\s*"),
    )
)


def _with_one_style(marks: re.Match[str]) -> str:
    """Return the marks of a series with their style on the group: each of hundreds would repeat it."""
    styles = set(re.findall(r' style="([^"]*)"', marks[0]))
    if len(styles) != 1:
        return marks[0]
    bare = re.sub(r' style="[^"]*"', "", marks[0])
    return bare.replace("<g ", f'<g style="{styles.pop()}" ', 1)


def inline(document: str, name: str, label: str) -> Markup:
    """Return an SVG document as an element of the page; `name` is unique there, `label` is for screen readers."""
    element = document[document.index("<svg") :]
    for what in _NEEDLESS:
        element = what.sub("", element)
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', element))
    element = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", element)
    element = re.sub(r'\bid="', f'id="{name}-', element)
    element = re.sub(r"url\(#", f"url(#{name}-", element)
    element = re.sub(r'href="#', f'href="#{name}-', element)
    for colour, variable in _VARIABLES.items():
        element = element.replace(colour, f"var(--{variable})")
    element = re.sub(r'<g clip-path="[^"]*">(?:\s*<use [^>]*/>)+', _with_one_style, element)
    # A tenth of a point is less than a pixel.
    element = re.sub(r' (?:d|x|y)="[^"]*"', lambda found: re.sub(r"(\.\d)\d+", r"\1", found[0]), element)
    attributes = f'<svg role="img" aria-label={quoteattr(label)} '
    return Markup(re.sub(r'<svg (?:width="[^"]*" height="[^"]*" )?', attributes, element, count=1))
