"""The report page: reads a campaign once and fills the template."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from agent.base.duration import format_duration
from agent.campaign.folder import CampaignFolder
from agent.campaign.status import read_status
from agent.executor.workspace import Workspace
from agent.report.course import draw_course
from agent.report.failures import failures
from agent.report.fields import SLICES_A_ROW, Influence, influences, paint_influence
from agent.report.rate_law import paint_estimated_functions, paint_functions, paint_log_k
from agent.report.reconstruction import ComparedReconstruction, Reconstruction, reconstruction_of
from agent.report.s_matrix import paint_integers, paint_matrices, paint_scatter
from agent.report.sheet import sheet_of
from agent.report.spend import spend_of
from agent.report.theme import draw, inline
from agent.report.trajectories import paint_kymograph, paint_rollouts
from agent.winners.overview import Winners, read_winners
from memory.formatting import FINDING_KINDS, ON_SIBLINGS, UNCHECKED, counted, decimal, moment, within
from memory.leaderboard import incumbent, leaders
from memory.ledger import Ledger
from memory.records import Experiment
from simulator.dataset import Dataset, FrozenData
from stoichloop.foreign_text import visible

PAGES = 400  # experiments with a page of their own: the newest, besides all accepted ones
_GROWN = 1.02  # growth of the number of scored experiments after which importances are computed again
_PHONE = (5.2, 4.4)  # inches


def _inserted(value: object) -> object:
    """Return what a template inserts, with characters that are not printed made visible; HTML is escaped afterwards."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _linked(text: str, pages: Collection[str]) -> Markup:
    """Return foreign text in which the name of each experiment among `pages` is a link."""
    name = "|".join(pages) or "(?!)"
    return Markup(re.sub(rf"\b(?:{name})\b", r'<a href="#\g<0>">\g<0></a>', escape(visible(text))))


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
    finalize=_inserted,
)
_TEMPLATES.globals.update(unchecked=UNCHECKED, on_siblings=ON_SIBLINGS, kinds=FINDING_KINDS, counted=counted)
_TEMPLATES.filters.update(moment=moment, duration=format_duration, decimal=decimal, linked=_linked, within=within)


@dataclass(frozen=True)
class Panel:
    """A figure of the page, with a sentence that explains it."""

    name: str
    title: str
    caption: str
    figure: Markup


@dataclass
class Report:
    """Renders a campaign repeatedly; caches the figures of a trial and the pages of unchanged experiments."""

    workspace: Workspace
    campaign: CampaignFolder
    data: FrozenData
    _panels: tuple[str, list[Panel]] = field(default=("", []), init=False)
    _influences: tuple[int, list[tuple[Influence, Markup | None]]] = field(default=(0, []), init=False)
    _sheets: dict[str, tuple[Experiment, Markup]] = field(default_factory=dict, init=False)

    def html(self, ledger: Ledger, *, follow: float | None = None) -> str:
        """Return the whole page. With `follow`, the time of rendering, the page polls its server for changes."""
        settings, experiments = self.campaign.settings, ledger.experiments()
        blocks, leader = ledger.blocks(), incumbent(experiments)
        lines = ledger.outlines(settings.fidelity)
        by_name, paged = {e.id: e for e in experiments}, self._paged(experiments)
        reconstruction = reconstruction_of(self.campaign, leader, self.data) if leader else None
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
                "Score of every experiment and of the incumbent, and where the loop changed from sweeps to code.",
            ),
            blocks=blocks,
            events=ledger.events(),
            findings=ledger.current_findings(),
            influences=self._influence(experiments),
            reconstruction=reconstruction,
            known=isinstance(self.data, Dataset),
            panels=self._figures(reconstruction),
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
        """Return an experiment's page, rendered again only if the experiment has changed."""
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

    def _figures(self, reconstruction: Reconstruction | None) -> list[Panel]:
        """Return the figures of the recovered network, drawn once per trial."""
        if reconstruction is None:
            return []
        if self._panels[0] != reconstruction.trial.trial:
            if isinstance(reconstruction, ComparedReconstruction):
                plans = _against_truth(reconstruction)
            else:
                plans = _without_truth(reconstruction)
            plans += _trajectories(reconstruction)
            self._panels = (reconstruction.trial.trial, [_panel(*plan) for plan in plans])
        return self._panels[1]

    def _influence(self, experiments: Sequence[Experiment]) -> list[tuple[Influence, Markup | None]]:
        """Return each field's importance and slices, computed again when enough experiments were added."""
        scored = sum(1 for e in experiments if e.trials)
        if scored > _GROWN * self._influences[0]:
            self._influences = (scored, [(each, _slices(each)) for each in influences(experiments)])
        return self._influences[1]


