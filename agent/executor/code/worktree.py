"""Code states as commits and worktrees. The user's working tree, index and HEAD are never touched."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout
from git import Git, Repo

from agent.base.loop_git import as_word, linked_worktrees, loop_git, user_git
from agent.executor.code.code_state import CodeState
from agent.executor.code.patch import refuse_outside
from agent.executor.code.private_repository import make_private
from agent.executor.code.source_inspection import count_statements
from agent.executor.sandbox.bubblewrap import Sandbox
from stoichloop.errors import StoichloopError

CHOSEN = "gnn/configuration.json"


class Worktrees:
    """Checkouts of `gnn/` at the commits that trials need, kept under `folder` until `clear`.

    They belong to a repository of the loop's own, which shares the objects of `repo`: no setting of the user's decides
    what is checked out, compared or committed. `spaces` is a folder for the fields that each source has declared,
    whatever configuration is chosen: it is asked once, and can change or refuse its answer never again.
    """

    def __init__(self, repo: Repo, folder: Path, sandbox: Sandbox, spaces: Path | None = None) -> None:
        self._users = loop_git(Path(repo.working_tree_dir or repo.git_dir))
        self._folder = folder.resolve()  # as git lists it
        self.sandbox, self._spaces = sandbox, spaces
        self._states: dict[str, CodeState] = {}
        self._hashes: dict[str, str] = {}
        self._lines: dict[str, int] = {}  # by hash of the source

    @property
    def _git(self) -> Git:
        private = self._folder / "private.git"
        if not private.is_dir():
            make_private(private, self._users)
        return loop_git(private)

    def at(self, commit: str, deadline: float = math.inf) -> CodeState:
        """Return the code state of `commit`, checked out on first use; it answers until `deadline`."""
        if commit not in self._states:
            path = self._folder / commit[:12]
            folder = path if path.is_dir() else self._checkout(commit, path.name)
            self._states[commit] = self._state(commit, folder, deadline)
        return self._states[commit]

    def for_training(self, commit: str) -> CodeState:
        """Return a state with the source of `commit`, whatever configuration it has chosen: a job has a whole one."""
        source = self.source_hash(commit)
        return self.at(next((other for other in self._states if self.source_hash(other) == source), commit))

    def _state(self, commit: str, folder: Path, deadline: float) -> CodeState:
        if self._spaces is None:
            return CodeState(folder, self.sandbox, deadline)
        kept = self._spaces / f"{self.source_hash(commit)}.json"
        state = CodeState(folder, self.sandbox, deadline, kept.read_text("utf-8") if kept.is_file() else None)
        if not kept.is_file():
            self._spaces.mkdir(exist_ok=True)
            draft = kept.with_suffix(".partial")
            draft.write_text(state.declared, encoding="utf-8")
            draft.replace(kept)
        return state

    def whole(self, commit: str) -> Path:
        """Return a checkout of the whole repository at `commit`, not of gnn/ alone: a worktree of the user's."""
        path = self._folder / "whole"
        users = user_git(Path(str(self._users.working_dir)))(c=f"core.hooksPath={os.devnull}")
        users.worktree("add", "--quiet", "--detach", str(path), commit)
        return path

    def edited(self, commit: str, edit: Callable[[Path], None]) -> CodeState:
        """Return the code of `commit` after `edit`, uncommitted."""
        path = self._checkout(commit, "edited")
        edit(path)
        return CodeState(path, self.sandbox)

    def commit(self, parent: str, edit: Callable[[Path], None], message: str) -> str:
        """Commit the changes of `edit` to a checkout of `parent`, on no branch; return the commit."""
        path = self._checkout(parent, "draft")
        try:
            edit(path)
            tree = loop_git(path)
            tree.add("--all", "--force", "--", "gnn")
            refuse_outside(tree, parent, str(tree.write_tree()))
            tree.commit("--quiet", "--allow-empty", "--cleanup=verbatim", f"--message={as_word(message)}")
            return str(tree.rev_parse("HEAD"))
        finally:
            self._remove(path)

    def reword(self, commit: str, parent: str, message: str, at: float) -> str:
        """Return a commit with the content of `commit`; the same arguments give the same commit."""
        date = f"{int(at)} +0000"
        git = self._git
        with git.custom_environment(GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date):
            return str(git.commit_tree(f"{commit}^{{tree}}", "-p", parent, "-m", as_word(message)))

    def keep(self, ref: str, commit: str) -> None:
        """Point a ref of the loop's own, like refs/experiments/night/e0017, at a commit."""
        self._users.update_ref(ref, commit)

    def branch(self, name: str, commit: str) -> bool:
        """Make a branch at a commit; return false, and do nothing, if the name is taken at another commit."""
        ref = f"refs/heads/{name}"
        standing = str(self._users.for_each_ref("--format=%(objectname)", ref))
        if not standing:
            self._users.update_ref(ref, commit, "0" * len(commit))
        return standing in ("", commit)

    def patch_of(self, commit: str, parent: str) -> str:
        """Return the unified diff of a commit to its parent's code, without the chosen configuration."""
        return str(
            self._git.diff(
                "--full-index",
                parent,
                commit,
                "--",
                "gnn",
                f":(exclude){CHOSEN}",
                strip_newline_in_stdout=False,
            )
        )

    def texts_of(self, commit: str) -> dict[str, str]:
        """Return the text of each file of gnn/ at a commit, without the chosen configuration."""
        git = self._git
        names = str(git.ls_tree("-r", "-z", "--name-only", commit, "gnn")).rstrip("\0").split("\0")
        return {
            name: str(git.cat_file("blob", f"{commit}:{name}", strip_newline_in_stdout=False))
            for name in names
            if name != CHOSEN
        }

    def lines_of(self, commit: str) -> int:
        """Count the lines of Python in gnn/ at a commit: one for each statement, however it is laid out."""
        source = self.source_hash(commit)
        if source not in self._lines:
            names = str(self._git.ls_tree("-r", "-z", "--name-only", commit, "gnn/")).split("\0")
            sources = {name: self._source(commit, name) for name in names if name.endswith(".py")}
            self._lines[source] = count_statements(sources, self.sandbox)
        return self._lines[source]

    def _source(self, commit: str, file: str) -> bytes:
        return bytes(
            self._git.cat_file("blob", f"{commit}:{file}", stdout_as_string=False, strip_newline_in_stdout=False)
        )

    def source_hash(self, commit: str) -> str:
        """Return a hash of the code of `gnn/` at a commit, without the chosen configuration."""
        if commit not in self._hashes:
            listing = str(self._git.ls_tree("-r", commit, "gnn")).splitlines()
            lines = [line for line in listing if not line.endswith(f"\t{CHOSEN}")]
            self._hashes[commit] = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        return self._hashes[commit]

    def fingerprint(self, commit: str, configuration: dict[str, Any]) -> str:
        """Return a hash of the code at a commit with a whole configuration: equal hashes give equal scores."""
        content = self.source_hash(commit) + json.dumps(configuration, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def keep_only(self, commits: Collection[str]) -> None:
        """Remove the checkouts of sources other than those of these commits."""
        sources = set(map(self.source_hash, commits))
        for commit in [other for other in self._states if self.source_hash(other) not in sources]:
            self._remove(self._states.pop(commit).folder)

    def clear(self) -> None:
        """Remove every worktree under the folder, also the remains left by a killed controller."""
        self._states.clear()
        shutil.rmtree(self._folder, ignore_errors=True)
        for path in linked_worktrees(self._users):
            if path.parent == self._folder:
                self._users.worktree("remove", "--force", "--force", str(path))

    def _checkout(self, commit: str, name: str) -> Path:
        path = self._folder / name
        self._git.worktree("add", "--quiet", "--detach", "--no-checkout", str(path), commit)
        # Only gnn/ is written out: a trial has no use for the rest of the repository.
        tree = loop_git(path)
        tree.read_tree("HEAD")
        tree.checkout("--", "gnn")
        return path

    def _remove(self, path: Path) -> None:
        self._git.worktree("remove", "--force", "--force", str(path))


@contextmanager
def throw_away(repo: Repo, folder: Path, sandbox: Sandbox) -> Iterator[Worktrees]:
    """Yield worktrees under `folder` for one run and remove them; first clear the remains of killed runs."""
    for lock in folder.glob("*.lock"):
        with suppress(Timeout), _held(repo, lock, sandbox):
            pass
    try:
        with _held(repo, folder / f"{uuid4().hex}.lock", sandbox) as worktrees:
            yield worktrees
    finally:
        with suppress(OSError):  # another run is in it
            folder.rmdir()


@contextmanager
def _held(repo: Repo, lock: Path, sandbox: Sandbox) -> Iterator[Worktrees]:
    """Yield the worktrees of `lock`, which the kernel releases even if we are killed; its file is removed last."""
    with FileLock(lock, timeout=0):
        worktrees = Worktrees(repo, lock.with_suffix(""), sandbox)
        try:
            yield worktrees
        finally:
            worktrees.clear()
            lock.unlink()


def choose(changes: dict[str, Any]) -> Callable[[Path], None]:
    """Return an edit that adds `changes` to the chosen configuration of a checkout."""

    def edit(folder: Path) -> None:
        path = folder / CHOSEN
        write_chosen(folder, {**json.loads(path.read_text(encoding="utf-8")), **changes})

    return edit


def keep_what_fits(folder: Path, sandbox: Sandbox, deadline: float = math.inf) -> None:
    """Drop the chosen values of a checkout that its code, run in `sandbox`, does not accept any more."""
    chosen = json.loads((folder / CHOSEN).read_text(encoding="utf-8"))
    write_chosen(folder, {})
    state = CodeState(folder, sandbox, deadline)
    known = {name: value for name, value in chosen.items() if name in state.fields}
    write_chosen(folder, known if _is_accepted(state, known) else _accepted_alone(state, known))


def _accepted_alone(state: CodeState, chosen: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in chosen.items() if _is_accepted(state, {name: value})}


def _is_accepted(state: CodeState, chosen: dict[str, Any]) -> bool:
    try:
        state.resolve(chosen)
    except StoichloopError:
        if time.monotonic() > state.deadline:
            raise
        return False
    return True


def write_chosen(folder: Path, chosen: dict[str, Any]) -> None:
    """Make `chosen` the chosen configuration of a checkout."""
    (folder / CHOSEN).write_text(json.dumps(chosen, indent=1, sort_keys=True) + "\n", encoding="utf-8")
