"""The command `stoichloop regimes`."""

from __future__ import annotations

from dataclasses import asdict

from agent.cli.options import Json
from agent.cli.output import print_json, say
from stoichloop.errors import StoichloopError

_FIRST = "pde_m1_tiny"  # its trials take seconds
_COLUMNS = "{:<18} {:<7} {:<6} {:<13} {:<8} {}"
_LEGEND = """\

exact, trial  recorded for 'stoichloop train REGIME --recipe best': share of identifiable coefficients that the worst
              seed got right, and usual time on two busy cores
probe         usual time of a trial at probe, measured by campaigns in this clone
-             not measured"""


def regimes(as_json: Json = False) -> None:
    """List the regimes, their difficulty and the time of a trial."""
    from agent.base.duration import format_duration
    from agent.campaign.campaign_list import usual_probe_s
    from agent.executor.workspace import current_workspace
    from agent.training.recorded_scores import recorded_scores
    from simulator.measured_regime import all_known

    try:
        workspace = current_workspace()
    except StoichloopError:  # outside a clone are the regimes that come with the program
        known, frozen, recorded, probes = all_known(), set[str](), {}, {}
    else:
        known = all_known(workspace.data)
        frozen = {regime.name for regime in known if (workspace.data / regime.name).is_dir()}
        recorded, probes = recorded_scores(workspace.root), usual_probe_s(workspace)
    if as_json:
        print_json(
            [
                {"name": r.name, "title": r.title, "description": r.description, "frozen": r.name in frozen}
                | {"recipe": asdict(recorded[r.name]) if r.name in recorded else None, "probe_s": probes.get(r.name)}
                for r in known
            ]
        )
        return
    say(_COLUMNS.format("regime", "data", "exact", "trial", "probe", "description"))
    for r in known:
        score, probe_s = recorded.get(r.name), probes.get(r.name)
        exact = f"{score.exact:.3f}" if score else "-"
        trial = format_duration(score.seconds) if score and score.seconds else "-"
        probe = format_duration(probe_s) if probe_s else "-"
        title = f"{r.title}; start here" if r.name == _FIRST else r.title
        say(_COLUMNS.format(r.name, "frozen" if r.name in frozen else "", exact, trial, probe, title))
    say(_LEGEND)
