"""The policy on patches, and the words of refusals."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.base.loop_git import loop_git
from agent.executor.code.patch import apply_diff, apply_edits, inspect, refuse_outside
from agent.executor.code.unified_diff import PatchRefusedError
from agent.executor.code.worktree import throw_away
from agent.executor.workspace import Workspace, head_commit
from agent.planner.proposal import Edit
from tests.conftest import ROOT, UNCONTAINED


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
        ((LOSS, "return", "x"), "times in gnn/loss.py; it must occur there exactly once"),
        ((LOSS, "", "x"), "gnn/loss.py exists already"),
        (("gnn/none.py", "a", "b"), "gnn/none.py is not in the parent's code"),
        (("agent/analyzer/scoring/score.py", "", "x"), "agent/analyzer/scoring/score.py is not under gnn/"),
        (("gnn/../agent/x.py", "", "x"), "gnn/../agent/x.py is not under gnn/"),
        (("/etc/passwd", "", "x"), "/etc/passwd is not under gnn/"),
        (("gnn/configuration.json", "{}", "{1}"), "belong in changes"),
        ((LOSS, SQUARE, SQUARE), "the patch changes nothing"),
        ((LOSS, SQUARE, "((("), "gnn/loss.py is no longer valid Python"),
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


OUT = "diff --git a/{old} b/{new}\nsimilarity index 100%\n{how} from {old}\n{how} to {new}\n"


@pytest.mark.parametrize(
    ("diff", "words"),
    [
        ("this is no diff", "the diff cannot be read"),
        (diff_of("agent/loop/loop.py", "a", "b"), "agent/loop/loop.py is not under gnn/"),
        (
            diff_of("loss.py", "a", "b"),
            "loss.py is not under gnn/, where all changes must be; give its path like",
        ),
        (
            diff_of(LOSS, "a line that is not there", "b"),
            "its hunk for line 1 of gnn/loss.py does not fit; copy the lines",
        ),
        ("--- a/gnn/loss.py\n+++ b/gnn/loss.py\n@@ garbage @@\n", "the diff cannot be read"),
        (OUT.format(how="rename", old="notes.txt", new="gnn/notes.py"), "notes.txt: does not exist in index"),
        (OUT.format(how="copy", old="recipes/pde_m1.yaml", new="gnn/notes.py"), "does not exist in index"),
        (OUT.format(how="copy", old="gnn/../notes.txt", new="gnn/notes.py"), "gnn/../notes.txt"),
        (OUT.format(how="rename", old=LOSS, new="agent/loss.py"), "agent/loss.py is not under gnn/"),
        (OUT.format(how="rename", old=LOSS, new="gnn/loss.txt"), "gnn/loss.txt is not a Python file"),
        (OUT.format(how="rename", old="gnn/configuration.json", new="gnn/chosen.py"), "belong in changes"),
        (f"--- a/notes.txt\n+++ b/{LOSS}\n@@ -1 +1 @@\n-the user's own\n+a\n", "does not fit"),
    ],
)
def test_a_diff_that_cannot_be_applied_is_refused_and_leaves_no_trace(checkout: Path, diff: str, words: str) -> None:
    git = loop_git(checkout)
    before = git.write_tree()
    with pytest.raises(PatchRefusedError) as refusal:
        patched(checkout, diff)
    assert words in str(refusal.value)
    assert "belong in changes" in words or git.write_tree() == before
    assert [path.name for path in checkout.iterdir() if path.name != ".git"] == ["gnn"]


def test_a_patch_by_the_name_of_a_blob_pulls_nothing_in(checkout: Path) -> None:
    """Git takes a file's new content from its database where a binary diff names a blob that is there."""
    blob = loop_git(checkout).rev_parse("HEAD:notes.txt")
    binary = f"diff --git a/gnn/x.py b/gnn/x.py\nnew file mode 100644\nindex {'0' * 40}..{blob}\nGIT binary patch\n"
    with pytest.raises(PatchRefusedError, match="not text"):
        patched(checkout, binary + "literal 0\nHcmV?d00001\n\n")


