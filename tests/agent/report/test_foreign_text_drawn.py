"""Texts of others in figures and pages."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from matplotlib.figure import Figure

from agent.report.course import draw_curve
from agent.report.experiment_row import experiment_rows
from agent.report.field_plots import parallel_plot, slices_of
from agent.report.fields import Influence
from agent.report.page import FieldStudy
from agent.report.sheet import ChangedFile, Sheet
from agent.report.template_environment import TEMPLATES
from agent.report.theme import draw, label
from memory.records import Block, Experiment, Verdict
from stoichloop.foreign_text import visible
from tests.agent.experiments import FIDELITY, scored
from tests.hostile_texts import HOSTILE

BLOCKS = [Block(0, "baseline", 0.0, "measured"), Block(1, "sweep", 0.0, None)]


@pytest.fixture(params=HOSTILE.values(), ids=list(HOSTILE))
def text(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def written(document: str) -> list[str]:
    """Return the texts of an SVG document, which must be well-formed."""
    document.encode()
    return ["".join(element.itertext()) for element in ET.fromstring(document).iter("{http://www.w3.org/2000/svg}text")]


def accepted(text: str) -> list[Experiment]:
    baseline = scored("e0001", [0.3], block=0, verdict=Verdict("accepted", "", number=1))
    winner = scored("e0002", [0.6], verdict=Verdict("accepted", "", number=2))
    return [baseline, replace(winner, hypothesis=text or "x", title="")]


def test_the_curve_shows_a_headline_as_it_is(text: str) -> None:
    texts = written(draw_curve(accepted(text), BLOCKS, FIDELITY, objective="exact"))
    shown = f"e0002 {label(accepted(text)[1].headline)}"
    assert "".join(shown.split()) in ["".join(each.split()) for each in texts]


def test_names_of_fields_and_choices_are_drawn_as_they_are(text: str) -> None:
    values = [text or "x", "other", f"{text}{text}"]
    configurations = tuple({text: value} for value in values)
    names = "e0001", "e0002", "e0003"
    influence = Influence("e0001", names, configurations, (0.1, 0.2, 0.3), {text: 1.0}, {text: (0.0, 1.0)})
    study = FieldStudy(influence, slices_of(influence), parallel_plot(influence))
    page = TEMPLATES.get_template("fields.html.j2").render(studies=[study], settings={"objective": "exact"})
    found = Tags(page)
    assert {"script", "img", "b", "i"}.isdisjoint(found.tags)
    assert page.replace("\n", "").replace("\t", "").isprintable()
    assert found.told.count("".join(visible(text))) >= 1


def test_settings_of_the_users_matplotlib_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib

    def paint(figure: Figure) -> None:
        figure.add_subplot().set_title("$x$")

    usual = draw(paint, 3, 2)
    monkeypatch.setitem(matplotlib.rcParams, "text.usetex", True)
    monkeypatch.setitem(matplotlib.rcParams, "axes.grid", True)
    assert draw(paint, 3, 2) == usual


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.told = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.told += data


def test_a_page_shows_a_text_as_it_is(text: str) -> None:
    experiment = replace(
        scored("e0002", verdict=Verdict("refused", text)), title=text, hypothesis=text, changes={text: text}
    )
    file = ChangedFile(text, 1, 0, (("add", f"+{text}"),), left_out=1)
    page = TEMPLATES.get_template("sheet.html.j2").render(
        sheet=Sheet(experiment, files=(file,), curves=(), printed=text, outputs=frozenset(), seconds=1.0),
        row=experiment_rows([experiment], BLOCKS)[0],
        parent=experiment,
        before=None,
        after=None,
        network=None,
        campaign="night",
        objective="exact",
    )
    found = Tags(page)
    assert {"script", "img", "b", "i"}.isdisjoint(found.tags)
    assert page.replace("\n", "").replace("\t", "").isprintable()
    assert found.told.count(visible(text).strip()) >= 5
    assert "1 more line not shown here" in found.told
