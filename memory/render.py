"""Texts rendered from the ledger and never read back: `memory.md`, `log.md` and search results."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any, get_args

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from memory.cost import Cost, cost_of
from memory.ending import CampaignState
from memory.formatting import FINDING_KINDS, UNCHECKED, counted, decimal, moment, score_text, verdicts_text, within
from memory.leaderboard import count_verdicts, incumbent, leaders, paired_trial, standing
from memory.ledger import Ledger
from memory.objective import Objective, objective_of
from memory.records import Block, Call, Event, Experiment, Finding
from stoichloop.foreign_text import markdown, shorten, unescaped

MEMORY_LINES = 300
_FINDINGS, _BLOCKS, _LATEST = 60, 60, 60

_EVIDENCE = 6


def _flat(value: object, length: int = 400) -> str:
    """Return foreign text, or another value, as one line of bounded length."""
    return shorten(str(value), length)


def _inserted(value: object) -> object:
    """Return what a template inserts, without any meaning in Markdown: that is for the template's own words."""
    return markdown(value) if isinstance(value, str) else value


def _evidence(experiments: Sequence[str]) -> str:
    """Return 'e0001, e0002 and 9 more'."""
    named = ", ".join(experiments[:_EVIDENCE])
    return named + (f" and {len(experiments) - _EVIDENCE} more" if len(experiments) > _EVIDENCE else "")


def _cited(finding: Finding) -> str:
    """Return ' [e0001, e0002; p = 0.003]' to follow the statement of a finding, empty if there is nothing to add."""
    parts = [_evidence(finding.further)] if finding.further else []
    parts += [] if finding.p_value is None else [f"p = {finding.p_value:.2g}"]
    return f" [{'; '.join(parts)}]" if parts else ""


def changed_files(patch: str) -> str:
    """Return 'gnn/loss.py +3 -1, gnn/train.py +2 -2' for a unified diff."""
    from unidiff.errors import UnidiffParseError
    from unidiff.patch import PatchSet

    try:
        files = PatchSet(patch)
    except (UnidiffParseError, ValueError):  # ValueError: a number of thousands of digits
        return "a patch that is no readable diff"
    return ", ".join(f"{file.path} +{file.added} -{file.removed}" for file in files) or "a patch that is no diff"


def _best_supported(findings: Sequence[Finding], count: int) -> list[Finding]:
    """Return the `count` findings that cite the most experiments, in their original order.

    Among equals, those with the smallest p-value are kept.
    """
    ranked = sorted(findings, key=lambda f: (-len(f.experiments), 1.0 if f.p_value is None else f.p_value))
    kept = {id(finding) for finding in ranked[:count]}
    return [finding for finding in findings if id(finding) in kept]


def _on_parent(experiment: Experiment, known: Mapping[str, Experiment]) -> str:
    """Return the lead over the parent where the verdict compares with another experiment, else an empty text."""
    verdict, parent = experiment.verdict, known.get(experiment.parent or "")
    if verdict is None or parent is None or verdict.rival in (None, parent.id):
        return ""
    pair = paired_trial(experiment, parent)
    return f"; against its parent {parent.id}: {pair.lead:+z.4f} on seed {pair.seed} at {pair.fidelity}" if pair else ""


def _cost(experiment: Experiment, known: Mapping[str, Experiment]) -> str:
    """Return the cost of an experiment in words, empty before it has one."""
    return str(cost_of(experiment, known.get(experiment.parent or "")) or "")


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    auto_reload=False,
    finalize=_inserted,
)
_TEMPLATES.filters.update(
    moment=moment, within=within, flat=_flat, cited=_cited, changed=changed_files, decimal=decimal
)
_TEMPLATES.filters.update(cost=_cost)
_TEMPLATES.globals.update(counted=counted, score=score_text, objective_of=objective_of, unchecked=UNCHECKED)


