"""What the ledger holds, as small immutable records. Times are seconds since the epoch, UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Objective = Literal["exact", "blind"]
VerdictName = Literal["accepted", "rejected", "failed", "refused"]
TrialStatus = Literal["completed", "crashed", "timed_out", "non_finite", "invalid"]
Role = Literal["exploit", "explore", "principle"]
FindingKind = Literal["established principle", "refuted hypothesis", "open question"]
Worth = Literal["matters", "not shown to matter"]
MeasurementKey = tuple[str, str, int, int]  # code, dataset, seed, steps
Generality = Literal["generalises", "does not generalise", "not shown to generalise"]


def experiment_name(number: int) -> str:
    """Return the name of the experiment with this number: `e0017` of 17."""
    return f"e{number:04d}"


def experiment_number(name: str) -> int:
    """Return the number of the experiment with this name: 17 of `e0017`."""
    return int(name.removeprefix("e"))


def objective_of(scores: Mapping[str, float]) -> Objective:
    """Which score is the one that is optimised: `exact` where the truth is known, `blind` where there is none."""
    return "exact" if "exact" in scores else "blind"


def score_of(scores: Mapping[str, float]) -> float | None:
    """The score that is optimised; None if there are none, of a training that did not complete."""
    return scores[objective_of(scores)] if scores else None


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
    """One run of a controller: its process, which is known by its id and by when, after the machine, it was started."""

    pid: int
    born_at: float
    started_at: float


@dataclass(frozen=True)
class Grant:
    """A budget given by a person, as totals of the campaign: wall-clock seconds and experiments."""

    given_at: float
    wall_s: float
    experiments: int | None
    asked_wall_s: float
    asked_experiments: int | None


@dataclass(frozen=True)
class Decision:
    """Which rung the next block stands on. `chance` is that of another improvement on the rung before it."""

    rung: str
    chance: float | None
    reason: str


@dataclass(frozen=True)
class Block:
    """A batch of experiments planned together; `summary` is None while it is open.

    `chance` and `reason` are the ladder's, None before it had any.
    """

    number: int
    rung: str
    opened_at: float
    summary: str | None
    chance: float | None = None
    reason: str | None = None


IN_WORDS = "; in the model's words: "  # what stands between a statistical text and a model's
NOT_ASKED = "not asked"  # what the outcome of a call begins with that a limit forbade


@dataclass(frozen=True)
class Call:
    """One request to a model: what it took, and what came of it in words. `prompt` is a hash."""

    planner: str
    model: str
    prompt: str
    tokens_in: int
    tokens_out: int
    dollars: float
    seconds: float
    outcome: str
    called_at: float


@dataclass(frozen=True)
class TrialResult:
    """One finished trial. `scores` is empty unless the status is `completed`; `reason` is empty if it is.

    `analyzer`, `dataset` and `truth` are fingerprints of what it was scored by and against.
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

    @property
    def score(self) -> float | None:
        """The one that is optimised; None if it did not complete."""
        return score_of(self.scores)


@dataclass(frozen=True)
class RunningTrial:
    """A trial that was started and has no result yet."""

    trial: str
    experiment: str
    steps: int
    folder: str
    pid: int
    started_at: float


@dataclass(frozen=True)
class Verdict:
    """The judgement on an experiment. Effect and interval are differences of the score from the rival's."""

    verdict: VerdictName
    reason: str
    rival: str | None = None
    effect: float | None = None
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    number: int = 0  # its place among the verdicts of the campaign, given by the ledger


@dataclass(frozen=True)
class Experiment:
    """A proposal with an identity. `changes` differ from the parent; `configuration` is whole.

    `patch` is what it changes of the parent's code, empty if nothing; `move` its name where it is of the catalogue;
    `repairs` names the failed experiment whose patch it mends. `commit` is what its trials run; `landed` has the
    same content and carries the verdict.
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
    commit: str | None = None
    landed: str | None = None
    trials: tuple[TrialResult, ...] = field(default=())
    verdict: Verdict | None = None

    @property
    def accepted(self) -> bool:
        """Whether it has been judged to be an improvement; the baseline is accepted as it is."""
        return self.verdict is not None and self.verdict.verdict == "accepted"

    def tried(self, fidelity: str) -> set[int]:
        """The seeds that have a result at one fidelity, good or bad."""
        return {t.seed for t in self.trials if t.fidelity == fidelity}

    def scores(self, fidelity: str) -> dict[int, float]:
        """The score of each seed whose trial was completed at one fidelity."""
        return {t.seed: t.score for t in self.trials if t.fidelity == fidelity and t.score is not None}


class Outline(NamedTuple):
    """An experiment as a line among thousands. `score` is the mean over `seeds` seeds at one fidelity, None of none.

    `rank` is that among the verdicts, None before there is one; `trials` counts those at any fidelity.
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
        """Whether it has been judged to be an improvement."""
        return self.verdict == "accepted"


@dataclass(frozen=True)
class Finding:
    """What a block taught, and which experiments say so. In the statement a model's words may follow the statistics."""

    block: int
    kind: FindingKind
    subject: str
    statement: str
    experiments: tuple[str, ...]
    effect: float | None
    p_value: float | None
    found_at: float

    @property
    def statistics(self) -> str:
        """The statement without a model's words."""
        return self.statement.partition(IN_WORDS)[0]


@dataclass(frozen=True)
class Event:
    """One line of the log that is not an experiment: starts, stops, recoveries, refusals."""

    at: float
    message: str


@dataclass(frozen=True)
class Measurement:
    """A training outside the experiments. `code` and `dataset` are fingerprints.

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
        """What was measured: there is one result of it."""
        return self.code, self.dataset, self.seed, self.steps

    @property
    def score(self) -> float | None:
        """The one that is optimised; None if it did not complete."""
        return score_of(self.scores)


@dataclass(frozen=True)
class Ablation:
    """What the change `left_out` is worth to the stack of changes that `winner` consists of.

    `effect` is what the score loses without it, with a 95 % interval, over paired seeds; None where the rest does not
    work without it, and `reason` says how.
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
        """By how much the experiment is better than its base."""
        return None if self.exact is None or self.base_exact is None else self.exact - self.base_exact


@dataclass(frozen=True)
class Verification:
    """An experiment on sibling networks: its mean gain over its base there, with a 95 % interval over siblings."""

    experiment: str
    fidelity: str
    seed: int
    siblings: tuple[SiblingResult, ...]
    gain: float | None
    interval: tuple[float, float] | None
    verdict: Generality
    at: float
