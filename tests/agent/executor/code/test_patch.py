"""The policy on patches, and the words of refusals."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.executor.code.patch import apply_diff, apply_edits, inspect
from agent.executor.code.unified_diff import PatchRefusedError
from agent.executor.code.worktree import throw_away
from agent.executor.workspace import Workspace, head_commit
from agent.planner.proposal import Edit
from tests.conftest import UNCONTAINED


@pytest.fixture
def checkout(workspace: Workspace) -> Iterator[Path]:
    with throw_away(workspace.repo, workspace.runs / ".test", workspace.sandbox) as worktrees:
        yield worktrees.edited(head_commit(workspace), lambda folder: None).folder


LOSS = "gnn/loss.py"
SQUARE = "((predicted - dcdt) / scale).square().mean()"
HUBER = "((predicted - dcdt) / scale).abs().mean()"


TRAIN, SEEDED = "gnn/train.py", "        torch.manual_seed(member.seed)\n"


def diff_of(file: str, old: str, new: str, line: int = 1) -> str:
    return f"--- a/{file}\n+++ b/{file}\n@@ -{line},1 +{line},1 @@\n-{old}\n+{new}\n"


def edited(checkout: Path, *edits: tuple[str, str, str]) -> None:
    apply_edits([Edit(file=file, search=old, replace=new) for file, old, new in edits], checkout)
    inspect(checkout, UNCONTAINED)


def patched(checkout: Path, diff: str) -> None:
    apply_diff(diff, checkout)
    inspect(checkout, UNCONTAINED)


def test_edits_of_several_files_and_a_new_one_are_applied(checkout: Path) -> None:
    edited(
        checkout,
        (LOSS, SQUARE, HUBER),
        ("gnn/curves.py", "_POINTS = 100", "_POINTS = 50"),
        ("gnn/robust.py", "", '"""Robust losses."""\n'),
    )
    assert HUBER in (checkout / LOSS).read_text()
    assert (checkout / "gnn" / "robust.py").exists()


def test_what_handles_the_seed_as_it_is_given_can_be_changed(checkout: Path) -> None:
    edited(checkout, (TRAIN, "together = Members(models)", "together = Members(list(models))"))
    assert "Members(list(models))" in (checkout / TRAIN).read_text()


def test_a_diff_is_applied_even_where_its_line_counts_are_wrong(checkout: Path) -> None:
    lines = (checkout / LOSS).read_text().splitlines()
    number = next(index for index, line in enumerate(lines) if SQUARE in line)
    before, old, after = lines[number - 1 : number + 2]
    diff = (
        f"--- a/{LOSS}\n+++ b/{LOSS}\n@@ -{number},9 +{number},9 @@\n {before}\n-{old}\n+    return {HUBER}\n {after}\n"
    )
    patched(checkout, diff)
    assert HUBER in (checkout / LOSS).read_text()


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ((LOSS, "no such text", "x"), "'no such text', is not in gnn/loss.py"),
        ((LOSS, "return", "x"), "times in gnn/loss.py; it must stand there exactly once"),
        ((LOSS, "", "x"), "gnn/loss.py is there already"),
        (("gnn/none.py", "a", "b"), "gnn/none.py is not in the parent's code"),
        (("agent/analyzer/scoring/score.py", "", "x"), "agent/analyzer/scoring/score.py is not under gnn/"),
        (("gnn/../agent/x.py", "", "x"), "gnn/../agent/x.py is not under gnn/"),
        (("/etc/passwd", "", "x"), "/etc/passwd is not under gnn/"),
        (("gnn/configuration.json", "{}", "{1}"), "belong into changes"),
        ((LOSS, SQUARE, SQUARE), "the patch changes nothing"),
        ((LOSS, SQUARE, "((("), "gnn/loss.py is not Python any more"),
        ((LOSS, "import math\n", "import math\nimport socket\n"), "imports socket, which a trial may not use"),
        ((LOSS, "import math\n", "import math\nfrom scipy import stats\n"), "imports scipy"),
        ((LOSS, "import math\n", "import math\nfrom simulator import generate\n"), "imports simulator"),
        ((LOSS, "import math\n", "import math\nmath = __import__('socket')\n"), "imports __import__"),
        ((TRAIN, SEEDED, "        torch.manual_seed(member.seed + 1)\n"), "never an experiment"),
        ((TRAIN, SEEDED, "        torch.manual_seed(7)\n"), "starts a generator from another"),
        ((TRAIN, SEEDED, "        seed = 7\n        torch.manual_seed(seed)\n"), "another value to"),
        ((TRAIN, SEEDED, "        member = replace(member, seed=member.seed + 1)\n"), "gives another value to seed"),
    ],
)
def test_what_is_not_allowed_is_refused_with_an_explanation(
    checkout: Path, edit: tuple[str, str, str], words: str
) -> None:
    with pytest.raises(PatchRefusedError) as refusal:
        edited(checkout, edit)
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("diff", "words"),
    [
        ("this is no diff", "the diff cannot be read"),
        (diff_of("agent/loop/loop.py", "a", "b"), "agent/loop/loop.py is not under gnn/"),
        (diff_of(LOSS, "a line that is not there", "b"), "does not apply to the parent's code"),
        ("--- a/gnn/loss.py\n+++ b/gnn/loss.py\n@@ garbage @@\n", "the diff cannot be read"),
    ],
)
def test_a_diff_that_cannot_be_applied_is_refused(checkout: Path, diff: str, words: str) -> None:
    with pytest.raises(PatchRefusedError) as refusal:
        patched(checkout, diff)
    assert words in str(refusal.value)


def test_links_and_programs_are_refused(checkout: Path) -> None:
    link = "diff --git a/gnn/evil.py b/gnn/evil.py\nnew file mode 120000\n--- /dev/null\n+++ b/gnn/evil.py\n"
    with pytest.raises(PatchRefusedError, match="something else than a plain file"):
        patched(checkout, link + "@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n")
