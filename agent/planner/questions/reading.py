"""The text of questions: rendered from `prompts/`, bounded in length.

The parts that change least come first, so that a provider can reuse the beginning of the last question: the task, the
user's brief and the code, then the past, then the request. Of the scores, a question has `exact`, `blind` and those of
answers without data alone: the others use the truth for more than a count.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from agent.analyzer.judging.trivial import WHOLE
from agent.analyzer.scoring import decode
from agent.executor.code.scratch import difference_between
from agent.planner.contract import ANSWERED, Lesson, Situation, Terms
from agent.planner.proposal import Proposal
from agent.planner.questions.past import OUTPUT, Past, incomplete_words
from agent.planner.questions.prompts import render_prompt
from agent.planner.questions.quotation import CUT, quote
from agent.planner.questions.source_map import source_map
from memory.cost import cost_of
from memory.formatting import counted, decimal, verdicts_text
from memory.leaderboard import count_verdicts, standing
from memory.objective import trivial_of, uninformed_of
from memory.records import IN_WORDS, Experiment, Finding, Role
from stoichloop.foreign_text import one_line

# Shares of a question's characters that are for each of its parts at the most.
_BRIEF, _TASK, _FINDINGS, _LESSONS, _SPACE, _PRINTED, _REASON, _PATCH = 0.075, 0.2, 0.1, 0.04, 0.1, 0.05, 0.0125, 0.15
_PARENTS, _OTHERS = 3, 0.1  # other possible parents whose code is told, and the share of the characters for them
_SOURCE = 0.5  # of what the fixed parts leave
_GAP = 2  # characters between two diffs
_REFUTED = 12  # findings of changes that did not help
_OPTIONAL = {"gnn/hypergraph.py": ("message", "substrates"), "gnn/rate_laws.py": ("laws", "shared")}  # not used with
_PROSE = re.compile(r"\s*\n(?!\n)\s*")


@dataclass(frozen=True)
class Reading:
    """The texts for a situation, with scores at `fidelity`.

    `characters` bounds a question: where it would be longer, the oldest experiments are left out, and files of the
    code.
    """

    situation: Situation
    fidelity: str
    characters: int = 200_000

    def question(self, role: Role, parent: Experiment, earlier: Sequence[Proposal]) -> str:
        """Asks for a change of `parent`; `earlier` are the proposals that there are for the same block."""
        s, terms = self.situation, self.situation.host.terms()
        past, others = Past(s, self.fidelity, parent.id), self._others(parent)

        def render(source: str, told: str) -> str:
            return render_prompt(
                "proposal.md.j2",
                task=self._task(terms),
                brief=s.brief[: self._length(_BRIEF)],
                parent=parent,
                source=source,
                space=self._space(parent),
                others=others,
                counts=verdicts_text(count_verdicts(e.verdict.verdict if e.verdict else None for e in s.past)),
                planners=self._planners(),
                past=told,
                findings=self._quoted("\n".join(map(_told, _useful(s.findings))), _FINDINGS),
                lessons=self._lessons(),
                noise=self._noise(parent),
                scores=past.scores(parent) or "no score yet",
                cost=cost_of(parent, None),
                terms=terms,
                objective=s.objective,
                role=role,
                earlier=self._quoted("\n".join(p.hypothesis for p in earlier), _FINDINGS) if earlier else "",
            )

        free = max(0, self.characters - len(render("", "")))
        source = self._source(parent, int(_SOURCE * free), terms)
        return render(source, past.told(free - len(source)))

    def repair(self, failed: Experiment, parent: Experiment) -> str:
        """Asks for a repair, on `parent`, of a patch with which a training did not complete."""
        terms, printed = self.situation.host.terms(), min(OUTPUT, self._length(_PRINTED))
        reasons = (failed.verdict.reason if failed.verdict else "", incomplete_words(failed))

        def render(source: str) -> str:
            return render_prompt(
                "repair.md.j2",
                task=self._task(terms),
                failed=failed,
                parent=parent,
                hypothesis=self._quoted(failed.hypothesis, _REASON),
                changes=self._quoted(json.dumps(failed.changes), _REASON),
                patch=self._quoted(failed.patch, _PATCH),
                reason=self._quoted("; ".join(filter(None, reasons)), _REASON),
                output=quote(self.situation.host.output_of(failed)[-printed:], printed),
                space=self._space(parent),
                source=source,
            )

        return render(self._source(parent, self.characters - len(render("")), terms, failed))

    def lesson(self, lesson: Lesson) -> str:
        """Asks for the lesson of a block."""
        block = [e for e in self.situation.past if e.block == lesson.block]

        def render(experiments: str) -> str:
            return render_prompt(
                "lesson.md.j2",
                brief=self.situation.brief[: self._length(_BRIEF)],
                lesson=lesson,
                experiments=experiments,
                findings=self._quoted("\n".join(figures_of(f) for f in lesson.findings), _PATCH),
                unused=self._quoted(self._unused_words(), _REASON),
            )

        room = max(0, self.characters - len(render("")))
        return render(Past(self.situation, self.fidelity).told(room, block))

    def _task(self, terms: Terms) -> str:
        """Return what stays the same through a campaign: the task, the decoder, the rules of judging."""
        scores = next((t.scores for e in self.situation.past for t in e.trials if t.scores), {})
        what, how = (decode.__doc__ or "").strip().split("\n\n")[:2]
        text = render_prompt(
            "task.md.j2",
            regime=self.situation.regime,
            objective=self.situation.objective,
            terms=terms,
            decoder=f"{what}\n\n{_PROSE.sub(' ', how)}",
            trivial=trivial_of(scores),
            uninformed=uninformed_of(scores) if self.fidelity != WHOLE else None,
        )
        length = self._length(_TASK)
        return text if len(text) <= length else f"{text[:length]}\n{CUT}\n"

    def _noise(self, parent: Experiment) -> float | None:
        """Return the standard deviation of the parent's score from seed to seed, None if it is not known."""
        scores = list(parent.scores(self.fidelity).values())
        return statistics.stdev(scores) if len(scores) > 2 else None

    def _planners(self) -> str:
        """Return 'sweep 12, llm 30': who proposes beside the model, and how much."""
        names = [e.planner for e in self.situation.past if e.parent is not None]
        return ", ".join(f"{one_line(name)} {names.count(name)}" for name in dict.fromkeys(names)) or "none"

    def _lessons(self) -> str:
        """Return the words of models on blocks, newest first, empty if there are none."""
        words = ((block, (block.summary or "").partition(IN_WORDS)[2]) for block in reversed(self.situation.blocks))
        lines = [f"block {block.number} ({block.rung}): {text}" for block, text in words if text]
        return self._quoted("\n".join(lines), _LESSONS) if lines else ""

    def _unused_words(self) -> str:
        """Return the newest outcome of which some words were not used."""
        calls = self.situation.call_log.calls()
        return next((c.outcome for c in reversed(calls) if c.outcome.startswith(NOT_USED)), "")

    def _space(self, parent: Experiment) -> str:
        fields = self.situation.host.state_of(parent).fields
        return self._quoted(render_prompt("space.md.j2", fields=fields, configuration=parent.configuration), _SPACE)

    def _quoted(self, text: str, share: float) -> str:
        return quote(text, self._length(share))

    def _length(self, share: float) -> int:
        return int(self.characters * share)

    def _others(self, parent: Experiment) -> str:
        """Return the code of the best other possible parents, as diffs of the parent's, those that find room."""
        lines = [line for e in self.situation.past if e.accepted and (line := standing(e, self.fidelity))]
        best = sorted((line for line in lines if line.experiment.id != parent.id), key=lambda line: -line.score)
        room, found = self._length(_OTHERS), list[str]()
        for other in (line.experiment for line in best[:_PARENTS]):
            states = [self.situation.host.state_of(e) for e in (parent, other)]
            diff = difference_between(states[0].folder, states[1].folder)
            block = quote(diff, len(diff) + 1, f"from {parent.id} to {other.id}")
            if diff and len(block) + _GAP <= room:
                room -= len(block) + _GAP
                found.append(block)
        return "\n\n".join(found)

    def _source(self, parent: Experiment, room: int, terms: Terms, *more: Experiment) -> str:
        """Return the parent's code within about `room` characters; `more` experiments change files that matter."""
        folder = self.situation.host.state_of(parent).folder
        unused = set(terms.unused)
        unused.update(name for name, (key, value) in _OPTIONAL.items() if parent.configuration.get(key) == value)
        return source_map(folder, room, [*self.situation.past, *more], unused)


