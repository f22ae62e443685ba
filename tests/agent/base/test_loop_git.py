"""What the loop does with git is the same under every setting and environment of the user's."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from git import Repo

from agent.base.git_environment import forget_git_environment
from agent.executor.code.patch import apply_diff, apply_edits, inspect
from agent.executor.code.scratch import difference
from agent.executor.code.worktree import Worktrees, choose
from agent.executor.workspace import Workspace, head_commit
from agent.planner.proposal import Edit
from agent.screen.experiment_view import diff
from agent.training.recipe import uncommitted
from agent.winners.chain import find_chain
from agent.winners.overview import changed_lines
from agent.winners.pick import _experiments_in, pick
from memory.records import Experiment
from stoichloop.errors import StoichloopError
from tests.conftest import UNCONTAINED, start_repository

pytestmark = pytest.mark.long

MODEL = "".join(f"line_{number} = {number}\n" for number in range(30)) + "\ndef  forward(x):\n    return  x\n"
DIFF = """--- a/gnn/model.py
+++ b/gnn/model.py
@@ -4,6 +4,7 @@ line_2 = 2
 line_3 = 3
 line_4 = 4
 line_5 = 5
+line_5b = 5.5 \t
 line_6 = 6
 line_7 = 7
 line_8 = 8
"""
EDITS = (
    Edit(file="gnn/model.py", search="line_25 = 25\n", replace=""),
    Edit(file="gnn/scratch_layer.py", search="", replace="é = 'a file that an ignore rule may match'\n"),
)
MESSAGE = """e0002: größer

