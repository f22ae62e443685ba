"""Interventions of the user: from the inbox to the ledger, and what they ask for there."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.campaign.folder import CampaignFolder, start_campaign
from agent.campaign.inbox import Inbox
from agent.campaign.intervene import intervene, user_name
from agent.campaign.session import this_controller
from agent.campaign.status import read_status
from agent.campaign.steering import read_steering
from agent.executor.workspace import Workspace
from memory.intervention import Intervention
from memory.ledger import Ledger
from memory.records import Decision, Verdict
from memory.render import Log, search
from simulator.dataset import Dataset
from stoichloop.errors import StoichloopError
from tests.agent.experiments import scored

ADA = "Ada Lovelace"
ACCEPTED = Verdict("accepted", "better")


@pytest.fixture
def night(workspace: Workspace, tiny: Dataset) -> CampaignFolder:
    """Return a campaign: e0002 and e0003 on it are accepted, e0004 on e0003 is open, e0005 is rejected."""
    campaign = start_campaign(workspace, "night", tiny, planner="auto", fidelity="probe", seed=0)
    with Ledger(campaign.ledger_path) as ledger:
        ledger.open_block(Decision("baseline", None, "first"), [scored("e0001", block=0, configuration={"lr_S": 0.1})])
        children = [scored("e0002"), scored("e0003"), scored("e0004"), scored("e0005")]
        parents = ["e0001", "e0002", "e0003", "e0001"]
        members = [
            replace(e, parent=parent, configuration={"lr_S": 0.1}) for e, parent in zip(children, parents, strict=True)
        ]
        ledger.open_block(Decision("sweep", None, "why"), members)
        for name in ("e0001", "e0002", "e0003"):
            ledger.add_verdict(name, ACCEPTED)
        ledger.add_verdict("e0005", Verdict("rejected", "no better"))
        ledger.add_session(this_controller())
    return campaign


def take_up(campaign: CampaignFolder, *asked: Intervention) -> list[str]:
    """Submit interventions, take them up, and return what was noted."""
    inbox, notes = Inbox(campaign.inbox_path), list[str]()
    for each in asked:
        inbox.submit(each)
    with Ledger(campaign.ledger_path) as ledger:
        inbox.take_up(ledger, notes.append)
    assert inbox.waiting() == []
    return notes


def asked(kind: Any, **more: Any) -> Intervention:
    return Intervention(kind, ADA, time.time(), **more)


def test_an_idea_is_in_the_ledger_once_even_if_its_file_was_left_behind(night: CampaignFolder) -> None:
    idea = asked("idea", words="a faster S", changes={"lr_S": 0.2})
    path = Inbox(night.inbox_path).submit(idea)
    left_behind = path.read_text()
    assert take_up(night) == [f"{ADA} asks for an idea to try: a faster S"]
    path.write_text(left_behind)  # as by a controller that was killed before it removed the file
    assert take_up(night) == []
    with Ledger(night.ledger_path, readonly=True) as ledger:
        assert ledger.interventions() == [replace(idea, number=1, current=True)]
        assert [each.words for each in read_steering(ledger.interventions()).ideas] == ["a faster S"]


def test_an_idea_that_an_experiment_tries_waits_no_more(night: CampaignFolder) -> None:
    take_up(night, asked("idea", words="a faster S", changes={"lr_S": 0.2}), asked("idea", words="mind the gauge"))
    with Ledger(night.ledger_path) as ledger:
        tried = replace(scored("e0006", block=2), trials=(), idea=1, author=ADA, planner="user")
        ledger.open_block(Decision("sweep", None, "an idea"), [tried])
        assert ledger.experiment("e0006") == tried
        steering = read_steering(ledger.interventions(), ledger.experiments())
        assert steering.ideas == []
        assert steering.brief.strip().splitlines()[-1] == f"- {ADA}: mind the gauge"
        assert f"planner: user; idea 1 of {ADA}; role" in Log(ledger).text()
        assert len(search(ledger, "lovelace")) == 1


def test_a_veto_rejects_what_is_accepted_with_all_that_is_built_on_it(night: CampaignFolder) -> None:
    with Ledger(night.ledger_path) as ledger:
        before = [e.accepted for e in ledger.experiments()]  # and now they are cached
        assert before == [True, True, True, False, False]
        Inbox(night.inbox_path).submit(asked("veto", experiment="e0002", words="it cheats"))
        Inbox(night.inbox_path).take_up(ledger, lambda _: None)
        by_id = {e.id: e for e in ledger.experiments()}
        assert [name for name, e in by_id.items() if e.accepted] == ["e0001"]
        assert [line.verdict for line in ledger.outlines("probe")][:3] == ["accepted", "rejected", "rejected"]
        told = by_id["e0002"].verdict
        assert told is not None
        assert told.reason == f"vetoed by {ADA}: it cheats; before, it was accepted: better"
        assert [veto.experiment for veto in read_steering(ledger.interventions()).vetoes] == ["e0002", "e0003", "e0004"]
        assert len(search(ledger, "it cheats; before, it was accepted")) == 1
    take_up(night, asked("unveto", experiment="e0002"))
    with Ledger(night.ledger_path, readonly=True) as ledger:
        assert [e.accepted for e in ledger.experiments()] == before


@pytest.mark.parametrize(
    ("kind", "experiment", "words"),
    [
        ("veto", "e0001", "e0001 is the baseline"),
        ("veto", "e0005", "e0005 is rejected already"),
        ("veto", "e0099", "there is no experiment 'e0099'"),
        ("pin", "e0004", "e0004 is not accepted"),
    ],
)
def test_what_cannot_be_is_refused_at_the_door_and_by_the_controller(
    workspace: Workspace, night: CampaignFolder, kind: Any, experiment: str, words: str
) -> None:
    with pytest.raises(StoichloopError, match=words):
        intervene(workspace, night, kind, experiment=experiment)
    (note,) = take_up(night, asked(kind, experiment=experiment))
    assert note.startswith(f"the {kind} of {ADA} is left out: {words}")


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        "[" * 10**5,
        '{"kind": "idea", "author": "a", "given_at": 1, "words": "w", "changes": {"lr_S": [1]}}',
        '{"kind": "idea", "author": "a", "given_at": 1, "words": "", "patch": "p"}',
        '{"kind": "idea", "author": "a", "given_at": 1, "words": "w", "changes": {"lr_S": NaN}}',
        '{"kind": "veto", "author": "a", "given_at": NaN, "experiment": "e0002"}',
        '{"kind": "stop", "author": "a", "given_at": 1, "score": Infinity}',
        '{"kind": "pin", "author": "a", "given_at": 1}',
    ],
)
def test_a_file_that_is_no_intervention_is_noted_and_kept(content: str, night: CampaignFolder) -> None:
    night.inbox_path.mkdir()
    (night.inbox_path / "1.json").write_text(content)
    (note,) = take_up(night)
    assert "not a valid intervention" in note
    assert [path.name for path in night.inbox_path.iterdir()] == ["1.unreadable"]


def test_pins_go_and_a_pause_ends_with_its_session(night: CampaignFolder) -> None:
    take_up(night, *(asked("pin", experiment=name) for name in ("e0002", "e0003")), asked("unpin", experiment="e0002"))
    take_up(night, asked("pause"), asked("stop", score=0.9), asked("stop", score=0.8))
    with Ledger(night.ledger_path) as ledger:
        steering = read_steering(ledger.interventions())
        assert (steering.pinned, steering.pause is None, steering.until) == (["e0003"], False, 0.8)
        assert steering.stop is None
    take_up(night, asked("resume"), asked("stop"))
    with Ledger(night.ledger_path) as ledger:
        steering = read_steering(ledger.interventions())
        assert (steering.pause, steering.stop is None) == (None, False)
        ledger.add_session(this_controller())
        steering = read_steering(ledger.interventions())
        assert (steering.pinned, steering.stop, steering.until) == (["e0003"], None, None)


def test_the_time_of_a_pause_is_not_shown_as_spent(night: CampaignFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    began, hour = time.time(), 3600.0
    monkeypatch.setattr(time, "time", lambda: began + hour)
    with Ledger(night.ledger_path) as ledger:
        assert read_status(night, ledger).spent_s == pytest.approx(hour, abs=60.0)
        take_up(night, asked("pause"))
        assert read_status(night, ledger).spent_s == 0.0


def test_an_idea_is_checked_before_it_is_queued(workspace: Workspace, night: CampaignFolder) -> None:
    done = intervene(workspace, night, "idea", words="a faster S", changes={"lr_S": 0.2}, author=ADA)
    assert done.words == f"campaign 'night': {ADA} asks for an idea to try: a faster S; the controller takes it up now"
    told = intervene(workspace, night, "idea", words="mind the gauge").words
    assert told.endswith("; it asks no model: give --set or --patch to have the idea tried")
    for words, field, fault in (
        (" ", "lr_S", "the idea cannot be tried: words are missing"),
        ("x", "lrS", r"e0003 has no field 'lrS'; did you mean 'lr_S'\?"),
        ("x" * 3000, "lr_S", "the idea cannot be tried: hypothesis"),
    ):
        with pytest.raises(StoichloopError, match=fault):
            intervene(workspace, night, "idea", words=words, changes={field: 1})
    assert len(Inbox(night.inbox_path).waiting()) == 2


def test_only_a_campaign_that_runs_can_be_paused(workspace: Workspace, tiny: Dataset) -> None:
    campaign = start_campaign(workspace, "day", tiny, planner="auto", fidelity="probe", seed=0)
    with pytest.raises(StoichloopError, match=r"campaign 'day' is not running: not started; start it with: stoichloop"):
        intervene(workspace, campaign, "pause")


def test_the_author_is_the_user_of_git(workspace: Workspace, night: CampaignFolder, tmp_path: Path) -> None:
    with workspace.repo.config_writer() as config:
        config.set_value("user", "name", ADA)
    assert intervene(workspace, night, "pin", experiment="e0002").intervention.author == ADA


@pytest.mark.parametrize(("words", "author"), [("caf\udce9", ADA), ("no", "J\udcfcrgen"), ("\ud800", "")])
def test_words_and_names_in_another_encoding_are_kept(
    words: str, author: str, workspace: Workspace, night: CampaignFolder
) -> None:
    with (Path(workspace.repo.git_dir) / "config").open("ab") as config:
        config.write(b"[user]\n\tname = J\xfcrgen\n")
    done = intervene(workspace, night, "veto", experiment="e0003", words=words, author=author)
    assert take_up(night)[0] in done.words
    with Ledger(night.ledger_path, readonly=True) as ledger:
        first = ledger.interventions()[0]
        assert first.author == (ADA if author == ADA else r"J\udcfcrgen")
        assert first.words == words.encode("utf-8", "backslashreplace").decode()


@pytest.mark.parametrize("unknown", [KeyError("uid not found: 4711"), OSError("no user name")])
def test_a_user_without_any_name_is_a_number(
    unknown: Exception, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def getuser() -> str:
        raise unknown

    monkeypatch.setattr("getpass.getuser", getuser)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("", " "):  # set, and empty for git
        with workspace.repo.config_writer() as config:
            config.set_value("user", "name", name)
        assert user_name(workspace) == f"user {os.getuid()}"
