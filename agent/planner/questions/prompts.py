"""Jinja2 templates in `prompts/`: the texts for language models, and the first brief of a campaign."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parents[3] / "prompts"),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)


def render_prompt(template: str, **values: object) -> str:
    """Fill a template; a value that is missing is an error."""
    return _ENVIRONMENT.get_template(template).render(**values)