Campaign: night
Experiment: e0002
Parent: e0001
Regime: pde_m1_tiny
Fingerprint: f0002
Verdict: accepted, by decree
Score: 0.5000 [0.4000, 0.6000] exact at probe
Seeds: 0 (0.4000), 1 (0.6000)
"""
CODE = {
    "__init__.py": "",
    "train.py": "",
    "model.py": MODEL,
    "config.py": "import sys\nprint('{\"lr\": 0.1}' if '--resolve' in sys.argv else '{}')\n",
    "configuration.json": "{}\n",
}

# Settings of a repository that are tried together.
SETTINGS = (
    "color.ui=always color.grep=always color.diff=always color.status=always color.branch=always",
    "diff.noprefix=true",
    "diff.mnemonicPrefix=true diff.srcPrefix=x/ diff.relative=true diff.submodule=log",
    "diff.context=0",
    "diff.interHunkContext=20 diff.algorithm=patience diff.renames=copies diff.indentHeuristic=false",
    "diff.suppressBlankEmpty=true diff.wsErrorHighlight=all diff.default.xfuncname=^line_.*$",
    "diff.orderFile=/nonexistent",
    "diff.external=/bin/false interactive.diffFilter=/bin/false",
    "apply.whitespace=error core.whitespace=trailing-space,tab-in-indent",
    "apply.whitespace=fix apply.ignoreWhitespace=change",
    "trailer.separators==",
    "i18n.logOutputEncoding=UTF-16",
    "i18n.commitEncoding=ISO-8859-1 core.quotePath=false core.abbrev=4 core.fileMode=false",
    "core.autocrlf=true core.safecrlf=true core.eol=crlf",
    "core.hooksPath=HOOKS core.pager=/bin/false core.fsmonitor=/bin/false core.editor=/bin/false",
    "core.commentChar=E core.sharedRepository=group core.logAllRefUpdates=always",
    "commit.template=/nonexistent commit.verbose=true commit.cleanup=scissors merge.ff=no merge.conflictStyle=diff3",
    "format.pretty=oneline format.notes=true log.showSignature=true log.date=relative log.decorate=full",
    "log.follow=true log.mailmap=true log.diffMerges=first-parent alias.diff=log feature.experimental=true",
    "grep.patternType=fixed grep.extendedRegexp=true grep.lineNumber=true grep.column=true grep.fullName=true",
    "status.short=true status.branch=true status.showStash=true status.showUntrackedFiles=no",
    "gc.auto=1 maintenance.auto=true rerere.enabled=true index.version=4 worktree.guessRemote=true",
)
# Under these, what is picked is signed, as the user has it; here nothing can be.
SIGNED = (
    "commit.gpgSign=true gpg.program=/bin/false user.signingKey=0",
    "commit.gpgSign=true gpg.format=ssh user.signingKey=/nonexistent",
    "commit.gpgSign=true gpg.format=x509 gpg.x509.program=/nonexistent",
)
ATTRIBUTES = ("*.json -diff", "*.py binary", "*.py diff=shout", "*.py diff=python ident eol=crlf", "*.py merge=broken")
# Under these, git tells the user that the working tree is changed, or holds no Python: nothing can be picked onto it.
UNPICKABLE = ("*.py working-tree-encoding=UTF-16", "*.py filter=shout")
ENVIRONMENTS: tuple[dict[str, str], ...] = (
    {"GIT_DIFF_OPTS": "-u0", "GIT_EXTERNAL_DIFF": "/bin/false"},
    {"GIT_LITERAL_PATHSPECS": "1"},
    {"GIT_NOGLOB_PATHSPECS": "1", "GIT_ICASE_PATHSPECS": "1"},
    {"GIT_AUTHOR_DATE": "x", "GIT_COMMITTER_DATE": "x"},
    {"GIT_CONFIG_PARAMETERS": "'color.ui=always' 'diff.noprefix=true'"},
    {"GIT_CONFIG_COUNT": ""},
    {"GIT_CONFIG_COUNT": "0"},
    {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "color.ui", "GIT_CONFIG_VALUE_0": "always"},
    {"GIT_TRACE": "1", "GIT_TRACE_SETUP": "1", "GIT_PAGER": "/bin/false", "GIT_PAGER_IN_USE": "1"},
    {"GIT_EDITOR": "/bin/false", "GIT_TEMPLATE_DIR": "/nonexistent", "GIT_MERGE_VERBOSITY": "5"},
    {"GIT_DIR": "/nonexistent", "GIT_WORK_TREE": "/nonexistent", "GIT_INDEX_FILE": "/nonexistent/index"},
    {"GIT_OBJECT_DIRECTORY": "/nonexistent", "GIT_NAMESPACE": "elsewhere", "GIT_DEFAULT_HASH": "sha256"},
    {"GIT_ATTR_SOURCE": "HEAD", "GIT_REPLACE_REF_BASE": "refs/heads/", "GIT_CEILING_DIRECTORIES": "/"},
    {"LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de", "TZ": "Asia/Tokyo", "POSIXLY_CORRECT": "1"},
    {"XDG_CONFIG_HOME": "EVERYTHING"},
    {"GIT_CONFIG_GLOBAL": "EVERYTHING/git/config"},
)


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small repository of a user's."""
    root = tmp_path_factory.mktemp("users") / "clone"
    (root / "gnn").mkdir(parents=True)
    for name, text in CODE.items():
        (root / "gnn" / name).write_text(text)
    (root / ".gitignore").write_text("runs/\n__pycache__/\n")
    start_repository(root)
    return root


def edit(folder: Path) -> None:
    """Make the change of a proposal, as a diff and as edits."""
    apply_diff(DIFF, folder)
    apply_edits(EDITS, folder)
    inspect(folder, UNCONTAINED)
    choose({"lr": 0.2})(folder)