def working_memory(ledger: Ledger, state: CampaignState | None = None) -> str:
    """Return `memory.md`, the summary for planners and users, within `MEMORY_LINES` lines.

    For a user it begins with the state of the campaign; a planner is asked only while it runs.
    """
    campaign = ledger.campaign()
    assert campaign is not None
    outlines = ledger.outlines(campaign.fidelity)
    best = leaders(outlines)
    by_id = {e.id: e for e in ledger.these([*best, *(outline.id for outline in outlines[-_LATEST:])])}
    by_id |= {e.id: e for e in ledger.these({e.parent for e in by_id.values() if e.parent} - by_id.keys())}
    leader = incumbent(list(by_id.values()))
    text = _TEMPLATES.get_template("memory.md.j2").render(
        campaign=campaign,
        state=state,
        experiments=len(outlines),
        counts=verdicts_text(count_verdicts(outline.verdict for outline in outlines)),
        spent=f"{ledger.spent('wall_s') / 60:.0f} min",
        incumbent=leader and standing(leader, campaign.fidelity),
        leaders=[standing(by_id[name], campaign.fidelity) for name in best],
        kinds=FINDING_KINDS,
        findings=_best_supported(ledger.current_findings(), _FINDINGS),
        blocks=ledger.blocks()[-_BLOCKS:],
        latest=[(e, _on_parent(e, by_id)) for e in (by_id[outline.id] for outline in outlines[-_LATEST:])],
    )
    assert text.count("\n") <= MEMORY_LINES
    return text


def call_line(call: Call) -> str:
    """Return a request to a model as one line."""
    asked = f"{moment(call.called_at)} {call.planner} asked {_flat(call.model, 100)}"
    return f"{asked}: {_flat(call.outcome)}; {_spent([call])}"


def _by_block(calls: Sequence[Call], blocks: Sequence[Block], experiments: Sequence[Experiment]) -> Iterator[str]:
    """Yield a line for the requests before each block and model: what came of them, their cost, and their files."""

    def before(numbered: tuple[int, Call]) -> tuple[str, str, str]:
        call = numbered[1]
        later = (f"block {block.number}" for block in blocks if block.opened_at >= call.called_at)
        return next(later, "the next block"), call.planner, call.model

    for (block, planner, model), run in groupby(enumerate(calls, 1), before):
        numbers, made = zip(*run, strict=True)
        outcomes = Counter(_flat(call.outcome.partition(": retry in ")[0], 200) for call in made)
        told = "; ".join(f"{outcome}, {count} times" if count > 1 else outcome for outcome, count in outcomes.items())
        prompts = {call.prompt for call in made}
        proposed = _evidence([_judged(e) for e in experiments if e.prompt in prompts])
        told += f"; proposed {proposed}" if proposed else ""
        files = " to ".join(f"calls/{number:04d}.md" for number in sorted({numbers[0], numbers[-1]}))
        yield f"before {block}, {planner} asked {_flat(model, 100)}: {told}; {_spent(made)}; {files}"


def _judged(experiment: Experiment) -> str:
    """Return 'e0005 (rejected, -0.0100)': the verdict on an experiment, and its lead over the rival if it has one."""
    verdict = experiment.verdict
    if verdict is None:
        return experiment.id
    lead = "" if verdict.effect is None else f", {verdict.effect:+z.4f}"
    return f"{experiment.id} ({verdict.verdict}{lead})"


def _spent(calls: Sequence[Call]) -> str:
    tokens = f"{sum(c.tokens_in for c in calls)} tokens in, {sum(c.tokens_out for c in calls)} out"
    price = sum(c.dollars for c in calls)  # 0 where it is not known
    return f"{tokens}{f', {price:.4f} dollars' if price else ''}, {sum(c.seconds for c in calls):.1f} s"


