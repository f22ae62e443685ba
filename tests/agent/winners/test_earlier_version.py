"""A campaign that an earlier version has led: its ledger, its branches and its patches work on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from agent.campaign.folder import open_campaign
from agent.campaign.registrar import Registrar
from agent.executor.workspace import Workspace
from agent.planner.proposal import Proposal
from agent.winners.chain import find_chain, read_link
from memory import schema_upgrade
from memory.ledger import Ledger
from memory.records import Decision, Verdict
from tests.agent.winners.nights import IDLE_FIELD, SIGN_TIED, Night


def rewrite_as_version(path: Path, version: int) -> None:
    """Replace a ledger by one of an earlier schema with the same rows, as far as that schema can hold them."""
    older = path.with_name("older.db")
    with closing(sqlite3.connect(older)) as db, db:
        for number in range(1, version + 1):
            db.executescript((Path(schema_upgrade.__file__).parent / "schema" / f"{number}.sql").read_text())
        db.execute(f"PRAGMA user_version = {version}")
        db.execute("ATTACH ? AS newest", (str(path),))
        for (table,) in db.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'").fetchall():
            columns = ", ".join(row[1] for row in db.execute(f"PRAGMA main.table_info({table})"))
            db.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newest.{table}")
    for file in path.parent.glob("memory.db*"):
        file.unlink()
    older.rename(path)


def test_a_campaign_of_an_earlier_version_is_read_and_goes_on(workspace: Workspace, night: Night) -> None:
    night.accept("e0001", {0: 0.55, 1: 0.56}, **SIGN_TIED)
    night.reject("e0002", {0: 0.4}, changes={"lr_S": 0.05})
    before, campaign = night.ledger.experiments(), night.campaign
    night.ledger.close()
    rewrite_as_version(campaign.ledger_path, 7)

    with Ledger(open_campaign(workspace, "night").ledger_path, readonly=True) as read:
        assert read.experiments() == before
    git = workspace.repo.git
    assert [link.experiment for link in find_chain(workspace.repo, "e0002", None).links] == ["e0002"]
    assert git.rev_parse("refs/experiments/night/e0003^{tree}") == git.rev_parse(f"{before[2].commit}^{{tree}}")

    with Ledger(campaign.ledger_path) as ledger:  # from here on it is of this version
        registrar = Registrar(campaign, night.worktrees, ledger)
        repeated = registrar.objections(before)(Proposal(hypothesis="as before", parent="e0001", **SIGN_TIED))
        assert repeated is not None
        assert repeated.known
        (onwards,) = registrar.identify([Proposal(hypothesis="next", parent="e0002", **IDLE_FIELD)], "llm", before)
        ledger.open_block(Decision("code", None, "it goes on"), [onwards])
        ledger.add_verdict("e0004", Verdict("accepted", "by decree", "e0002"))
        registrar.land()
    assert git.merge_base("exp/night/e0002", "exp/night/e0004") == git.rev_parse("exp/night/e0002")
    assert git.diff("exp/night/e0002", "exp/night/e0004", "--name-only").split() == ["gnn/config.py"]
    assert campaign.ledger_path.with_name("memory.schema7.db").is_file()


def test_an_interval_that_an_earlier_version_wrote_beyond_the_possible_is_cut(workspace: Workspace) -> None:
    score = "Score: 0.9980 [0.9896, 1.0065] exact at probe\nSeeds: 0 (1.0000), 15000 (0.9961)"
    message = f"e0015: a change\n\nCampaign: demo\nExperiment: e0015\n{score}\n"
    workspace.repo.git.commit("--allow-empty", "--message", message)
    link = read_link(workspace.repo, "HEAD")
    assert link is not None
    assert str(link.score) == "exact 0.9980 [0.9896, 1.0000] over seeds 0, 15000"