@pytest.mark.parametrize("search", ["\x1b[31mred\x1b[0m", "a\u202eb", "\x9b2J"])
def test_a_refusal_quotes_no_escape_code(checkout: Path, search: str) -> None:
    with pytest.raises(PatchRefusedError, match="the text to search") as refusal:
        edited(checkout, (LOSS, search, "x"))
    with pytest.raises(PatchRefusedError, match="does not say which lines") as another:
        patched(checkout, f"--- a/{LOSS}\n+++ b/{LOSS}\n@@ {search}\n-a\n+b\n")
    assert str(refusal.value).isprintable()
    assert str(another.value).isprintable()


BEFORE = '"""Numbers."""\n\na = 1\nb = 2\n\n\x0c\nc = 3\nif c:\n\td = 4\ne = 5\n'
HEADER, HUNK = "--- a/gnn/n.py\n+++ b/gnn/n.py\n", "@@ -3,4 +3,4 @@\n a = 1\n-b = 2\n+b = 9\n \n \x0c\n"


@pytest.mark.parametrize(
    "diff",
    [
        HEADER + HUNK,
        f"diff --git a/gnn/n.py b/gnn/n.py\nindex 1234567..89abcde 100644\n{HEADER}{HUNK}",
        HEADER + HUNK.replace("-3,4 +3,4", "-3,9 +3,1"),
        HEADER + HUNK.replace("-3,4 +3,4", "-3 +3"),
        HEADER + HUNK.replace("-3,4 +3,4", "-300,4 +300,4"),
        HEADER + HUNK.replace("\n \n", "\n\n"),
        HEADER + HUNK.replace("-3,4 +3,4", "-3,3 +3,3").replace("\n \n \x0c\n", "\n\n"),
        f"{HEADER}{HUNK}\n\n",
        HEADER.replace("a/", "i/").replace("b/", "w/") + HUNK,
        HEADER.replace(".py\n", ".py\t2026-01-01 00:00:00.000000000 +0100\n") + HUNK,
        f"I would try this:\n\n```diff\n{HEADER}{HUNK}```\nIt should help.\n",
        f"\ufeff{HEADER}{HUNK}",
        HEADER + "@@ -7,4 +7,4 @@ a = 1\n c = 3\n if c:\n-\td = 4\n+\td = 9\n e = 5\n",
        HEADER + "@@ -9,2 +9,2 @@\n \td = 4\n-e = 5\n+e = 9\n\\ No newline at end of file\n",
    ],
    ids=[
        *("plain", "of git", "counts", "no counts", "far off", "blank line stripped"),
        *(
            "blank line stripped at its end",
            "blank lines after it",
            "i and w",
            "times",
            "in a fence",
            "mark of bytes",
            "tab",
            "no end of line",
        ),
    ],
)
def test_a_patch_as_it_comes_lands_where_it_is_meant(tmp_path: Path, diff: str) -> None:
    git = loop_git(tmp_path)
    git.init("--quiet")
    (tmp_path / "gnn").mkdir()
    (tmp_path / "gnn" / "n.py").write_text(BEFORE)
    git.add("gnn")
    apply_diff(diff, tmp_path)
    before, after = BEFORE.splitlines(), (tmp_path / "gnn" / "n.py").read_text().splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [(old[:-1], new) for old, new in changed] == [(old[:-1], f"{old[:-1]}9") for old, _ in changed]
    assert len(changed) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_patch_is_applied_in_a_folder_that_the_locale_cannot_name(tmp_path: Path, encoding: str) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + "/größe".encode(encoding)))
    (folder / "gnn").mkdir(parents=True)
    (folder / "gnn" / "n.py").write_text(BEFORE)
    git = loop_git(folder)
    git.init("--quiet")
    git.add("gnn")
    git.commit("--quiet", "--message=start")
    git.worktree("add", "--quiet", "--detach", "checkout")
    program = "import sys, pathlib; from agent.executor.code.patch import apply_diff; "
    program += "apply_diff(sys.argv[2], pathlib.Path(sys.argv[1]))"
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command: list[str | Path] = [sys.executable, "-c", program, folder / "checkout", HEADER + HUNK]
    subprocess.run(command, cwd=ROOT, env=os.environ | locale, check=True)
    assert "b = 9" in (folder / "checkout" / "gnn" / "n.py").read_text()