_Plan = tuple[str, str, str, Callable[[Figure], None], tuple[float, float]]


def _against_truth(compared: ComparedReconstruction) -> list[_Plan]:
    return [
        (
            "matrices",
            "S: learned against true",
            "Metabolites by reactions. Blue: substrates; orange: products; darker: larger magnitude.",
            lambda figure: paint_matrices(figure, compared),
            (8.6, 6.4),
        ),
        (
            "scatter",
            "Coefficients before decoding",
            "One mark per edge of the graph. Crosses decode to a wrong integer.",
            lambda figure: paint_scatter(figure, compared),
            _PHONE,
        ),
        (
            "log-k",
            "Rate constants",
            "log10 k of each reaction, with the arbitrary scale removed. Names mark outliers.",
            lambda figure: paint_log_k(figure, compared),
            _PHONE,
        ),
        (
            "functions",
            "Learned functions",
            "Colour: learned, rescaled to the true units. Grey: true.",
            lambda figure: paint_functions(figure, compared),
            (8.6, 3.4),
        ),
    ]


def _without_truth(reconstruction: Reconstruction) -> list[_Plan]:
    return [
        (
            "matrices",
            "S, decoded",
            "Metabolites by reactions. Blue: substrates; orange: products; darker: larger magnitude.",
            lambda figure: paint_integers(figure, reconstruction),
            (8.6, 3.6),
        ),
        (
            "functions",
            "Learned functions",
            "In the units of the estimate; the true units are unknown.",
            lambda figure: paint_estimated_functions(figure, reconstruction),
            (8.6, 3.4),
        ),
    ]


def _trajectories(reconstruction: Reconstruction) -> list[_Plan]:
    return [
        (
            "kymograph",
            "Concentrations",
            "The first training trajectory.",
            lambda figure: paint_kymograph(figure, reconstruction.data),
            (8.6, 3.6),
        ),
        (
            "rollouts",
            "Held-out rollouts",
            "Predictions from an initial condition that no trial was trained on, for the metabolites that change most.",
            lambda figure: paint_rollouts(figure, reconstruction),
            (8.6, 4.2),
        ),
    ]


def _panel(name: str, title: str, caption: str, paint: Callable[[Figure], None], size: tuple[float, float]) -> Panel:
    return Panel(name, title, caption, inline(draw(paint, *size), name, f"{title}. {caption}"))


def _slices(influence: Influence) -> Markup | None:
    """Return the slices as a figure; None if all scores are equal."""
    if not influence.importance:
        return None
    rows = 1 if len(influence.importance) <= SLICES_A_ROW else 2
    document = draw(lambda figure: paint_influence(figure, influence), 8.6, 0.6 + 2.0 * rows)
    label = f"Scores along the fields swept on the code of {influence.code}."
    return inline(document, f"fields-{influence.code}", label)


def _children(experiments: Sequence[Experiment]) -> dict[str | None, list[Experiment]]:
    """Return the children of each experiment, by the parent's id."""
    children: dict[str | None, list[Experiment]] = {}
    for e in experiments:
        children.setdefault(e.parent, []).append(e)
    return children
