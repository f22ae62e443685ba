"""Texts of others in log.md, memory.md and the results of a search."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from memory.ledger import Ledger
from memory.records import Call, CampaignRecord, Decision, Finding, Verdict
from memory.render import MEMORY_LINES, Log, search, working_memory
from stoichloop.foreign_text import one_line, shorten, storable, unescaped
from tests.agent.experiments import FIDELITY, scored
from tests.hostile_texts import HOSTILE

GITHUB = MarkdownIt("commonmark").enable(["table", "strikethrough"])
DIGITS = "--- a/gnn/loss.py\n+++ b/gnn/loss.py\n@@ -" + "9" * 6000 + " +1 @@\n-a\n+b\n"


@pytest.fixture(params=HOSTILE.values(), ids=list(HOSTILE))
def text(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def ledger_with(path: Path, text: str) -> Ledger:
    """Return a ledger into which others have written the text wherever they can."""
    ledger = Ledger(path)
    ledger.add_campaign(CampaignRecord("night", "pde_m1_tiny", "d" * 64, "c" * 40, FIDELITY, 0.0, "exact"))
    baseline = replace(scored("e0001", [0.3], block=0), hypothesis="the baseline", title="the baseline")
    refused = replace(
        scored("e0002"),
        title=text[:60],
        hypothesis=text,
        changes={text: text, "list": [text]},
        patch=f"--- a/{text}\n+++ b/{text}\n@@ -1 +1 @@\n-a\n+b\n",
        verdict=Verdict("refused", text),
    )
    ledger.open_block(Decision("baseline", None, "first"), [baseline])
    ledger.add_result(baseline.trials[0])
    ledger.add_verdict("e0001", Verdict("accepted", "the baseline"))
    ledger.close_block(
        0, f"ours; {text}", [Finding(0, "open question", "x", f"ours; {text}", ("e0001",), None, 0.5, 0.0)]
    )
    ledger.open_block(Decision("sweep", None, text), [refused])
    ledger.add_event(text)
    ledger.add_call(Call("llm", text, "p" * 64, 1, 1, 0.0, 1.0, text, 0.0))
    return ledger


def structure(markdown: str) -> tuple[list[str], list[str]]:
    """Return the headings and the bold words."""
    tokens = GITHUB.parse(markdown)
    assert {"html_block", "fence", "blockquote_open", "hr"}.isdisjoint(token.type for token in tokens)
    headings, bold = [], []
    for before, token in pairwise(tokens):
        kinds = [child.type for child in token.children or []]
        assert {"html_inline", "link_open", "image", "em_open", "s_open"}.isdisjoint(kinds)
        if before.type == "heading_open":
            headings.append(token.content)
        for place, child in enumerate(token.children or []):
            if child.type == "strong_open":
                bold.append((token.children or [])[place + 1].content)
    return headings, bold


def test_log_and_memory_have_the_structure_that_is_ours(tmp_path: Path, text: str) -> None:
    with ledger_with(tmp_path / "memory.db", text) as ledger:
        log, memory = Log(ledger).text(), working_memory(ledger)
    headings, bold = structure(log)
    assert [heading for heading in headings if heading.startswith("e0")] == ["e0001", "e0002"]
    assert len(headings) == 7  # the log, events, calls, two blocks and two experiments
    assert bold == ["accepted", "refused"]
    headings, bold = structure(memory)
    assert len(headings) == 9
    assert bold == ["e0001", "accepted", "refused"]
    assert memory.count("\n") <= MEMORY_LINES
    for rendered in (log, memory):
        assert rendered.replace("\n", "").isprintable()
        assert shorten(text[:60], 400) in unescaped(rendered)


def test_the_ledger_keeps_a_text_as_it_was_given(tmp_path: Path, text: str) -> None:
    with ledger_with(tmp_path / "memory.db", text) as ledger:
        kept = ledger.experiment("e0002")
        assert kept is not None
        assert kept.hypothesis == storable(text)
        assert kept.changes == {text: text, "list": [text]}
        assert ledger.events()[0].message == storable(text)


def test_a_search_finds_what_was_written(tmp_path: Path) -> None:
    with ledger_with(tmp_path / "memory.db", HOSTILE["emphasis"]) as ledger:
        found = search(ledger, "**accepted** __accepted__")
        assert len(found) == 5  # the experiment, the finding, the summary, the call and the event
        assert all(line.startswith(("### e0002", "- ")) for line in found)


def test_a_diff_that_cannot_be_read_costs_no_more_than_its_summary(tmp_path: Path) -> None:
    with ledger_with(tmp_path / "memory.db", "x") as ledger:
        told = replace(scored("e0003"), patch=DIGITS, verdict=Verdict("refused", "why"), fingerprint="other")
        ledger.open_block(Decision("code", None, "next"), [replace(told, block=2)])
        assert "a patch that is no readable diff" in Log(ledger).text()


def test_the_log_says_beside_a_request_what_became_of_its_proposals(tmp_path: Path) -> None:
    with ledger_with(tmp_path / "memory.db", "x") as ledger:
        ledger.add_call(Call("llm", "small", "q" * 64, 1, 1, 0.0, 1.0, "answered", 0.0))
        own = [replace(scored(f"e000{number}"), block=2, prompt="q" * 64) for number in (3, 4, 5)]
        ledger.open_block(Decision("code", None, "next"), own)
        ledger.add_verdict("e0003", Verdict("accepted", "better", "e0001", 0.05, (0.04, 0.06), 1e-4))
        ledger.add_verdict("e0004", Verdict("failed", "exit status 1"))
        log = unescaped(Log(ledger).text())
        assert "; proposed e0003 (accepted, +0.0500), e0004 (failed), e0005; " in log


def test_an_experiment_is_cited_once(tmp_path: Path) -> None:
    told = Finding(0, "open question", "code: x", "x may help: +0.1 (e0002)", ("e0002", "e0003"), 0.1, 0.25, 0.0)
    with ledger_with(tmp_path / "memory.db", "x") as ledger:
        ledger.close_block(1, "told", [told])
        assert "x may help: +0.1 (e0002) [e0003; p = 0.25]" in re.sub(r"\s+", " ", working_memory(ledger))


def test_a_headline_without_a_blank_is_cut_and_not_lost() -> None:
    assert replace(scored("e0002"), hypothesis="x" * 2000).headline == "x" * 56 + " ..."
    assert one_line(replace(scored("e0002"), hypothesis="a b").headline) == "a b"
