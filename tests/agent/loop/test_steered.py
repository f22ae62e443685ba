"""The decisions of the loop where the user intervenes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from agent.campaign.steering import Steering
from agent.loop.next_step import GiveVerdict, OpenBlock, StartTrials, Stop, TryIdea, Wait, next_step
from agent.loop.snapshot import Snapshot
from memory.ending import Ending
from memory.intervention import Intervention
from memory.records import Verdict
from tests.agent.experiments import scored
from tests.agent.loop.test_next_step import BASELINE, CLOSED, OPEN, screening, snapshot


def steered(**asked: Any) -> Snapshot:
    """Return a campaign with an open candidate and a free slot, and a user who asks for something."""
    past = (BASELINE, scored("e0002"))
    return snapshot(past, (CLOSED, OPEN), steering=Steering(**asked))


def of_ada(kind: Any, **more: Any) -> Intervention:
    return Intervention(kind, "Ada", 0.0, **more)


def test_an_idea_of_the_user_comes_next_and_its_trials_first() -> None:
    idea = of_ada("idea", words="a faster S", changes={"lr_S": 0.2})
    assert next_step(steered(ideas=[idea])) == TryIdea(idea, BASELINE)
    assert not isinstance(next_step(replace(steered(ideas=[idea]), left_s=0.0)), TryIdea)
    past = (BASELINE, scored("e0002"), replace(scored("e0003"), idea=1, author="Ada"))
    tried = snapshot(past, (CLOSED, OPEN), slots=1, free=1)
    assert next_step(tried) == StartTrials(screening("e0003")[:1])


def test_an_idea_is_built_on_what_was_pinned_last() -> None:
    pinned = scored("e0002", [0.4], verdict=Verdict("accepted", "better", number=2))
    newer = scored("e0003", [0.5], verdict=Verdict("accepted", "better", number=3))
    idea = of_ada("idea", words="a faster S", changes={"lr_S": 0.2})
    step = next_step(snapshot((BASELINE, pinned, newer), steering=Steering(ideas=[idea], pinned=["e0002"])))
    assert step == TryIdea(idea, pinned)
    asked = next_step(snapshot((BASELINE, pinned, newer), steering=Steering(pinned=["e0002"])))
    assert isinstance(asked, OpenBlock)
    assert {parent.id for _, parent in asked.roles} == {"e0002"}


def test_a_veto_is_the_verdict_on_an_open_experiment() -> None:
    step = next_step(steered(vetoes=[of_ada("veto", experiment="e0002", words="it cheats")]))
    assert step == GiveVerdict("e0002", Verdict("rejected", "vetoed by Ada: it cheats"))


def test_a_pause_starts_nothing_and_a_stop_ends_the_session() -> None:
    assert next_step(steered(pause=of_ada("pause"))) == Wait("pause")
    assert next_step(steered(stop=of_ada("stop"))) == Stop(Ending("interrupted", "as Ada asked"))


def test_the_score_to_stop_at_is_the_user_s_newest() -> None:
    done = snapshot(until=0.9, steering=Steering(until=0.2))
    assert "0.2 was asked for" in done.solved
    assert snapshot(until=0.2, steering=Steering(until=0.9)).solved == ""