class Log:
    """`log.md`: the whole ledger, oldest first.

    A closed block is rendered once for its number of trials, which grows while one of its experiments is the incumbent.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._closed: dict[int, tuple[int, str]] = {}

    def text(self, state: CampaignState | None = None) -> str:
        """Render the log as it is now, the state of the campaign first."""
        ledger, blocks, texts = self._ledger, self._ledger.blocks(), list[str]()
        known = {e.id: e for e in ledger.experiments()}
        members: defaultdict[int, list[Experiment]] = defaultdict(list)
        for e in known.values():
            members[e.block].append(e)
        calls = list(_by_block(ledger.calls(), blocks, list(known.values())))
        head = _TEMPLATES.get_template("log.md.j2").render(
            campaign=ledger.campaign(), state=state, events=ledger.events(), calls=calls
        )
        for block in blocks:
            trials = sum(len(e.trials) for e in members[block.number])
            before, text = self._closed.get(block.number, (-1, ""))
            if before != trials:
                text = _TEMPLATES.get_template("block.md.j2").render(
                    block=block,
                    findings=ledger.findings(block.number),
                    experiments=members[block.number],
                    known=known,
                )
            if block.summary is not None:
                self._closed[block.number] = trials, text
            texts.append(text)
        return "".join([head, *texts])


def entries(ledger: Ledger) -> dict[str, list[dict[str, Any]]]:
    """Return the log as data: blocks, experiments, current findings, events, calls of language models.

    Like the log, it leaves out trials on sibling networks.
    """
    parts: dict[str, Sequence[Block | Experiment | Finding | Event | Call]] = {
        "blocks": ledger.blocks(),
        "experiments": ledger.experiments(),
        "findings": ledger.current_findings(),
        "events": ledger.events(),
        "calls": ledger.calls(),
    }
    told = {name: [asdict(record) for record in records] for name, records in parts.items()}
    for experiment in told["experiments"]:
        del experiment["sibling_trials"]
    return told


def experiment_text(experiment: Experiment, parent: Experiment | None = None) -> str:
    """Return the log entry of one experiment, with its cost beside its parent's."""
    known = {parent.id: parent} if parent else {}
    return _TEMPLATES.get_template("experiment.md.j2").render(e=experiment, known=known)


def search(ledger: Ledger, text: str) -> list[str]:
    """Return the entries that contain `text` in any case: experiments, current findings, summaries, calls, events."""
    wanted = text.casefold()
    found = ledger.that_contain(_own_words(wanted))
    parents = {e.id: e for e in ledger.these({e.parent for e in found if e.parent})}
    candidates = [experiment_text(e, parents.get(e.parent or "")).strip() for e in found]
    lines = [f"block {f.block}, {f.kind}: {f.statement}{_cited(f)}" for f in ledger.current_findings()]
    lines += [f"block {b.number}: {b.summary}" for b in ledger.blocks() if b.summary]
    lines += [f"{moment(c.called_at)} {c.planner} asked {c.model}: {c.outcome}" for c in ledger.calls()]
    lines += [f"{moment(event.at)} {event.message}" for event in ledger.events()]
    candidates += [f"- {markdown(line)}" for line in lines]
    return [candidate for candidate in candidates if wanted in unescaped(candidate).casefold()]


# Words of an entry that do not come from its experiment: those of template and cost, score names, the time zone.
_TEMPLATE = (Path(__file__).parent / "templates" / "experiment.md.j2").read_text(encoding="utf-8")
_VETO = "vetoed by rejected before it was accepted"  # of `memory.reader.vetoed`
_LABELS = " ".join([_TEMPLATE.casefold(), *get_args(Objective), str(Cost(1.0, 1.0, "")), _VETO, "z"])


def _own_words(wanted: str) -> list[str]:
    """Return the words of a lower-case text that only the experiment can contribute: no numbers, no `_LABELS`."""
    return [word for word in re.findall(r"\b[^\W\d]\w*", wanted) if word not in _LABELS]


def write_atomically(path: Path, text: str) -> None:
    """Replace a rendered file atomically."""
    draft = path.with_name(f".{path.name}.partial")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
