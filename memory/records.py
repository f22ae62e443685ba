"""Records of the ledger, small and immutable. Times are seconds since the epoch, UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

from memory.objective import Objective, objective_of, score_of
from stoichloop.foreign_text import shorten

TITLE_CHARACTERS = 60
HYPOTHESIS_CHARACTERS = 2000

VerdictName = Literal["accepted", "rejected", "failed", "refused", "diagnosed"]
TrialStatus = Literal["completed", "crashed", "timed_out", "non_finite", "invalid", "diagnosed"]
Device = Literal["cpu", "gpu"]
ProposalKind = Literal["candidate", "diagnosis"]  # a diagnosis prints figures, and is never scored
Role = Literal["exploit", "explore", "principle"]
FindingKind = Literal["established principle", "refuted hypothesis", "not confirmed", "open question"]
Worth = Literal["matters", "not shown to matter", "not determined"]
MeasurementKey = tuple[str, str, int, int]  # code, dataset, seed, steps
Generality = Literal["generalises", "does not generalise", "not shown to generalise"]


def experiment_name(number: int) -> str:
    """Return the name of the experiment with this number: `e0017` of 17."""
    return f"e{number:04d}"


def experiment_number(name: str) -> int:
    """Return the number of the experiment with this name: 17 of `e0017`."""
    return int(name.removeprefix("e"))


@dataclass(frozen=True)
class CampaignRecord:
    """The one campaign of a ledger."""

    name: str
    regime: str
    dataset: str
    base_commit: str
    fidelity: str
    created_at: float
    objective: Objective


@dataclass(frozen=True)
class Session:
    """One run of a controller, whose process is identified by its id and its start time.

    `born_at` is the start of the process in seconds after the start of the machine. `command` resumes the campaign; it
    is empty in old ledgers.
    """

    pid: int
    born_at: float
    started_at: float
    command: str = ""


@dataclass(frozen=True)
class Grant:
    """A budget granted by the user, as totals of the campaign: wall-clock seconds and experiments."""

    given_at: float
    wall_s: float
    experiments: int | None
    asked_wall_s: float
    asked_experiments: int | None


@dataclass(frozen=True)
class Decision:
    """The rung of the next block. `chance` is the probability of another improvement on the previous rung."""

    rung: str
    chance: float | None
    reason: str


@dataclass(frozen=True)
class Block:
    """A batch of experiments planned together; `summary` is None while it is open.

    `chance` and `reason` are those of the ladder's decision, None where it gave none.
    """

    number: int
    rung: str
    opened_at: float
    summary: str | None
    chance: float | None = None
    reason: str | None = None


IN_WORDS = "; in the model's words: "  # separates the statistical text from the language model's


@dataclass(frozen=True)
class Call:
    """One request to a language model: its cost, and its outcome as text. `prompt` is a hash."""

    planner: str
    model: str
    prompt: str
    tokens_in: int
    tokens_out: int
    dollars: float
    seconds: float
    outcome: str
    called_at: float


class TrialKey(NamedTuple):
    """A trial: the training of an experiment from one seed at one fidelity.

    `sibling` is the number of the sibling network that it trains on, 0 for the campaign's own.
    """

    experiment: str
    seed: int
    fidelity: str
    sibling: int = 0


@dataclass(frozen=True)
class TrialResult:
    """One finished trial. `scores` is empty unless the status is `completed`; `reason` is empty if it is.

    The status of a diagnosis is `diagnosed`, however it ended; `reason` says how where it did not end well.

    `analyzer`, `dataset` and `truth` are fingerprints of the scoring code, the dataset and the truth. `device` is None
    where it was not recorded, as in old ledgers.
    """

    trial: str
    experiment: str
    seed: int
    fidelity: str
    status: TrialStatus
    reason: str
    scores: dict[str, float]
    seconds: float
    folder: str
    finished_at: float
    analyzer: str | None = None
    dataset: str | None = None
    truth: str | None = None
    sibling: int = 0
    device: Device | None = None

    @cached_property
    def score(self) -> float | None:
        """The optimised score, or None if the training did not complete."""
        return score_of(self.scores)

    def __repr__(self) -> str:
        score = self.status if self.score is None else f"{objective_of(self.scores)} {self.score:.4f}"
        return f"<TrialResult {self.trial}: {score}, {self.seconds:.0f} s>"


@dataclass(frozen=True)
class RunningTrial:
    """A trial that has been started and has no result yet."""

    trial: str
    experiment: str
    steps: int
    folder: str
    pid: int
    started_at: float


@dataclass(frozen=True)
class Verdict:
    """The verdict on an experiment. Effect and interval are differences from the score of the rival."""

    verdict: VerdictName
    reason: str
    rival: str | None = None
    effect: float | None = None
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    number: int = 0  # rank among the verdicts of the campaign, assigned by the ledger


@dataclass(frozen=True)
class Experiment:
    """A proposal with an identity.

    Attributes:
        title: the idea in at most `TITLE_CHARACTERS` characters, empty in old ledgers. hypothesis: the detail.
        changes: fields whose value differs from the parent. configuration: all fields.
        patch: unified diff against the code of the parent, empty if there is none.
        move: name of the patch in the catalogue of moves. repairs: id of the experiment whose patch it repairs.
        combines: ids of the experiments whose changes it makes together on its parent, empty for a change of its own.
        kind: a `diagnosis` counts in no statistic. prompt: `Call.prompt` of the request that it answers, or empty.
        idea: number of the user's idea that it tries, None for a planner's. author: the user whose idea it is.
        trials: on the campaign's own network. sibling_trials: on its siblings, for judging alone: no planner is told.
        commit: the commit that trials run. landed: a commit of the same content whose message has the verdict.
    """

    id: str
    block: int
    parent: str | None
    planner: str
    hypothesis: str
    changes: dict[str, Any]
    configuration: dict[str, Any]
    fingerprint: str
    proposed_at: float
    role: Role = "exploit"
    move: str | None = None
    patch: str = ""
    repairs: str | None = None
    combines: tuple[str, ...] = ()
    commit: str | None = None
    landed: str | None = None
    title: str = ""
    kind: ProposalKind = "candidate"
    prompt: str = ""
    idea: int | None = None
    author: str = ""
    trials: tuple[TrialResult, ...] = field(default=())
    sibling_trials: tuple[TrialResult, ...] = field(default=())
    verdict: Verdict | None = None

    def __repr__(self) -> str:
        verdict = self.verdict.verdict if self.verdict else "open"
        return f"<Experiment {self.id}: {verdict}, {len(self.trials)} trials, {self.headline!r}>"

    @property
    def all_trials(self) -> tuple[TrialResult, ...]:
        """The trials on the campaign's own network, then those on siblings: for counts and times, never for scores."""
        return self.trials + self.sibling_trials

    @property
    def as_told(self) -> Experiment:
        """The experiment for planners: without its trials on siblings."""
        return replace(self, sibling_trials=()) if self.sibling_trials else self

    @property
    def headline(self) -> str:
        """Return the title; for an experiment without one, the beginning of its hypothesis."""
        return self.title or shorten(self.hypothesis, TITLE_CHARACTERS, " ...")

    @property
    def accepted(self) -> bool:
        """True after a verdict of improvement; the baseline is accepted without a comparison."""
        return self.verdict is not None and self.verdict.verdict == "accepted"

    @property
    def incomplete(self) -> list[TrialResult]:
        """The trials that ended without a score; a diagnosis is not meant to have one."""
        return [t for t in self.trials if t.status not in ("completed", "diagnosed")]

    def tried(self, fidelity: str) -> set[int]:
        """Return the seeds that have a result at one fidelity, completed or not; a diagnosis has none."""
        return {t.seed for t in self.trials if t.fidelity == fidelity and t.status != "diagnosed"}

    def scores(self, fidelity: str) -> dict[int, float]:
        """Return the score of each seed whose trial completed at one fidelity."""
        return {t.seed: t.score for t in self.trials if t.fidelity == fidelity and t.score is not None}