NOT_USED = f"{ANSWERED}, but not used: "  # begins the outcome of a call whose words disagree with the statistics


def figures_of(finding: Finding) -> str:
    """Return the statistics of a finding as one line."""
    effect = "no effect" if finding.effect is None else f"effect {decimal(finding.effect, sign='+')}"
    p_value = "" if finding.p_value is None else f", p = {finding.p_value:.2g}"
    evidence = counted(len(finding.experiments), "experiment")
    return f"{finding.subject} ({finding.kind}; {effect}{p_value}; {evidence}): {finding.statistics}"


def _told(finding: Finding) -> str:
    p_value = "" if finding.p_value is None else f" [p = {finding.p_value:.2g}]"
    return f"{finding.kind}: {finding.statement}{p_value}"


def _useful(findings: Sequence[Finding]) -> list[Finding]:
    """Return principles and open questions, then the most useful changes that did not help, newest first.

    Most useful is what a confirmation refuted, then what has words of a model or several experiments. What one
    experiment leaves open is left out: its own entry says as much.
    """
    more = [f for f in findings if f.kind in ("established principle", "refuted hypothesis") or _adds(f)]
    negative = [f for f in reversed(more) if f.kind in ("refuted hypothesis", "not confirmed")]
    negative.sort(key=lambda f: (f.kind != "refuted hypothesis", IN_WORDS not in f.statement, -len(f.experiments)))
    return [f for f in more if f not in negative] + negative[:_REFUTED]


def _adds(finding: Finding) -> bool:
    return len(finding.experiments) != 1 or IN_WORDS in finding.statement
