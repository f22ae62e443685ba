"""Patches of `gnn/`: the policy on their content, and their application to a checkout. Policy, not containment.

Only Python files under gnn/ may be changed. A patch may import the packages below and the part of the standard
library that training needs. It may not change the random seed: a change of seed is never an experiment.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol

from git import GitCommandError

from agent.base.loop_git import loop_git
from stoichloop.errors import StoichloopError

_PACKAGES = {"gnn", "numpy", "torch", "torch_geometric"}
_STANDARD = {"__future__", "abc", "argparse", "collections", "contextlib", "copy", "dataclasses", "enum", "functools"}
_STANDARD |= {"heapq", "itertools", "json", "math", "operator", "os", "pathlib", "statistics", "sys", "time", "typing"}
_IMPORTS = _PACKAGES | _STANDARD | {"warnings"}
_SEEDING = {"seed", "manual_seed", "manual_seed_all", "default_rng", "RandomState", "SeedSequence", "Random"}


class PatchRefusedError(StoichloopError):
    """A patch that cannot become an experiment; the message names the mend."""


class Replacement(Protocol):
    """Replacement of the text `search` by `replace` in `file`; an empty `search` makes a new file."""

    @property
    def file(self) -> str: ...  # noqa: D102

    @property
    def search(self) -> str: ...  # noqa: D102

    @property
    def replace(self) -> str: ...  # noqa: D102


def touched(patch: Path) -> list[str]:
    """Return the files that a diff changes; raises `PatchRefusedError` if git cannot read it."""
    try:
        lines = str(loop_git(patch.parent).apply("--numstat", "--recount", str(patch))).splitlines()
    except GitCommandError as error:
        raise PatchRefusedError(f"the diff cannot be read: {_complaint(error)}") from error
    return sorted(line.split("\t")[2] for line in lines)


def refuse_files(files: Sequence[str]) -> None:
    """Raise `PatchRefusedError` for a file that a patch may not change."""
    for file in files:
        path = PurePosixPath(file)
        if path.parts[:1] != ("gnn",) or ".." in path.parts:
            raise PatchRefusedError(f"{file} is not under gnn/, and only what is may be changed")
        if path.suffix != ".py":
            raise PatchRefusedError(f"{file} is not a Python file; values of the configuration belong into changes")


def apply_diff(diff: str, folder: Path) -> None:
    """Apply a unified diff of files under gnn/ to a checkout and its index, whole or not at all.

    It is merged with later changes if git knows the files that it was written for.
    """
    git = loop_git(folder)
    draft = folder / "proposal.patch"
    draft.write_text(diff if diff.endswith("\n") else diff + "\n", encoding="utf-8")
    try:
        files = touched(draft)
        refuse_files(files)
        before = str(git.write_tree())
        git.apply("--3way", "--recount", "--whitespace=nowarn", str(draft))
    except GitCommandError as error:
        # Where a merge fails half-way, git leaves its marks in files whose content the index held until then.
        conflicts = str(git.diff("--name-only", "--diff-filter=U")).splitlines()
        if conflicts:
            git.restore(f"--source={before}", "--staged", "--worktree", "--", *(f":(glob,top){file}" for file in files))
        reason = f"conflict in {', '.join(conflicts)}" if conflicts else _complaint(error)
        raise PatchRefusedError(f"the diff does not apply to the parent's code: {reason}") from error
    finally:
        draft.unlink()


def _complaint(error: GitCommandError) -> str:
    """Return the error message of git, preferably one about a file of gnn/, without its surroundings."""
    lines = [line.partition("error: ")[2] for line in str(error.stderr).splitlines() if "error: " in line]
    return next((line for line in lines if "gnn/" in line), lines[0] if lines else str(error)).strip(" '")


def apply_edits(edits: Sequence[Replacement], folder: Path) -> None:
    """Replace text in files under gnn/ of a checkout; each searched text must occur in its file exactly once."""
    refuse_files([edit.file for edit in edits])
    for edit in edits:
        path = folder / edit.file
        if not edit.search:
            if path.exists():
                raise PatchRefusedError(f"{edit.file} is there already: say which text to search in it")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(edit.replace, encoding="utf-8")
            continue
        if not path.is_file():
            raise PatchRefusedError(f"{edit.file} is not in the parent's code; leave search empty to make a new file")
        text = path.read_text(encoding="utf-8")
        if (count := text.count(edit.search)) != 1:
            first = edit.search.strip().partition("\n")[0][:80]
            found = "is not in" if count == 0 else f"stands {count} times in"
            raise PatchRefusedError(
                f"the text to search, '{first}', {found} {edit.file}; it must stand there exactly once"
            )
        path.write_text(text.replace(edit.search, edit.replace), encoding="utf-8")


def inspect(folder: Path) -> None:
    """Raise `PatchRefusedError` unless all changes of a checkout's gnn/ against HEAD are Python within the policy."""
    git = loop_git(folder)
    git.add("--all", "--force", "--", "gnn")
    lines = str(git.diff("--cached", "--raw", "--no-renames", "HEAD", "--", "gnn")).splitlines()
    if not lines:
        raise PatchRefusedError("the patch changes nothing in gnn/")
    for line in lines:
        columns, _, file = line.partition("\t")
        _, mode, *_ = columns.split()
        refuse_files([file])
        if mode not in ("100644", "000000"):
            raise PatchRefusedError(f"{file} would become something else than a plain file")
        if mode == "100644":
            _inspect_source(file, (folder / file).read_bytes())