def walk(root: Path, *, picks: bool = True) -> dict[str, Any]:
    """Do all that the loop does with git; return all that came of it but the times."""
    forget_git_environment()  # as the command does at its start
    workspace, facts = Workspace(root, contained=False), dict[str, Any]()
    base = head_commit(workspace)
    worktrees = Worktrees(workspace.repo, workspace.runs / "night" / "worktrees", workspace.sandbox)
    commit = worktrees.reword(worktrees.commit(base, edit, "draft"), base, MESSAGE, 1e9)
    worktrees.keep("refs/experiments/night/e0002", commit)
    facts["branch"] = worktrees.branch("exp/night/e0002", commit)
    facts["patch"], facts["lines"] = worktrees.patch_of(commit, base), worktrees.lines_of(commit)
    facts["hash"], facts["texts"] = worktrees.source_hash(commit), worktrees.texts_of(commit)
    facts["again"] = worktrees.source_hash(worktrees.commit(base, lambda f: apply_diff(facts["patch"], f), "again"))
    facts["tree"] = difference(root, choose({"lr": 0.3}))
    worktrees.clear()
    facts["chain"] = find_chain(workspace.repo, "e0002", None)
    facts["changed"] = [str(lines) for lines in changed_lines(workspace, commit)]
    facts["shown"] = diff(workspace, replace(EXPERIMENT, commit=commit))
    if picks:
        facts["uncommitted"] = uncommitted(workspace)
        picked = pick(workspace, facts["chain"], [])
        facts["picked"] = [(one.experiment, one.subject) for one in picked.placed]
        facts["already"] = _experiments_in(workspace, picked.head)
        facts["placed"] = worktrees.source_hash(picked.head)
    worktrees.clear()
    return facts


CODE_ALONE = ("patch", "lines", "hash", "texts", "again", "tree", "changed")
EXPERIMENT = Experiment(
    id="e0002",
    block=1,
    parent="e0001",
    planner="sweep",
    hypothesis="h",
    changes={},
    configuration={},
    fingerprint="f",
    proposed_at=1.0,
)


@pytest.fixture(scope="module")
def expected(users: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What comes of the walk where the user has set nothing."""
    root = tmp_path_factory.mktemp("plain") / "clone"
    shutil.copytree(users, root)
    facts = walk(root)
    assert facts["picked"] == [("e0002", "e0002: größer")]
    assert facts["already"] == {("night", "e0002", "f0002")}
    assert "scratch_layer" in facts["patch"]
    assert facts["again"] == facts["hash"] == facts["placed"]
    assert (facts["changed"], facts["uncommitted"]) == (["+2 -1", "+3 -1"], False)
    return facts


@pytest.fixture
def clone(users: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the user's repository, with drivers that a setting or an attribute may name."""
    shutil.copytree(users, tmp_path / "clone")
    monkeypatch.setenv("HOME", str(tmp_path))
    hooks = tmp_path / "HOOKS"
    hooks.mkdir()
    (hooks / "post-checkout").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "post-checkout").chmod(0o755)
    with (tmp_path / "clone" / ".git" / "config").open("a") as config:
        config.write('[diff "shout"]\n\ttextconv = tr a-z A-Z <\n[merge "broken"]\n\tdriver = false\n')
        config.write('[filter "shout"]\n\tclean = tr a-z A-Z\n\tsmudge = tr A-Z a-z\n')
    return tmp_path / "clone"


def settle(file: Path, settings: str) -> None:
    for setting in settings.split():
        key, value = setting.split("=", 1)
        value = value.replace("HOOKS", str(file.parent.parent.parent / "HOOKS"))
        subprocess.run(["git", "config", "--file", file, key, value], check=True)


@pytest.mark.parametrize("settings", SETTINGS)
def test_settings_of_a_repository_change_nothing(settings: str, clone: Path, expected: Mapping[str, Any]) -> None:
    settle(clone / ".git" / "config", settings)
    assert walk(clone) == expected


@pytest.mark.parametrize("settings", SIGNED)
def test_the_loop_signs_nothing_and_a_pick_that_cannot_be_signed_changes_nothing(
    settings: str, clone: Path, expected: Mapping[str, Any]
) -> None:
    settle(clone / ".git" / "config", settings)
    found = walk(clone, picks=False)
    assert found == {key: expected[key] for key in found}
    git = Repo(clone).git
    before = git.rev_parse("HEAD"), git.status("--porcelain")
    with pytest.raises(StoichloopError, match=r"could not pick e0002, and nothing was changed: .*failed to write"):
        pick(Workspace(clone, contained=False), found["chain"], [])
    assert (git.rev_parse("HEAD"), git.status("--porcelain")) == before