def test_files_may_move_within_gnn(checkout: Path) -> None:
    patched(checkout, OUT.format(how="rename", old="gnn/adam.py", new="gnn/größe.py"))
    assert not (checkout / "gnn" / "adam.py").exists()
    assert "def" in (checkout / "gnn" / "größe.py").read_text()


def test_a_hunk_without_context_stands_for_a_whole_file_or_is_refused(checkout: Path) -> None:
    (checkout / "gnn" / "two.py").write_text("a = 1\nb = 2\n")
    loop_git(checkout).add("gnn/two.py")
    header = "--- a/gnn/two.py\n+++ b/gnn/two.py\n"
    for hunk in ("@@ -1,0 +2 @@\n+c = 3\n", "@@ -2 +2 @@\n-b = 2\n+b = 3\n"):
        with pytest.raises(PatchRefusedError, match="no unchanged line"):
            apply_diff(header + hunk, checkout)
    apply_diff(f"{header}@@ -1,2 +1 @@\n-a = 1\n-b = 2\n+c = 3\n", checkout)
    assert (checkout / "gnn" / "two.py").read_text() == "c = 3\n"


@pytest.mark.parametrize(
    "file",
    [
        "gnn/loss.py/extra.py",
        "gnn/a\0.py",
        f"gnn/{'ü' * 150}.py",
        "gnn/a b.py",
        "gnn/a\n.py",
        "gnn/\u202ea.py",
        "gnn/.py",
    ],
)
def test_a_name_that_no_module_can_have_is_refused(checkout: Path, file: str) -> None:
    with pytest.raises(PatchRefusedError) as refusal:
        edited(checkout, (file, "", "a = 1\n"))
    assert str(refusal.value).isprintable()


def test_two_trees_are_compared_outside_gnn(checkout: Path) -> None:
    git = loop_git(checkout)
    before = git.write_tree()
    git.rm("--cached", "notes.txt")
    with pytest.raises(PatchRefusedError, match=r"notes\.txt is not under gnn/"):
        refuse_outside(git, before, git.write_tree())
    git.read_tree(before)
    git.rm("--cached", LOSS)
    refuse_outside(git, before, git.write_tree())


MADE = (
    "diff --git a/gnn/evil.py b/gnn/evil.py\nnew file mode {}\n--- /dev/null\n+++ b/gnn/evil.py\n@@ -0,0 +1 @@\n+{}\n"
)
RUNNABLE = f"diff --git a/{LOSS} b/{LOSS}\nold mode 100644\nnew mode 100755\n"


@pytest.mark.parametrize(
    ("diff", "words"),
    [
        (MADE.format("120000", "/etc/passwd\n\\ No newline at end of file"), "no longer be a plain file"),
        (MADE.format("100755", "x = 1"), "no longer be a plain file"),
        (MADE.format("160000", f"Subproject commit {'1a' * 20}"), "no longer be a plain file"),
        (RUNNABLE, "no longer be a plain file"),
        (MADE.format("100644", "* -diff").replace("evil.py", ".gitattributes"), "is not a Python file"),
    ],
    ids=["link", "program", "submodule", "becomes a program", "attributes"],
)
def test_nothing_but_plain_modules_is_put_into_gnn(checkout: Path, diff: str, words: str) -> None:
    with pytest.raises(PatchRefusedError, match=words):
        patched(checkout, diff)
