"""The contract of a planner, tested on every planner in `agent/planner/planners/`.

A new planner is found by its file: `PLANNERS` says how it is made here, and a planner that is missing there fails.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from agent.executor.code.code_state import CodeState
from agent.planner.contract import Objection, Options, Planner, Rung, Situation
from agent.planner.proposal import Proposal
from agent.planner.registry import create_planner, planner_names
from memory.records import Experiment, Role, Verdict
from tests.agent.experiments import FIDELITY, scored
from tests.agent.planner.model_server import answers, serving, stalls
from tests.agent.planner.situations import baseline, situation

# An agent program that never proposes the same twice: it counts its runs in a file.
PROGRAM = """
import json, pathlib, sys
count = pathlib.Path(sys.argv[1])
number = int(count.read_text()) + 1 if count.exists() else 1
count.write_text(str(number))
code = "The loop advises to change the code" in sys.stdin.read()
edit = {"file": f"gnn/new{number}.py", "search": "", "replace": "x = 1\\n"}
what = {"edits": [edit]} if code else {"changes": {"lr_S": 0.001 * number}}
print(json.dumps({"hypothesis": f"idea {number}", **what}))
"""
MANY: tuple[Role, ...] = ("exploit", "explore", "principle", "exploit")


@contextmanager
def _without(folder: Path, options: Options, name: str) -> Iterator[Planner]:
    yield create_planner(name, options)


@contextmanager
def _llm(folder: Path, options: Options, name: str) -> Iterator[Planner]:
    scenes = [answers(hypothesis=f"idea {n}", changes={"lr_S": 0.001 * n}) for n in range(1, 13)]
    with serving(*scenes) as server:
        yield create_planner(name, Options(options.seed, options.fidelity, models=(server.address,)))


@contextmanager
def _program(folder: Path, options: Options, name: str) -> Iterator[Planner]:
    script = folder / "agent.py"
    script.write_text(PROGRAM)
    program = shlex.join([sys.executable, str(script), str(folder / "count")])
    yield create_planner(name, Options(options.seed, options.fidelity, program=program))


Made = Callable[[Path, Options, str], AbstractContextManager[Planner]]
PLANNERS: dict[str, Made] = {
    "auto": _without,
    "combine": _without,
    "command": _program,
    "llm": _llm,
    "moves": _without,
    "sweep": _without,
}


@dataclass
class Desk:
    """Objections as the registrar has them: each proposal passes once, and only on an accepted experiment."""

    past: Sequence[Experiment]
    passed: list[Proposal] = field(default_factory=list)
    full_after: int | None = None

    def objection(self, proposal: Proposal) -> Objection | None:
        if proposal.parent not in {e.id for e in self.past if e.accepted}:
            return Objection(f"{proposal.parent} is not an accepted experiment")
        known = any(_content(proposal) == _content(other) for other in self.passed)
        if known or (self.full_after is not None and len(self.passed) >= self.full_after):
            return Objection("this has been run already", known=True)
        self.passed.append(proposal)
        return None


def _content(proposal: Proposal) -> str:
    return proposal.model_dump_json(include={"parent", "changes", "edits", "diff"})


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(params=planner_names())
def planner(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Planner]:
    """Return each planner in turn."""
    with PLANNERS[request.param](tmp_path, Options(0, FIDELITY), request.param) as made:
        yield made


def asked(planner: Planner, state: CodeState, desk: Desk, rung: Rung, roles: Sequence[Role] = MANY) -> Situation:
    past = _near_misses(state) if planner.name == "combine" else ()
    return situation(state, rung=rung, roles=roles, past=past, objection=desk.objection).situation


def rungs_of(planner: Planner) -> list[Rung]:
    # The played model changes the configuration alone, and so do the experiments that are combined here.
    return [rung for rung in planner.rungs if planner.name not in ("combine", "llm") or rung == "sweep"]


def _near_misses(state: CodeState) -> list[Experiment]:
    """Return experiments without which there is nothing to combine: each led the baseline, and none was accepted."""
    changes: list[dict[str, float]] = [{"lr_S": 0.01}, {"lr_k": 0.01}, {"width": 64}]
    return [
        replace(
            scored(f"e000{number}", [0.3 + 0.01 * number], configuration=state.resolve(each)),
            changes=each,
            verdict=Verdict("rejected", "", number=number),
        )
        for number, each in enumerate(changes, start=2)
    ]


def test_proposals_change_something_of_a_parent_that_was_asked_for(planner: Planner, state: CodeState) -> None:
    for rung in rungs_of(planner):
        desk = Desk([baseline(state)])
        proposals = planner.propose(asked(planner, state, desk, rung))
        assert proposals
        assert {p.parent for p in proposals} == {"e0001"}
        assert all(p.patches == (rung == "code") for p in proposals)
        assert {_content(p) for p in proposals} <= {_content(p) for p in desk.passed}


def test_no_proposal_is_made_twice(planner: Planner, state: CodeState) -> None:
    for rung in rungs_of(planner):
        proposals = planner.propose(asked(planner, state, Desk([baseline(state)]), rung))
        assert len({_content(p) for p in proposals}) == len(proposals)


def test_fewer_proposals_than_roles_are_no_error(planner: Planner, state: CodeState) -> None:
    for rung in rungs_of(planner):
        proposals = planner.propose(asked(planner, state, Desk([baseline(state)], full_after=1), rung))
        assert len(proposals) <= 1
        assert planner.propose(asked(planner, state, Desk([baseline(state)]), rung, roles=())) == []


def test_a_planner_that_only_knows_what_has_been_run_proposes_nothing(planner: Planner, state: CodeState) -> None:
    for rung in rungs_of(planner):
        assert planner.propose(asked(planner, state, Desk([baseline(state)], full_after=0), rung)) == []


@pytest.mark.parametrize("name", ["llm", "command"])
def test_a_planner_that_waits_is_interrupted(name: str, state: CodeState, tmp_path: Path) -> None:
    """Planners that wait for no answer are done before they could be interrupted."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    told = situation(state, check=interrupt)
    script = tmp_path / "slow.py"
    script.write_text("import time\ntime.sleep(600)\n")
    program = shlex.join([sys.executable, str(script)])
    with serving(stalls) as server:
        made = create_planner(name, Options(0, FIDELITY, models=(server.address,), program=program))
        with pytest.raises(KeyboardInterrupt):
            made.propose(told.situation)


def test_every_planner_is_tested_here() -> None:
    assert sorted(PLANNERS) == planner_names()