@pytest.mark.parametrize("line", [*ATTRIBUTES, *UNPICKABLE])
def test_an_attribute_of_files_changes_nothing(line: str, clone: Path, expected: Mapping[str, Any]) -> None:
    (clone / ".git" / "info" / "attributes").write_text(line)
    found = walk(clone, picks=line not in UNPICKABLE)
    assert found == {key: expected[key] for key in found}


@pytest.mark.parametrize("line", ["*.py text eol=crlf", "*.py ident working-tree-encoding=UTF-16", "* binary"])
def test_an_attribute_that_is_committed_changes_no_code(line: str, clone: Path, expected: Mapping[str, Any]) -> None:
    (clone / ".gitattributes").write_text(line)
    git = Repo(clone).git
    git.add(".gitattributes")
    git.commit("--quiet", "--message=attributes")
    found = walk(clone, picks=False)
    assert {key: found[key] for key in CODE_ALONE} == {key: expected[key] for key in CODE_ALONE}


@pytest.mark.parametrize("pattern", ["scratch*", "*"])
def test_an_ignored_file_of_a_patch_is_committed(pattern: str, clone: Path, expected: Mapping[str, Any]) -> None:
    (clone / ".git" / "info" / "exclude").write_text(f"{pattern}\n")
    (clone.parent / "ignore").write_text(f"{pattern}\n")
    settle(clone / ".git" / "config", f"core.excludesFile={clone.parent / 'ignore'}")
    assert walk(clone) == expected


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=",".join)
def test_an_environment_changes_nothing(
    environment: dict[str, str], clone: Path, expected: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = clone.parent / "EVERYTHING" / "git"
    everything.mkdir(parents=True)
    (everything / "ignore").write_text("scratch*\n")
    (everything / "attributes").write_text("*.py binary\n")
    if any("EVERYTHING" in value for value in environment.values()):
        settle(everything / "config", " ".join(SETTINGS))
    for name, value in environment.items():
        monkeypatch.setenv(name, value.replace("EVERYTHING", str(everything.parent)))
    assert walk(clone) == expected


@pytest.mark.parametrize("count", ["x", "2"])
def test_what_stops_the_users_git_does_not_stop_the_loops(
    count: str, clone: Path, expected: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", count)
    found = walk(clone, picks=False)
    assert found == {key: expected[key] for key in found}


@pytest.mark.parametrize("place", ["größe & 100 %?#:", "$HOME *[a] 'quotes\"\\", "-two\nlines gr\udcf6\udcdfe"])
def test_a_clone_may_lie_anywhere(place: str, clone: Path, expected: Mapping[str, Any]) -> None:
    assert walk(clone.rename(clone.parent / place)) == expected


def sha256(users: Path, root: Path) -> None:
    shutil.copytree(users, root, ignore=shutil.ignore_patterns(".git"))
    repo = Repo.init(root, object_format="sha256")
    repo.git.add("--all")
    repo.git.commit("-m", "start")


def linked(users: Path, root: Path) -> None:
    Repo.clone_from(users, root.with_name("first")).git.worktree("add", "--detach", root)


def shallow(users: Path, root: Path) -> None:
    Repo.clone_from(f"file://{users}", root, depth=1)


def partial(users: Path, root: Path) -> None:
    """A clone whose files are fetched when they are needed, as gnn/model.py has not been."""
    Repo(users).git.config("uploadpack.allowFilter", "true")
    clone = Repo.clone_from(f"file://{users}", root, filter="blob:none", no_checkout=True)
    clone.git.checkout("HEAD", "--", "gnn/configuration.json")


def shared(users: Path, root: Path) -> None:
    Repo.clone_from(users, root, shared=True)


@pytest.mark.parametrize("kind", [sha256, linked, shallow, partial, shared], ids=lambda kind: kind.__name__)
def test_every_kind_of_clone_is_worked_in(
    kind: Callable[[Path, Path], None], users: Path, tmp_path: Path, expected: Mapping[str, Any]
) -> None:
    kind(users, tmp_path / "clone")
    found = walk(tmp_path / "clone", picks=False)
    assert found["texts"] == expected["texts"]
    assert found["changed"] == expected["changed"]
    assert found["again"] == found["hash"]
