"""The program in this process: help, wrong usage, and the commands that read campaigns."""

from __future__ import annotations

import contextlib
import csv
import json
import locale
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from io import StringIO
from pathlib import Path

import pytest
from rich.text import Text

from agent.base.console import Console
from agent.campaign.budget import Budget
from agent.campaign.folder import CampaignFolder, start_campaign
from agent.campaign.session import this_controller
from agent.cli.main import GROUPS, main
from agent.cli.output import page
from agent.executor.workspace import Workspace
from agent.loop.forecast import forecast
from memory.ending import Ending
from memory.ledger import Ledger
from memory.records import Decision, Grant, Verdict
from simulator.dataset import Dataset
from tests.agent.experiments import scored

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], workspace: Workspace) -> Run:
    """Return a function that runs a command in the user's repository: its status, output and errors."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["stoichloop", *arguments])
        with contextlib.chdir(workspace.root), pytest.raises(SystemExit) as left:
            main()
        printed = capsys.readouterr()
        return int(left.value.code or 0), printed.out, printed.err

    return call


@pytest.fixture
def night(workspace: Workspace, tiny: Dataset) -> CampaignFolder:
    """Return a campaign that has ended: e0002 is the incumbent, e0003 to e0012 are rejected."""
    campaign = start_campaign(workspace, "night", tiny, planner="auto", fidelity="probe", seed=0)
    commit = workspace.repo.head.commit.hexsha
    members = [
        replace(scored(f"e{number:04d}", [0.3 + 0.1 * (number == 2)] * 20), commit=commit) for number in range(2, 13)
    ]
    with Ledger(campaign.ledger_path) as ledger:
        ledger.add_session(this_controller("stoichloop explore pde_m1_tiny --campaign night"))
        baseline = replace(scored("e0001", [0.2, 0.4], block=0), commit=commit)
        ledger.open_block(Decision("baseline", None, "first"), [baseline])
        ledger.open_block(Decision("sweep", None, "why"), members)
        for e in (baseline, *members):
            for trial in e.trials:
                full = {**trial.scores, "exact_identifiable": 0.0, "baseline_exact": 0.5, "sign_accuracy": 1.0}
                ledger.add_result(replace(trial, scores={**full, "recall_2": 0.0, "r2": 0.0, "test_pearson": 0.0}))
            accepted = e.id in ("e0001", "e0002")
            ledger.add_verdict(e.id, Verdict("accepted" if accepted else "rejected", "because of " + "words " * 60))
        ledger.add_spend("wall_s", 700.0)
        ledger.add_ending(Ending("stopped", "11 of 11 experiments used"))
    return campaign


def test_help_lists_every_command_in_its_group_with_a_whole_sentence(run: Run) -> None:
    for arguments in ((), ("--help",), ("-h",)):
        status, told, _ = run(*arguments)
        assert status == 0
        assert re.findall(r"^(\w+):$", told, re.MULTILINE)[1:] == ["Options", *GROUPS][1:]
        for commands in GROUPS.values():
            for command in commands:
                assert re.search(rf"^  {command.__name__} +[A-Z].*[^.]\.$", told, re.MULTILINE), command


def test_the_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version") == (0, f"stoichloop {version('stoichloop')}\n", "")


def test_every_command_has_an_example_that_it_understands(run: Run) -> None:
    for commands in GROUPS.values():
        for command, example in commands.items():
            status, told, _ = run(command.__name__, "--help")
            assert status == 0
            assert f"Example: {example}" in " ".join(told.split())
            for option in re.findall(r"--[\w-]+", example):
                assert option in told


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("explor", "no such command 'explor'; did you mean 'explore', 'export', 'report'?"),
        ("train pde_m1_tiny --seed -1", "--seed -1 must be at least 0; see 'stoichloop train --help'"),
        ("train pde_m1_tiny --steps a\\b", "--steps 'a\\b' must be a valid integer; see"),
        ("report --port 99999", "--port 99999 must be at most 65535; see"),
        ("train", "missing argument 'REGIME'"),
        ("status --nope", "no such option: --nope"),
        ("explore pde_m1_tiny --budget 8", "--budget 8 has no unit; write 8h for hours, 8m for minutes"),
        ("explore pde_m1_tiny --budget -5m", "--budget -5m must be longer than 0; write it like 8h"),
        ("explore pde_m1_tiny --budget 0", "--budget 0 must be longer than 0; write it like 8h"),
        ("data --kinetics other", "--kinetics: 'other' is not one of 'own'; see"),
        ("explore pde_m1_tiny --budget 8hours", "--budget '8hours' is not a duration"),
        (f"explore pde_m1_tiny --budget {'9' * 400}d", "--budget '999"),
        (
            "explore pde_m1_tiny --planner oracle",
            "--planner 'oracle' must be one of auto, combine, command, llm, moves, sweep",
        ),
        ("explore pde_m1_tiny --fidelity all", "--fidelity 'all' must be one of"),
        ("explore pde_m1_tiny --executor slurm", "--executor 'slurm' must be one of"),
        ("explore pde_m1_tiny --campaign a/b", "--campaign 'a/b' must be"),
        ("explore pde_m1_tiny --without none", "--without 'none' must be one of"),
        ("explore pde_m1_tiny --until 3", "--until 3.0 must be"),
        ("explore pde_m1_tiny --track nowhere", "--track 'nowhere' must be mlflow:URI or wandb:PROJECT"),
        ("train pde_m1_tiny --set lr_S", "--set 'lr_S' is not of the form"),
        ("train pde_m1_tiny --recipe nothing", "--recipe nothing: there is no such file"),
        ("data", "give a REGIME, or --sbml FILE, or --csv FILE with --network FILE"),
        ("data pde_m1_tiny --sbml model.xml", "give a REGIME, or --sbml FILE, or --csv FILE with --network FILE"),
        ("data --csv nofile.csv", "--csv FILE needs --network FILE beside it"),
        ("train pde_m1_tiny --set lrS=0.02", "configuration: key 'lrS' is not a field"),
        (
            "train pde_m1_tiny --set lr_S=fast",
            "configuration: key 'lr_S' has value 'fast', but must be a finite number",
        ),
        ("explore pde_m1_tiny --planner command", "--planner command needs --program"),
        ("explore pde_m1_tiny --planner command --program absent", "--program absent: there is no such program"),
        ("explore pde_m1_tiny --executor parsl", "--executor parsl needs --cluster FILE"),
        ("explore pde_m1_tiny --campaign x.y", "--campaign 'x.y' must be"),
        ("export", "export needs at least one of --csv FOLDER"),
        ("data --sbml model.xml --trajectories 3", "--trajectories goes with --kinetics own"),
        ("idea night two texts", "give the idea as one text, in quotes"),
    ],
)
def test_a_bad_value_is_one_sentence_in_one_style_with_status_2(
    run: Run, workspace: Workspace, arguments: str, sentence: str
) -> None:
    shutil.rmtree(workspace.data)
    status, told, fault = run(*arguments.split())
    assert (status, told) == (2, "")
    assert fault.startswith(f"stoichloop: {sentence}")
    assert fault.count("\n") == 1
    assert not workspace.data.exists()  # no data are frozen for what is then refused
    assert not workspace.runs.exists()


def test_a_regime_with_a_slip_of_the_pen_is_guessed(run: Run) -> None:
    status, _, fault = run("data", "pde_m1tiny")
    assert (status, fault) == (1, "stoichloop: there is no regime 'pde_m1tiny'; did you mean 'pde_m1_tiny'?\n")


def test_a_clone_without_campaigns_is_told_how_to_start_one(run: Run) -> None:
    assert "start one with: stoichloop explore" in run("campaigns")[1]


def test_campaigns_are_listed_with_state_best_and_gain(run: Run, night: CampaignFolder, workspace: Workspace) -> None:
    (workspace.runs / "torn").mkdir()
    (workspace.runs / "torn" / "campaign.yaml").write_text("name: other\n")
    _, told, _ = run("campaigns")
    head, line, torn = told.splitlines()
    assert head.split()[:2] == ["campaign", "regime"]
    assert re.match(r"night +pde_m1_tiny +e0002 +exact 0.4000 +\+0.1000 +11 min 40 s +20\d\d-", line)
    assert line.endswith("stopped: 11 of 11 experiments used")
    assert "cannot be read" in torn
    listed = json.loads(run("campaigns", "--json")[1])
    assert (listed[0]["name"], listed[0]["best"], listed[0]["experiments"]) == ("night", "e0002", 12)


def test_show_is_the_incumbent_scores_first_and_one_column_a_fidelity(run: Run, night: CampaignFolder) -> None:
    _, told, _ = run("show")
    lines = told.splitlines()
    assert next(line for line in lines if line).startswith("e0002")
    assert told.index("0.4000 ± 0.0000") < told.index("hypothesis") < told.index("changed files")
    assert "mean ± standard error  probe, 20 seeds" in told
    assert "gnn/model.py" in told
    assert "+++ b/gnn/model.py" not in told
    assert max(len(line.rstrip()) - len(line) for line in lines) == 0  # no blanks at the end
    assert "because of " + "words " * 59 + "words" in told  # and nothing is cut or wrapped
    assert run("show", "2")[1] == told
    assert "+++ b/gnn/model.py" in run("show", "E2", "--diff")[1]


def test_the_last_experiments_of_the_log(run: Run, night: CampaignFolder) -> None:
    assert re.findall(r"^### (\w+)", run("log", "--last", "2")[1], re.MULTILINE) == ["e0011", "e0012"]
    assert [e["id"] for e in json.loads(run("log", "--last", "1", "--json")[1])["experiments"]] == ["e0012"]
    assert re.findall(r"^### (\w+)", run("log", "--search", "e0009", "--last", "1")[1], re.MULTILINE) == ["e0009"]


def test_all_views_count_alike(run: Run, night: CampaignFolder, workspace: Workspace) -> None:
    shown = {view: json.loads(run(view, "--json")[1]) for view in ("status", "log", "campaigns")}
    run("export", "--csv", str(workspace.runs / "tables"))
    experiments, trials = (
        list(csv.DictReader((workspace.runs / "tables" / f"{name}.csv").read_text().splitlines()))
        for name in ("experiments", "trials")
    )
    listed = shown["log"]["experiments"]
    verdicts = [Counter(e["verdict"] for e in experiments), Counter(e["verdict"]["verdict"] for e in listed)]
    assert verdicts == [shown["status"]["verdicts"]] * 2 == [{"accepted": 2, "rejected": 10}] * 2
    assert {shown["status"]["experiments"], shown["campaigns"][0]["experiments"], len(listed), len(experiments)} == {12}
    assert {shown["status"]["trials"], sum(len(e["trials"]) for e in listed), len(trials)} == {2 + 11 * 20}
    text = run("log")[1]
    assert len(re.findall(r"^### e\d+", text, re.MULTILINE)) == 12
    assert (text.count("**accepted**"), text.count("**rejected**")) == (2, 10)


def test_a_piped_status_is_whole_and_says_what_its_numbers_are(run: Run, night: CampaignFolder) -> None:
    _, told, _ = run("status")
    assert "e0002 0.4000 ± 0.0000 standard error (20 seeds)" in told
    assert "scored experiments, in their order" in told
    assert "…" not in told
    assert max(map(len, told.splitlines())) <= 200


def test_a_veto_of_a_campaign_that_does_not_run_holds_at_once(run: Run, night: CampaignFolder) -> None:
    status, told, _ = run("veto", "2", "--because", "it cheats")
    assert (status, "a veto of e0002: it cheats; it holds" in told) == (0, True)
    assert json.loads(run("status", "--json")[1])["incumbent"]["experiment"] == "e0001"
    assert run("veto", "2")[0] == 1
    assert run("veto", "2", "--undo")[0] == 0
    assert json.loads(run("status", "--json")[1])["incumbent"]["experiment"] == "e0002"


def test_the_forecast_counts_trials_in_the_time_of_former_ones(
    workspace: Workspace, night: CampaignFolder, tiny: Dataset
) -> None:
    new = start_campaign(workspace, "new", tiny, planner="auto", fidelity="probe", seed=0)
    for campaign, source in ((night, "this campaign"), (new, "campaign night")):
        with Ledger(campaign.ledger_path) as ledger:
            budget = Budget(ledger, Grant(0.0, 1300.0 + (700.0 if campaign is night else 0.0), 20, 1300.0, 20))
            told = forecast(workspace, campaign, ledger, budget, 2)
        left = 9 if campaign is night else 20
        assert told == (
            f"the budget buys 21 min 40 s on 2 slots; about 2,600 trials at probe, which took 1.0 s each in {source}; "
            f"at most {left} experiments"
        )
    (night.folder / "campaign.yaml").unlink()
    with Ledger(new.ledger_path) as ledger:
        budget = Budget(ledger, Grant(0.0, 60.0, None, 60.0, None))
        told = forecast(workspace, new, ledger, budget, 2)
    assert told.endswith("1 min 00 s on 2 slots; the number of trials will be known once the baseline has run")


def test_a_pager_is_for_what_is_longer_than_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGER", f"tee {tmp_path}/paged")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    for terminal, lines, paged in ((True, 3, False), (False, 100, False), (True, 100, True)):
        screen = Console(file=StringIO(), force_terminal=terminal, height=24)
        page(screen, Text("\n".join(["one line"] * lines)))
        assert (tmp_path / "paged").exists() == paged
        assert ("one line" in screen.file.getvalue()) != paged  # type: ignore[attr-defined]


@pytest.mark.parametrize(("pager", "paged"), [("tee {}/paged", "? one line"), ("tee '{}/paged", ""), (" ", "")])
def test_no_pager_and_no_locale_ends_a_view(
    pager: str, paged: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGER", pager.format(tmp_path))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    screen, before = Console(file=StringIO(), force_terminal=True, height=24), locale.setlocale(locale.LC_CTYPE)
    locale.setlocale(locale.LC_CTYPE, "C")
    try:
        page(screen, Text("\n".join(["○ one line"] * 100)))
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    assert (tmp_path / "paged").exists() == bool(paged)
    assert paged in ((tmp_path / "paged").read_text() if paged else "")
    assert ("○ one line" in screen.file.getvalue()) != bool(paged)  # type: ignore[attr-defined]
