"""The page in Chromium: hover, click, filter, keys, phone, reading without scripts.

Accessibility is checked by axe-core, which is opt-in: `npm install axe-core` in some folder, then
STOICHLOOP_AXE=that/folder/node_modules/axe-core/axe.min.js pytest -m browser tests/agent/report
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from agent.campaign.folder import start_campaign
from agent.report import serve
from agent.report.page import Report
from agent.report.serve import ReportServer
from docs.pictures.chromium import EXECUTABLE, Chromium
from memory.ledger import Ledger
from memory.records import Decision, Verdict
from tests.agent.experiments import scored
from tests.agent.report.conftest import BROKEN, LAG, Paged

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(EXECUTABLE is None, reason="needs chromium"),
]
AXE = os.environ.get("STOICHLOOP_AXE")
WORKSTATION, TABLET, PHONE = (1440, 900), (820, 1180), (390, 844)
TIP = "document.getElementById('tip').hidden ? '' : document.getElementById('tip').textContent"
SHOWN = "[...document.querySelectorAll('#all tbody tr')].filter(r => !r.hidden).map(r => r.cells[0].textContent)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with Chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(paged: Paged, tmp_path_factory: pytest.TempPathFactory) -> str:
    page = tmp_path_factory.mktemp("page") / "report.html"
    page.write_text(paged.html(), encoding="utf-8")
    return page.as_uri()


@pytest.fixture
def page(browser: Chromium, address: str) -> Chromium:
    """Return the page on a workstation, just opened."""
    browser.show(address, *WORKSTATION)
    return browser


def test_from_the_tree_a_failure_is_one_hover_and_a_diff_one_click(page: Chromium) -> None:
    page.hover(*page.centre(".node[href='#e0004']"))
    assert BROKEN in page.run(TIP)
    assert "another activation" in page.run(TIP)
    page.click(*page.centre(".node[href='#e0005']"))
    assert "+" in page.run("document.querySelector('#panel-e0005 .diff .add').textContent")
    assert page.run("document.querySelector('#panel-e0005 .losses canvas') !== null")


def test_two_experiments_stand_side_by_side_in_two_clicks(page: Chromium) -> None:
    for name in ("e0002", "e0005"):
        page.click(*page.centre(f".node[href='#{name}']"))
    left, right = page.run("[...document.querySelectorAll('#panel article')].map(a => a.getBoundingClientRect().left)")
    tops = page.run("[...document.querySelectorAll('#panel article')].map(a => a.getBoundingClientRect().top)")
    assert left < right
    assert tops[0] == tops[1]
    assert page.run("[...document.querySelectorAll('#panel article')].map(a => a.id)") == ["panel-e0002", "panel-e0005"]


def test_the_name_of_a_field_finds_all_experiments_that_changed_it(page: Chromium) -> None:
    def chosen(identity: str, value: str, event: str) -> list[str]:
        control = f"document.querySelector({identity!r})"
        page.run(f"{control}.value = {value!r}; {control}.dispatchEvent(new Event({event!r}))")
        return [str(name) for name in page.run(SHOWN)]

    assert chosen("#field", "depth", "change") == ["e0003", "e0002"]
    assert chosen("[data-column='1']", "failed", "change") == []
    chosen("#field", "", "change")
    assert chosen("[data-column='1']", "", "change") == ["e0005", "e0004", "e0003", "e0002", "e0001"]
    assert chosen("#filter", "lr_s=0.02", "input") == ["e0002"]
    assert chosen("#filter", "better than e0001", "input") == ["e0005", "e0004", "e0003", "e0002"]  # the hypothesis
    assert page.run("document.getElementById('found').textContent") == "4 of 5"


def test_the_table_is_sorted_by_a_click_on_a_heading(page: Chromium) -> None:
    for order in (["e0005", "e0001", "e0003", "e0002", "e0004"], ["e0002", "e0003", "e0001", "e0005", "e0004"]):
        page.click(*page.centre("#all thead th:nth-child(5) button"))
        assert page.run(SHOWN) == order
    assert page.run("document.querySelector('#all thead th:nth-child(5)').ariaSort") == "ascending"


def test_keys_go_through_the_table_and_the_experiments(page: Chromium) -> None:
    for key in ("j", "j", "k", "j", "Enter"):
        page.press(key)
    page.wait_for("location.hash === '#e0004'")
    page.press("j")
    page.wait_for("location.hash === '#e0005'")
    page.press("k")
    page.wait_for("location.hash === '#e0004'")
    page.press("/")
    page.wait_for("document.activeElement.id === 'filter'")
    assert page.run("document.querySelector('.sheet:target')") is None


def test_a_dot_of_the_course_tells_and_opens_its_experiment(page: Chromium) -> None:
    def dot(x: float, score: float) -> tuple[float, float]:
        """Return the place of a dot. The axis of numbers reaches from 0.4 to 5.6."""
        left, top, width, height = page.run("""(b => [b.x, b.y, b.width, b.height])(
            document.querySelector('#course .u-over').getBoundingClientRect())""")
        return left + width * (x - 0.4) / 5.2, top + height * (1.0 - score / 1.05)

    page.hover(*dot(2, 0.1))
    page.wait_for(f"({TIP}).includes('deeper functions')")
    assert LAG in page.run(TIP)
    assert "compared with 0.2850 on the same seeds" in page.run(TIP)
    assert "0.1000 ± 0.0000, the standard error between seeds" in page.run(TIP)
    page.click(*dot(5, 0.91))
    page.wait_for("location.hash === '#e0005'")
    page.run("history.back()")
    page.wait_for("location.hash === ''")
    page.run("""{const pen = CanvasRenderingContext2D.prototype, fill = pen.fillText;
        window.drawn = []; pen.fillText = function (text, ...a) { drawn.push(text); fill.call(this, text, ...a); }}""")
    page.click(*page.centre("[name=axis][value=time]"))
    page.wait_for("drawn.includes('minutes')")  # of a campaign of seconds, hours would all be 0
    assert "sweep" in page.run("drawn")
    assert page.told == []


def test_an_opened_experiment_has_no_frame_around_the_page(page: Chromium) -> None:
    page.run("location.hash = 'e0002'")
    page.wait_for("document.activeElement.id === 'e0002'")
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "none"


def test_a_command_is_selected_by_a_click_and_says_that_it_was_copied(page: Chromium) -> None:
    command = ".next li:nth-child(2) .copy"
    page.click(*page.centre(command))
    assert page.run("getSelection().toString()") == page.run(f"document.querySelector('{command}').firstChild.data")
    assert page.run(f"document.querySelector('{command}').title") == "click to copy"


def test_a_heading_tells_what_a_score_is(page: Chromium) -> None:
    assert "decoded integer is right" in page.run("document.querySelector('#all thead th:nth-child(5)').title")


def test_a_cell_of_s_names_its_reaction_and_metabolite(page: Chromium, paged: Paged) -> None:
    graph, network = paged.dataset.graph, paged.dataset.regime.network
    page.centre(".matrix:last-of-type svg")
    left, top, width, height = page.run("""(b => [b.x, b.y, b.width, b.height])(
        [...document.querySelectorAll('.matrix svg')].at(-1).getBoundingClientRect())""")
    row, column = int(graph.met_all[0]), int(graph.rxn_all[0])
    x = left + width * (column + 0.5) / graph.n_reactions
    page.hover(x, top + height * (row + 0.5) / graph.n_metabolites)
    told = page.run(TIP)
    assert told.startswith(f"reaction {network.reaction_names[column]}, metabolite {network.metabolite_names[row]}: ")
    assert re.search(r"true (-?\d), learned -?\d; \d of 3 seeds agree", told)


def test_the_s_of_an_experiment_is_on_its_page(page: Chromium, paged: Paged) -> None:
    page.run("location.hash = 'e0005'")
    page.wait_for("document.querySelector('#e0005 .network svg') !== null")
    words = page.run("document.querySelector('#e0005 .network').parentElement.textContent")
    edges = len(paged.dataset.graph.met_all)
    assert re.match(rf"From trial e0005/s\d/probe: \d+ of {edges} coefficients right\. 0 of {edges} differ", words)
    page.hover(*page.centre("#e0005 .network svg"))
    assert re.search(r"reaction \w+, metabolite \w+: ", page.run(TIP))


def test_a_second_look_tells_what_is_new(browser: Chromium, again: Paged, tmp_path: Path) -> None:
    def look() -> str:
        (tmp_path / "page.html").write_text(again.html(), encoding="utf-8")
        browser.show((tmp_path / "page.html").as_uri(), *WORKSTATION)
        return str(browser.run("document.getElementById('since').innerText"))

    assert look() == look() == ""
    with Ledger(again.campaign.ledger_path) as ledger:
        more = replace(scored("e0006", block=ledger.next_block(), verdict=Verdict("refused", "why")), parent="e0001")
        ledger.open_block(Decision("sweep", None, "more"), [replace(more, proposed_at=2e9)])
    assert re.fullmatch(r"New since you last looked, .*: 1 experiment, marked in the table; none accepted", look())
    assert browser.run("document.querySelector('#all tr.fresh').cells[0].textContent") == "e0006"


def test_on_a_phone_the_answers_come_first_and_nothing_is_cut(browser: Chromium, address: str) -> None:
    browser.show(address, *PHONE)
    assert browser.run("document.documentElement.scrollWidth") == PHONE[0]
    bottom = "document.querySelector('.next').getBoundingClientRect().bottom"
    assert browser.run(bottom) <= PHONE[1]
    assert browser.run("document.querySelector('#course .u-over').getBoundingClientRect().right") <= PHONE[0]
    title = "document.querySelector('#all tbody tr').cells[9].getBoundingClientRect()"
    assert browser.run(f"(b => b.left >= 0 && b.right <= innerWidth && b.width > 200)({title})")
    marked = "document.querySelector('nav [aria-current]').textContent"
    assert browser.run(marked) == "summary"
    browser.centre("#recovered")
    browser.run("scrollBy(0, 350)")
    browser.wait_for(f"{marked} === 'recovered S'")
    box = "document.querySelector('nav [aria-current]').getBoundingClientRect()"
    assert browser.run(f"(b => b.left >= 0 && b.right <= innerWidth)({box})")


def test_without_scripts_the_page_can_be_read(browser: Chromium, address: str) -> None:
    browser.show(f"{address}#e0002", *WORKSTATION, scripts=False)
    browser.send("Emulation.setScriptExecutionDisabled", value=False)  # to look, after it was loaded
    assert LAG in browser.run("document.querySelector('.sheet:target').innerText")
    browser.show(address, *WORKSTATION, scripts=False)
    browser.send("Emulation.setScriptExecutionDisabled", value=False)
    assert browser.run("document.querySelector('noscript svg').getBoundingClientRect().width") > 300
    assert browser.run("document.querySelectorAll('.node').length") == 5
    assert browser.run("document.querySelector('#filters').getBoundingClientRect().height") == 0


def test_a_campaign_that_has_just_begun_has_a_page(browser: Chromium, again: Paged, tmp_path: Path) -> None:
    hollow = start_campaign(again.workspace, "hollow", again.dataset, planner="auto", fidelity="probe", seed=0)
    with Ledger(hollow.ledger_path) as ledger:
        text = Report(again.workspace, hollow, again.dataset).html(ledger)
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    browser.show((tmp_path / "page.html").as_uri(), *WORKSTATION)
    assert "baseline is being measured" in browser.run("document.querySelector('.facts').innerText")
    assert browser.told == []


def test_a_served_page_takes_what_is_new_and_keeps_what_was_set(
    browser: Chromium, again: Paged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "_FRESH_S", 0.0)
    serving = ReportServer(again.report, 0)
    thread = Thread(target=serving.serve_forever)
    thread.start()
    try:
        browser.show(serving.address, *WORKSTATION)
        browser.click(*browser.centre("#all thead th:nth-child(5) button"))
        browser.run(
            "const f = document.getElementById('filter'); f.value = 'functions'; f.dispatchEvent(new Event('input'))"
        )
        browser.click(*browser.centre(".node[href='#e0002']"))
        before = browser.run("scrollY")
        with Ledger(again.campaign.ledger_path) as ledger:
            more = scored("e0006", block=ledger.next_block(), verdict=Verdict("refused", "why"))
            ledger.open_block(Decision("sweep", None, "more"), [replace(more, title="other functions", parent="e0001")])
        browser.wait_for("document.querySelectorAll('.node').length === 6")
        browser.wait_for("document.querySelector('#panel-e0002') !== null")
        assert browser.run(SHOWN) == ["e0003", "e0002", "e0006"]
        assert browser.run("scrollY") == before > 0
    finally:
        serving.shutdown()
        serving.server_close()
        thread.join()


@pytest.mark.skipif(not AXE, reason="needs STOICHLOOP_AXE with the path of axe.min.js")
@pytest.mark.parametrize("size", [WORKSTATION, TABLET, PHONE], ids=["workstation", "tablet", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("place", ["", "#e0002", "panel"])
def test_the_page_is_accessible(browser: Chromium, address: str, size: tuple[int, int], dark: bool, place: str) -> None:
    assert AXE is not None
    browser.show(address + ("" if place == "panel" else place), *size, dark=dark)
    if place == "panel":
        for name in ("e0002", "e0005"):
            browser.click(*browser.centre(f".node[href='#{name}']"))
    assert browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    browser.run(Path(AXE).read_text(encoding="utf-8") + "; 0")
    found = browser.run("""axe.run(document, {resultTypes: ["violations"]}).then((result) =>
        result.violations.map((each) => [each.impact, each.id, each.nodes.map(node => node.html).slice(0, 3)]))""")
    assert [each for each in found if each[0] in ("serious", "critical", "moderate")] == []
