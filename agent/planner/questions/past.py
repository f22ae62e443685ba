"""The past in a question: each experiment once, newest first, with its lead over its own parent.

Where there is no room for all, the oldest are left out; accepted experiments stay, with their whole patches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean, median

from agent.analyzer.judging.findings import changed_fields
from agent.planner.contract import Situation
from agent.planner.questions.prompts import render_prompt
from agent.planner.questions.quotation import quote
from memory.cost import cost_of
from memory.formatting import counted, score_text
from memory.leaderboard import paired_lead, standing
from memory.records import Experiment
from memory.render import changed_files
from stoichloop.foreign_text import shorten

_DETAILED, _BROKEN = 6, 3  # the newest with figures on their estimate, and the newest with a training that broke
OUTPUT, _ASIDE = 2000, 400  # characters of what a trial printed, from its end: of one that broke, and of others
_HYPOTHESIS, _REASON = 500, 400
_CURVE_POINTS = 12
_BIG = 0.1  # a share of the room: a longer patch is shown only of an accepted experiment
_GAP = 2  # characters between two entries


@dataclass(frozen=True)
class Past:
    """The experiments of a situation, with mean scores at `fidelity`."""

    situation: Situation
    fidelity: str
    parent: str | None = field(default=None)  # the experiment that is to be changed

    def told(self, room: int, only: Sequence[Experiment] | None = None) -> str:
        """Return the entries of all experiments, or of some, that find room."""
        newest = list(reversed(self.situation.past if only is None else only))
        texts: dict[str, str] = {}
        for e in [*newest[:_DETAILED], *(e for e in newest if e.accepted), *newest]:
            if e.id in texts:
                continue
            left = room - sum(len(text) + _GAP for text in texts.values())
            text = next((text for text in self._forms(e, room) if len(text) + _GAP <= left), None)
            if text is not None:
                texts[e.id] = text
            elif not e.accepted:
                break  # an older one is worth less, however short
        return "\n\n".join(texts[e.id] for e in newest if e.id in texts)

    def entry(self, e: Experiment, *, patch: bool = False) -> str:
        """Return the entry of an experiment, quoted, with its whole patch if that is wanted."""
        parent = self._known.get(e.parent or "")
        verdict = e.verdict
        rival = self._known.get(verdict.rival or "") if verdict and verdict.rival != e.parent else None
        curve, detailed = self.situation.host.curve_of(e), e.id in self._detailed
        text = render_prompt(
            "experiment.md.j2",
            e=e,
            title=shorten(e.headline, _HYPOTHESIS),
            hypothesis=shorten(e.hypothesis, _HYPOTHESIS),
            fields=shorten(changed_fields(e, parent), _HYPOTHESIS),
            files=shorten(changed_files(e.patch), _HYPOTHESIS) if e.patch else "",
            scores=self.scores(e),
            lead=parent and paired_lead(e, parent),
            rival=rival,
            rival_lead=rival and paired_lead(e, rival),
            reason=shorten(verdict.reason, _REASON) if verdict else "",
            incomplete=incomplete_words(e),
            cost=cost_of(e, parent),
            of=" of the worst seed" if len(e.scores(self.fidelity)) > 1 else "",
            end=curve[-1] if curve else None,
            terms=curve[-1].penalties if curve and detailed else {},
            curve=_sketch([point.loss_pred for point in curve]) if detailed else "",
            figures=self.situation.host.diagnostics_of(e) if detailed else None,
            output=self._output(e),
            patch=e.patch.strip("\n") if patch else "",
        )
        return quote(text, len(text) + 1, e.id)

    def scores(self, e: Experiment) -> str:
        """Return the mean scores of an experiment in words."""
        line = standing(e, self.fidelity)
        if line is None:
            below = {t.fidelity: t.score for t in e.trials if t.score is not None}
            return "; ".join(f"{self.situation.objective} {score:.4f} at {name}" for name, score in below.items())
        blind = [t.scores["blind"] for t in e.trials if t.fidelity == self.fidelity and "blind" in t.scores]
        words = f"{self.situation.objective} {score_text(line.score, line.error)} over {counted(line.seeds, 'seed')}"
        own = e.scores(self.fidelity).values()
        spread = f" ({min(own):.4f} to {max(own):.4f}, median {median(own):.4f})" if len(own) > 1 else ""
        known = self.situation.objective == "exact" and blind
        return f"{words} at {self.fidelity}{spread}" + (f", blind {fmean(blind):.4f}" if known else "")

    def _output(self, e: Experiment) -> str:
        """Return the end of what an experiment printed, empty for an old one: of a training that broke, more."""
        if e.id not in self._broken | self._detailed:
            return ""
        return self.situation.host.output_of(e)[-(OUTPUT if e.id in self._broken else _ASIDE) :].strip()

    def _forms(self, e: Experiment, room: int) -> Iterator[str]:
        """Yield the entry of an experiment in full, then shorter."""
        if e.patch and (e.accepted or (led(e, self._known) and len(e.patch) <= _BIG * room)):
            yield self.entry(e, patch=True)
        yield self.entry(e)

    @cached_property
    def _known(self) -> dict[str, Experiment]:
        return {e.id: e for e in self.situation.past}

    @cached_property
    def _detailed(self) -> set[str]:
        """Return the experiments whose estimate is described: the parent and the newest."""
        ended = [e.id for e in self.situation.past if any(t.status == "completed" for t in e.trials)]
        return {*ended[-_DETAILED:], self.parent or ""}

    @cached_property
    def _broken(self) -> set[str]:
        """Return the newest experiments with a training that did not complete."""
        broken = [e.id for e in self.situation.past if e.incomplete or (e.verdict and e.verdict.verdict == "failed")]
        return set(broken[-_BROKEN:])


def led(e: Experiment, known: Mapping[str, Experiment]) -> bool:
    """Return whether an experiment leads its own parent on the seeds that both completed."""
    parent = known.get(e.parent or "")
    pair = parent and paired_lead(e, parent)
    return bool(pair and pair.lead > 0)


def incomplete_words(e: Experiment) -> str:
    """Return how many trainings did not complete, and why the last did not; empty where the verdict says it."""
    broken = e.incomplete
    if not broken or (e.verdict is not None and e.verdict.verdict == "failed"):
        return ""
    count = f"{len(broken)} of {counted(len(e.trials), 'training')} did not complete"
    return f"{count}: {broken[-1].status.replace('_', ' ')}, {shorten(broken[-1].reason, _REASON)}"


def _sketch(curve: Sequence[float]) -> str:
    """Return a few points of a curve, the first and the last among them."""
    last = len(curve) - 1
    points = sorted({round(i * last / (_CURVE_POINTS - 1)) for i in range(_CURVE_POINTS)}) if curve else []
    return ", ".join(f"{curve[i]:.3g}" for i in points)
