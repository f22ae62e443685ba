"""The user's interventions that hold now, for the session that leads the campaign."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from memory.intervention import Intervention
from memory.records import Experiment


@dataclass(frozen=True)
class Steering:
    """The standing requests of the user.

    Vetoes, pins and ideas hold for the campaign; a pause and a stop hold for the session in which they were taken up.

    Attributes:
        ideas: ideas to try that no experiment tries yet, oldest first.
        words: ideas in words alone, for the models.
        vetoes: the veto of each vetoed experiment.
        pinned: experiments to build on, oldest first.
        pause: the pause that holds, None without one. stop: what ends the session now, None if it goes on.
        until: the score at which to end, None without one.
    """

    ideas: Sequence[Intervention] = ()
    words: Sequence[Intervention] = ()
    vetoes: Sequence[Intervention] = ()
    pinned: Sequence[str] = ()
    pause: Intervention | None = None
    stop: Intervention | None = None
    until: float | None = None

    def veto_of(self, experiment: str) -> Intervention | None:
        """Return the veto of an experiment, None without one."""
        return next((veto for veto in self.vetoes if veto.experiment == experiment), None)

    @property
    def brief(self) -> str:
        """Return the ideas in words as the beginning of the brief, whose end may be cut off; empty without any."""
        if not self.words:
            return ""
        lines = "".join(f"- {idea.author}: {' '.join(idea.words.split())}\n" for idea in reversed(self.words))
        return f"## Ideas of the user, newest first\n\n{lines}\n"


UNSTEERED = Steering()


def read_steering(interventions: Sequence[Intervention], experiments: Collection[Experiment] = ()) -> Steering:
    """Return the standing of interventions in a campaign with these experiments."""
    tried = {e.idea for e in experiments}
    ideas = [each for each in interventions if each.kind == "idea"]
    of_session = [each for each in interventions if each.current]
    pauses = [each for each in of_session if each.kind in ("pause", "resume")]
    stops = [each for each in of_session if each.kind == "stop"]
    pause = pauses[-1] if pauses and pauses[-1].kind == "pause" else None
    return Steering(
        ideas=[idea for idea in ideas if idea.is_trial and idea.number not in tried],
        words=[idea for idea in ideas if not idea.is_trial],
        vetoes=_standing(interventions, "veto"),
        pinned=[each.experiment for each in _standing(interventions, "pin") if each.experiment],
        pause=pause,
        stop=next((each for each in stops if each.score is None), None),
        until=next((each.score for each in reversed(stops) if each.score is not None), None),
    )


def _standing(interventions: Sequence[Intervention], kind: str) -> list[Intervention]:
    """Return the interventions of a kind that none on the same experiment has undone since."""
    newest: dict[str | None, Intervention] = {}
    for each in interventions:
        if each.kind in (kind, f"un{kind}"):
            newest.pop(each.experiment, None)
            newest[each.experiment] = each
    return [each for each in newest.values() if each.kind == kind]