class Outline(NamedTuple):
    """Summary of an experiment, cheap to read by the thousand.

    `score` is the mean over `seeds` seeds at one fidelity, None without a result. `rank` is the rank among the
    verdicts, None before the verdict. `trials` counts trials at any fidelity, those on siblings too.
    """

    id: str
    block: int
    verdict: VerdictName | None
    rank: int | None
    trials: int
    seeds: int
    score: float | None

    @property
    def accepted(self) -> bool:
        """True after a verdict of improvement."""
        return self.verdict == "accepted"


@dataclass(frozen=True)
class Finding:
    """A lesson of a block, with the experiments that support it.

    In `statement`, the text of a language model may follow the statistics, separated by `IN_WORDS`.
    """

    block: int
    kind: FindingKind
    subject: str
    statement: str
    experiments: tuple[str, ...]
    effect: float | None
    p_value: float | None
    found_at: float

    @property
    def further(self) -> tuple[str, ...]:
        """The experiments that support the finding and are not named in the statement."""
        named = set(re.findall(r"\be\d{4,}\b", self.statement))
        return tuple(name for name in self.experiments if name not in named)

    @property
    def statistics(self) -> str:
        """The statement without the text of a language model."""
        return self.statement.partition(IN_WORDS)[0]


@dataclass(frozen=True)
class Event:
    """A line of the log about the campaign itself: starts, stops, recoveries, refusals."""

    at: float
    message: str


@dataclass(frozen=True)
class Measurement:
    """A training that belongs to no experiment. `code` and `dataset` are fingerprints.

    `scores` is empty unless it completed; `reason` is empty if it did.
    """

    code: str
    dataset: str
    seed: int
    steps: int
    scores: dict[str, float]
    reason: str
    measured_at: float

    @property
    def key(self) -> MeasurementKey:
        """The identity of the training, which has one result."""
        return self.code, self.dataset, self.seed, self.steps

    @property
    def score(self) -> float | None:
        """The optimised score, or None if the training did not complete."""
        return score_of(self.scores)


@dataclass(frozen=True)
class Ablation:
    """Contribution of the change `left_out` to the stack of changes of the experiment `winner`.

    `effect` is the loss of score without the change, with a 95 % interval over paired seeds. It is None where the rest
    does not train without the change, which then matters, and where the rest cannot be rebuilt without it, so that
    nothing is determined; `reason` is then the failure.
    """

    winner: str
    left_out: str
    effect: float | None
    interval: tuple[float, float] | None
    seeds: tuple[int, ...]
    verdict: Worth
    reason: str
    at: float


@dataclass(frozen=True)
class SiblingResult:
    """`exact` of an experiment and of its base commit on one sibling network; None if a training did not complete."""

    sibling: int
    exact: float | None
    base_exact: float | None
    baseline_exact: float | None
    reason: str

    @property
    def gain(self) -> float | None:
        """The score of the experiment minus that of its base."""
        return None if self.exact is None or self.base_exact is None else self.exact - self.base_exact


@dataclass(frozen=True)
class Verification:
    """An experiment retrained on sibling networks: its mean gain over its base, with a 95 % interval over siblings."""

    experiment: str
    fidelity: str
    seed: int
    siblings: tuple[SiblingResult, ...]
    gain: float | None
    interval: tuple[float, float] | None
    verdict: Generality
    at: float