def _inspect_source(file: str, source: bytes) -> None:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        where = f"line {error.lineno}" if isinstance(error, SyntaxError) else "somewhere"
        raise PatchRefusedError(f"{file} is not Python any more: {error.args[0]} in {where}") from error
    for node in ast.walk(tree):
        for package in _imported(node):
            if package not in _IMPORTS:
                raise PatchRefusedError(f"{file}, line {_line(node)}: imports {package}, which a trial may not use")
        if (call := _prolongs(node)) is not None:
            raise PatchRefusedError(
                f"{file}, line {_line(node)}: {call} changes the number of steps, which is the fidelity's to say"
            )
        if (call := _reseeds(node)) is not None:
            raise PatchRefusedError(
                f"{file}, line {_line(node)}: {call}; a change of seed is never an experiment, "
                "only `seed` as it is given may start a generator"
            )


def _imported(node: ast.AST) -> Iterator[str]:
    """Yield the packages that an import statement names; relative imports stay in gnn."""
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        yield (node.module or "").partition(".")[0]
    elif isinstance(node, ast.Name) and node.id in ("__import__", "eval", "exec", "compile"):
        yield node.id


def _reseeds(node: ast.AST) -> str | None:
    """Describe a use of the seed other than passing it on; None without one."""
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        values = [*node.args, *(keyword.value for keyword in node.keywords)]
        if name in _SEEDING and not all(map(_is_seed, values)):
            return f"{ast.unparse(node)[:80]} starts a generator from another number"
        if any(keyword.arg == "seed" and not _is_seed(keyword.value) for keyword in node.keywords):
            return f"{ast.unparse(node)[:80]} gives another value to seed"
    # A field of that name, which has no value, is no seed.
    if "seed" in _named(node) and getattr(node, "value", None) is not None:
        return "assigns another value to seed"
    return None


def _is_seed(value: ast.expr) -> bool:
    return ast.unparse(value).split(".")[-1] == "seed"


def _prolongs(node: ast.AST) -> str | None:
    """Return the source of an expression that multiplies or reassigns the training budget.

    This catches oversights. A patch that hides it is bounded by the time limit of a trial.
    """
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        operands = (node.left, node.right)
        counted = any(ast.unparse(operand).split(".")[-1] == "steps" for operand in operands)
        if counted and any(_is_above_one(operand) for operand in operands):
            return ast.unparse(node)[:80]
    # A field of that name, which has no value, is no budget.
    if "steps" in _named(node) and getattr(node, "value", None) is not None:
        return ast.unparse(node)[:80]
    return None


def _named(node: ast.AST) -> list[str]:
    """Return the names that a statement or expression assigns to or declares."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign, ast.NamedExpr)):
        targets = [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _is_above_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value > 1


def _line(node: ast.AST) -> int:
    return int(getattr(node, "lineno", 0))
