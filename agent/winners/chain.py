"""The commits behind an experiment, read from git trailers: a fresh clone has no ledger."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast, get_args

from git import Repo

from agent.analyzer.judging.interval import SHARE, Interval, clipped
from memory.formatting import within
from memory.objective import Objective
from memory.records import experiment_name
from stoichloop.errors import StoichloopError

_FIELDS = (
    *("Campaign", "Experiment", "Parent", "Regime", "Move", "Combines", "Fingerprint"),
    *("Verdict", "Score", "Seeds"),
)
_FORMAT = "%x00".join(["%H", "%P", "%s", "%b", *(f"%(trailers:key={field},valueonly,unfold)" for field in _FIELDS)])
_SCORE = re.compile(rf"([\d.]+)(?: \[(-?[\d.]+), (-?[\d.]+)\])? ({'|'.join(get_args(Objective))}) at (\w+)")
_NAME = re.compile(r"e\d{4,}")
_SEED = re.compile(r"(\d+)(?: \(([\d.]+)\))?")


@dataclass(frozen=True)
class Score:
    """An experiment's mean score at a fidelity with its 95 % interval, and the score of each seed."""

    mean: float
    objective: Objective
    interval: Interval | None
    fidelity: str
    seeds: dict[int, float | None]

    @property
    def typical_seed(self) -> int:
        """The seed whose score is nearest to the mean, for checking the experiment."""
        return min(self.seeds, key=lambda seed: abs((self.seeds[seed] or 0.0) - self.mean), default=0)

    def __str__(self) -> str:
        over = f" over seeds {', '.join(map(str, self.seeds))}" if self.seeds else ""
        return f"{self.objective} {self.mean:.4f}{within(self.interval)}{over}"


@dataclass(frozen=True)
class Link:
    """A commit of an experiment. `score` is None if the message has no score, `move` if no move was applied.

    `combines` names the experiments whose changes it makes together.

    `verdict` is the verdict with its reason, such as `rejected, -0.2790 on seed 0`; empty before there is one.
    """

    commit: str
    before: str
    subject: str
    campaign: str
    experiment: str
    parent: str
    regime: str
    fingerprint: str
    verdict: str
    score: Score | None
    move: str | None = None
    hypothesis: str = ""
    combines: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """True after a verdict of improvement."""
        return self.verdict.partition(",")[0] == "accepted"


@dataclass(frozen=True)
class Chain:
    """The commits from a campaign's start, `base` (not included), to an experiment, oldest first."""

    base: str
    links: tuple[Link, ...]

    @property
    def names(self) -> list[str]:
        """The ids of the experiments, oldest first."""
        return [link.experiment for link in self.links]

    @property
    def tip(self) -> Link:
        """The experiment itself."""
        return self.links[-1]

    def require_accepted(self) -> None:
        """Raise `StoichloopError` if the experiment was not accepted."""
        tip = self.tip
        if not tip.accepted:
            verdict, _, reason = tip.verdict.partition(", ")
            told = f"was {verdict}: {reason}" if verdict else "has no verdict yet"
            raise StoichloopError(
                f"{tip.experiment} of campaign '{tip.campaign}' {told}; 'stoichloop winners {tip.campaign}' lists what "
                "was accepted, and --force takes this one all the same"
            )


def find_chain(repo: Repo, experiment: str, campaign: str | None) -> Chain:
    """Find an experiment's chain on a local branch, a remote branch, or in refs/experiments/.

    Raises `StoichloopError` if there is none or more than one.
    """
    name = campaign or "*"
    places = f"refs/heads/exp/{name}/", f"refs/remotes/**/exp/{name}/", f"refs/experiments/{name}/"
    for place in places:
        lines = str(repo.git.for_each_ref("--format=%(refname) %(objectname)", f"{place}{experiment}")).splitlines()
        if lines:
            return _chain(repo, *_the_one(lines, experiment))
    listed = f"'stoichloop winners {campaign}'" if campaign else "'stoichloop winners'"
    if experiment == experiment_name(1):
        raise StoichloopError(
            f"{experiment} is the baseline, the code that a campaign starts from, and changes nothing; "
            f"{listed} lists the accepted experiments that do"
        )
    within = f"campaign '{campaign}'" if campaign else "any campaign"
    raise StoichloopError(
        f"no branch exp/CAMPAIGN/{experiment} of {within} exists here or at a remote; "
        f"{listed} and 'git branch --all' list the branches, 'git fetch' brings new ones"
    )


def _the_one(lines: list[str], experiment: str) -> tuple[str, str]:
    """Return the campaign and the commit, on which all refs must agree; raise `StoichloopError` otherwise."""
    refs = dict(line.split() for line in lines)
    campaigns = sorted({ref.split("/")[-2] for ref in refs})
    if len(campaigns) > 1:
        raise StoichloopError(
            f"{experiment} is in the campaigns {', '.join(campaigns)}: choose one with --campaign, like "
            f"--campaign {campaigns[0]}"
        )
    if len(set(refs.values())) > 1:
        raise StoichloopError(
            f"{' and '.join(refs)} differ: create the branch that you mean, like "
            f"git branch exp/{campaigns[0]}/{experiment} {next(iter(refs))}"
        )
    return campaigns[0], next(iter(refs.values()))


def _chain(repo: Repo, campaign: str, tip: str) -> Chain:
    """Walk from the tip to its parents in the campaign; a commit of another campaign is the base."""
    links: list[Link] = []
    link = read_link(repo, tip)
    while link and link.campaign == campaign and (not links or link.experiment == links[-1].parent):
        links.append(link)
        if not link.before:
            raise StoichloopError(f"the history ends at {link.experiment}: 'git fetch --unshallow' brings the rest")
        link = read_link(repo, link.before)
    if not links:
        raise StoichloopError(f"commit {tip[:12]} has no trailers 'Campaign: {campaign}' and 'Experiment: ...'")
    return Chain(links[-1].before, tuple(reversed(links)))


def read_link(repo: Repo, commit: str) -> Link | None:
    """Read the trailers of a commit; return None if it belongs to no experiment."""
    sha, parents, subject, body, *trailers = str(repo.git.show("--no-patch", f"--format={_FORMAT}", commit)).split("\0")
    # A message that went through many hands may have a trailer twice: the last one is the newest.
    told = {field: text.strip().rpartition("\n")[2] for field, text in zip(_FIELDS, trailers, strict=True)}
    if not told["Experiment"]:
        return None
    return Link(
        commit=sha,
        before=parents.partition(" ")[0],
        subject=subject,
        campaign=told["Campaign"],
        experiment=told["Experiment"],
        parent=told["Parent"],
        regime=told["Regime"],
        fingerprint=told["Fingerprint"],
        verdict=told["Verdict"],
        score=_score(told["Score"], told["Seeds"]),
        move=told["Move"] or None,
        combines=tuple(_NAME.findall(told["Combines"])),
        hypothesis=" ".join(body.rpartition("\n\n")[0].split()),
    )


def _score(text: str, seeds: str) -> Score | None:
    match = _SCORE.fullmatch(text)
    if match is None:
        return None
    mean, low, high, objective, fidelity = match.groups()
    scores = {int(seed): float(own) if own else None for seed, own in _SEED.findall(seeds)}
    # Earlier versions wrote bounds that no share can have.
    interval = clipped(float(low), float(high), SHARE) if low else None
    return Score(float(mean), cast("Objective", objective), interval, fidelity, scores)
