"""The accepted experiments of a campaign, read from its branches: a clone has no ledger."""

from __future__ import annotations

import re

from agent.executor.workspace import Workspace
from agent.winners.chain import Link, find_chain, read_link
from agent.winners.overview import Winner, Winners, changed_lines
from agent.winners.pick import undone_in
from memory.records import experiment_number
from stoichloop.errors import StoichloopError

_BRANCH = re.compile(r"refs/(?:heads|remotes/.+)/exp/(?P<campaign>[^/]+)/(?P<experiment>e\d{4,})")


def campaign_on_branches(workspace: Workspace, asked: str | None) -> str | None:
    """Return the campaign if this clone has its branches alone; None if it has its folder, or neither.

    Raises `StoichloopError` if there are branches of several and none is asked for.
    """
    here = workspace.campaign_names
    if here if asked is None else asked in here:
        return None
    names = sorted({campaign for campaign, _ in _branches(workspace) if asked in (None, campaign)})
    if len(names) > 1:
        raise StoichloopError(
            f"there are branches of the campaigns {', '.join(names)}: name one, like 'stoichloop winners {names[0]}'"
        )
    return names[0] if names else None


def read_branches(workspace: Workspace, campaign: str, asked: str | None) -> Winners:
    """Read all winners; the incumbent is the experiment `asked` for, else the newest one that was accepted."""
    refs = {experiment: ref for (name, experiment), ref in _branches(workspace).items() if name == campaign}
    tips = [(read_link(workspace.repo, refs[name]), name) for name in sorted(refs, key=experiment_number)]
    # A branch may have been moved by the user.
    links = {name: tip for tip, name in tips if tip and tip.accepted and tip.experiment == name}
    if not links or (asked and asked not in links):
        raise StoichloopError(
            f"'{asked}' is not accepted on a branch of campaign '{campaign}'; accepted are {', '.join(links)}"
            if links
            else f"no branch of campaign '{campaign}' holds an accepted experiment"
        )
    chain = find_chain(workspace.repo, asked or list(links)[-1], campaign)
    gone, score = undone_in(workspace, chain), chain.tip.score
    leading = [link for link in chain.links if link.experiment not in gone]
    others = [link for link in chain.links if link not in leading]
    others += [link for name, link in links.items() if name not in chain.names]
    branches = {link.commit: _short(refs[name]) for name, link in links.items()}
    return Winners(
        campaign=campaign,
        regime=chain.tip.regime,
        fidelity=score.fidelity if score else "full",
        objective=score.objective if score else "exact",
        incumbent=chain.tip.experiment,
        recorded=False,
        winners=[
            _winner(workspace, link, branches.get(link.commit), leads=link in leading, undone=link.experiment in gone)
            for link in (*leading, *others)
        ],
    )


def _branches(workspace: Workspace) -> dict[tuple[str, str], str]:
    """Return the ref of a branch for each campaign and experiment; one that is here goes before those of a remote."""
    listed = str(workspace.repo.git.for_each_ref("--format=%(refname)", "refs/remotes/", "refs/heads/exp/"))
    matches = map(_BRANCH.fullmatch, sorted(listed.splitlines(), reverse=True))
    return {(match["campaign"], match["experiment"]): match[0] for match in matches if match}


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/").removeprefix("refs/remotes/")


def _winner(workspace: Workspace, link: Link, branch: str | None, *, leads: bool, undone: bool) -> Winner:
    code, configuration = changed_lines(workspace, link.commit)
    score = link.score
    return Winner(
        experiment=link.experiment,
        leads=leads,
        undone=undone,
        parent=link.parent,
        move=link.move,
        combines=list(link.combines),
        title=link.subject.removeprefix(f"{link.experiment}: "),
        hypothesis=link.hypothesis,
        score=score.mean if score else None,
        interval=score.interval if score else None,
        seeds=list(score.seeds) if score else [],
        branch=branch,
        commit=link.commit,
        code=code,
        configuration=configuration,
        verdict=link.verdict.partition(", ")[2],
        rival=None,
        effect=None,
        effect_interval=None,
        p_value=None,
        ablation=None,
        parts=[],
        verification=None,
    )
