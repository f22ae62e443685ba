"""The page: everything that is to be shown, read once, and filled into its template."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from agent.base.duration import format_duration
from agent.campaign.folder import CampaignFolder
from agent.campaign.status import read_status
from agent.executor.workspace import Workspace
from agent.report.course import draw_course
from agent.report.failures import failures
from agent.report.fields import SLICES_A_ROW, Influence, influences, paint_influence
from agent.report.found import Found, Recovery, found_by
from agent.report.rate_law import paint_functions, paint_log_k, paint_tables
from agent.report.s_matrix import paint_found, paint_matrices, paint_scatter
from agent.report.sheet import sheet_of
from agent.report.spend import spend_of
from agent.report.theme import draw, inline
from agent.report.trajectories import paint_kymograph, paint_rollouts
from agent.winners.overview import Winners, read_winners
from memory.formatting import UNCHECKED, moment
from memory.leaderboard import incumbent, leaders
from memory.ledger import Ledger
from memory.records import Experiment
from simulator.dataset import Dataset, FrozenData

PAGES = 400  # experiments that have a page: those that were accepted, and the newest
_GROWN = 1.02  # times as many scored experiments as when the fields were looked at last
_PHONE = (5.2, 4.4)  # inches

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_TEMPLATES.globals["unchecked"] = UNCHECKED
_TEMPLATES.filters.update(moment=moment, duration=format_duration)


@dataclass(frozen=True)
class Panel:
    """A figure of the page, with a sentence on what is to be seen in it."""

    name: str
    title: str
    caption: str
    figure: Markup


@dataclass
class Report:
    """Renders a campaign again and again: what has been drawn of a trial, and read of what is over, stays as it is."""

    workspace: Workspace
    campaign: CampaignFolder
    data: FrozenData
    _panels: tuple[str, list[Panel]] = field(default=("", []), init=False)
    _influences: tuple[int, list[tuple[Influence, Markup | None]]] = field(default=(0, []), init=False)
    _sheets: dict[str, tuple[Experiment, Markup]] = field(default_factory=dict, init=False)

    def html(self, ledger: Ledger, *, follow: float | None = None) -> str:
        """The whole page; one that is to `follow` the campaign from a time on asks whoever serves it for news."""
        settings, experiments = self.campaign.settings, ledger.experiments()
        blocks, leader = ledger.blocks(), incumbent(experiments)
        lines = ledger.outlines(settings.fidelity)
        by_name, paged = {e.id: e for e in experiments}, self._paged(experiments)
        found = found_by(self.campaign, leader, self.data) if leader else None
        return _TEMPLATES.get_template("page.html.j2").render(
            follow=follow,
            at=time.time(),
            settings=settings,
            regime=self.data.regime,
            brief=self.campaign.brief(),
            status=read_status(self.campaign, ledger),
            winners=self._winners(ledger, leader),
            leader=leader,
            spend=spend_of(ledger, experiments),
            course=inline(
                draw_course(
                    experiments, blocks, settings.fidelity, objective=settings.objective, width=8.6, height=4.6
                ),
                "course",
                "The score of each experiment, of the incumbent, and where the loop went from sweeps to code.",
            ),
            blocks=blocks,
            events=ledger.events(),
            findings=ledger.current_findings(),
            influences=self._influence(experiments),
            found=found,
            known=isinstance(self.data, Dataset),
            panels=self._drawn(found),
            experiments=experiments,
            by_name=by_name,
            children=_children(experiments),
            leaders=leaders(lines),
            outlines={line.id: line for line in lines},
            paged=paged,
            sheets=[self._sheet(e, by_name.get(e.parent or "")) for e in paged],
            has_page={e.id for e in paged},
            failures=failures(experiments),
        )

    def _paged(self, experiments: Sequence[Experiment]) -> list[Experiment]:
        newest = {e.id for e in experiments[-PAGES:]}
        return [e for e in experiments if e.accepted or e.id in newest]

    def _sheet(self, experiment: Experiment, parent: Experiment | None) -> Markup:
        """The page of an experiment: what is over does not change, and is rendered once."""
        known = self._sheets.get(experiment.id)
        if known is None or known[0] != experiment:
            text = _TEMPLATES.get_template("sheet.html.j2").render(
                sheet=sheet_of(self.campaign, experiment),
                parent=parent,
                campaign=self.campaign.settings.name,
                objective=self.campaign.settings.objective,
            )
            known = self._sheets[experiment.id] = (experiment, Markup(text))
        return known[1]

    def _winners(self, ledger: Ledger, leader: Experiment | None) -> Winners | None:
        return None if leader is None else read_winners(self.workspace, self.campaign, ledger, leader)

    def _drawn(self, found: Found | None) -> list[Panel]:
        """The figures on what came back; they follow from the trial."""
        if found is None:
            return []
        if self._panels[0] != found.trial.trial:
            against = _against_truth(found) if isinstance(found, Recovery) else _without_truth(found)
            self._panels = (found.trial.trial, [_panel(*each) for each in (*against, *_trajectories(found))])
        return self._panels[1]

    def _influence(self, experiments: Sequence[Experiment]) -> list[tuple[Influence, Markup | None]]:
        """What each field did, with its slices; of a long campaign it is looked at again when that may have changed."""
        scored = sum(1 for e in experiments if e.trials)
        if scored > _GROWN * self._influences[0]:
            self._influences = (scored, [(each, _slices(each)) for each in influences(experiments)])
        return self._influences[1]


_Plan = tuple[str, str, str, Callable[[Figure], None], tuple[float, float]]


def _against_truth(recovery: Recovery) -> list[_Plan]:
    return [
        (
            "matrices",
            "S, learned against true",
            "Metabolites by reactions: substrates blue, products orange, 2 darker than 1.",
            lambda figure: paint_matrices(figure, recovery),
            (8.6, 6.4),
        ),
        (
            "scatter",
            "Coefficients before they are decoded",
            "Each dot is an edge of the graph; what the decoder makes the wrong integer of is crossed.",
            lambda figure: paint_scatter(figure, recovery),
            _PHONE,
        ),
        (
            "log-k",
            "Rate constants",
            "log k of each reaction, the gauge removed; those far off the line are named.",
            lambda figure: paint_log_k(figure, recovery),
            _PHONE,
        ),
        (
            "functions",
            "Both functions",
            "Learned in colour over the truth in grey, on the scales of the truth.",
            lambda figure: paint_functions(figure, recovery),
            (8.6, 3.4),
        ),
    ]


def _without_truth(found: Found) -> list[_Plan]:
    return [
        (
            "matrices",
            "S, as it was learned",
            "Metabolites by reactions: substrates blue, products orange, 2 darker than 1.",
            lambda figure: paint_found(figure, found),
            (8.6, 3.6),
        ),
        (
            "functions",
            "Both functions",
            "In the estimate's own units.",
            lambda figure: paint_tables(figure, found),
            (8.6, 3.4),
        ),
    ]


def _trajectories(found: Found) -> list[_Plan]:
    return [
        (
            "kymograph",
            "Concentrations",
            "The first trajectory that trials are trained on.",
            lambda figure: paint_kymograph(figure, found.data),
            (8.6, 3.6),
        ),
        (
            "rollouts",
            "Held-out rollouts",
            "From initial conditions that no trial has seen: the metabolites that change most.",
            lambda figure: paint_rollouts(figure, found),
            (8.6, 4.2),
        ),
    ]


def _panel(name: str, title: str, caption: str, paint: Callable[[Figure], None], size: tuple[float, float]) -> Panel:
    return Panel(name, title, caption, inline(draw(paint, *size), name, f"{title}. {caption}"))


def _slices(influence: Influence) -> Markup | None:
    """Nothing where all scores are alike."""
    if not influence.importance:
        return None
    rows = 1 if len(influence.importance) <= SLICES_A_ROW else 2
    document = draw(lambda figure: paint_influence(figure, influence), 8.6, 0.6 + 2.0 * rows)
    label = f"Scores along the fields swept on the code of {influence.code}."
    return inline(document, f"fields-{influence.code}", label)


def _children(experiments: Sequence[Experiment]) -> dict[str | None, list[Experiment]]:
    """The tree of experiments: those that were proposed on each."""
    children: dict[str | None, list[Experiment]] = {}
    for e in experiments:
        children.setdefault(e.parent, []).append(e)
    return children
