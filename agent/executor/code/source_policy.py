"""Rules on the source of a patch, as a program for the sandbox: `python -I -S -c PROGRAM`.

It reads {file: source} as JSON from standard input, each source as latin-1, and prints {file: [refusal, statements]},
where a refusal is null if the rules are kept. Parsing unreviewed source can exhaust the memory or the stack of the
interpreter, so the controller never does it itself. Nothing but the standard library is imported.

The rules are policy: they catch oversights. A patch that hides a seed or steps behind `getattr` or arithmetic on other
names passes; the time limit of a trial bounds the gain.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator

_PACKAGES = {"gnn", "numpy", "torch", "torch_geometric"}
_STANDARD = {"__future__", "abc", "argparse", "collections", "contextlib", "copy", "dataclasses", "enum", "functools"}
_STANDARD |= {"heapq", "itertools", "json", "math", "operator", "os", "pathlib", "statistics", "sys", "time", "typing"}
_IMPORTS = _PACKAGES | _STANDARD | {"warnings"}
# Functions that start a generator. `seed` is one only where it is called: as a name it is the seed of the trial.
_STARTS = {"manual_seed", "manual_seed_all", "default_rng", "RandomState", "SeedSequence", "Random", "seed_all"}
_STARTS |= {"MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"}
_NEVER = {"set_rng_state", "set_rng_state_all", "urandom", "getrandom"}
_LENGTHENS = (ast.Mult, ast.Add, ast.Pow, ast.LShift)  # by a number above 1; range(steps + 1) is usual
_SHORTENS = (ast.Div, ast.FloorDiv)


def inspect_source(file: str, source: bytes) -> tuple[str | None, int]:
    """Return the reason to refuse a file, None if there is none, and the number of its statements."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        return f"{file} is no longer valid Python: {error.msg} in line {error.lineno or 1}", 0
    except (ValueError, MemoryError, RecursionError) as error:
        return f"{file} is no longer valid Python: {error.args[0] if error.args else 'it nests too deeply'}", 0
    try:
        return next(_faults(file, tree), None), sum(map(_is_counted, ast.walk(tree)))
    except (ValueError, MemoryError, RecursionError):
        return f"{file} nests too deeply, or holds too large a number, to be inspected; write it more plainly", 0


def _is_counted(node: ast.AST) -> bool:
    """Return whether a node is a statement, other than a documentation string."""
    return isinstance(node, ast.stmt) and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _faults(file: str, tree: ast.Module) -> Iterator[str]:
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        place = f"{file}, line {getattr(node, 'lineno', 0)}"
        for package in _imported(node):
            if package not in _IMPORTS:
                yield f"{place}: imports {package}, which a trial may not use"
        if _prolongs(node):
            yield f"{place}: {_shown(node)} changes the number of steps, which the fidelity decides"
        if (deed := _reseeds(node, called)) is not None:
            yield (
                f"{place}: {deed}; a change of seed is never an experiment, only the given `seed` may start a generator"
            )


def _imported(node: ast.AST) -> Iterator[str]:
    """Yield the packages that an import statement names; relative imports stay in gnn."""
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        yield (node.module or "").partition(".")[0]
    elif isinstance(node, ast.Name) and node.id in ("__import__", "eval", "exec", "compile"):
        yield node.id


def _reseeds(node: ast.AST, called: set[int]) -> str | None:
    """Describe a use of the seed other than passing it on, None without one; `called` are the functions of calls."""
    if isinstance(node, ast.ImportFrom):
        renamed = [alias for alias in node.names if alias.name in _STARTS | {"seed"} and alias.asname]
        return f"imports {renamed[0].name} under another name" if renamed else None
    if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
        name = _name(node)
        if name in _NEVER or (name in _STARTS and id(node) not in called):
            return f"{name} is used as a value, so the number that it starts from cannot be seen"
    if isinstance(node, ast.Call):
        values = [*node.args, *(keyword.value for keyword in node.keywords)]
        if _name(node.func) in _STARTS | {"seed"} and not (values and all(map(_is_seeded, values))):
            return f"{_shown(node)} starts a generator from another number"
        if any(keyword.arg == "seed" and not _is_seed(keyword.value) for keyword in node.keywords):
            return f"{_shown(node)} gives another value to seed"
    if isinstance(node, ast.BinOp) and (_is_seed(node.left) or _is_seed(node.right)):
        return f"{_shown(node)} makes another number of the seed"
    return "assigns another value to seed" if "seed" in _assigned(node) else None


def _name(node: ast.expr) -> str:
    """Return the last name of `a.b.name` or `name`, empty for anything else."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_seed(value: ast.expr) -> bool:
    return _name(value) == "seed"


def _is_seeded(value: ast.expr) -> bool:
    """Return whether a value is the seed, or a generator whose own start is inspected too."""
    return _is_seed(value) or (isinstance(value, ast.Call) and _name(value.func) in _STARTS)


def _prolongs(node: ast.AST) -> bool:
    """Return whether a node enlarges or reassigns the training budget."""
    if isinstance(node, ast.BinOp):
        if _name(node.left) == "steps" and isinstance(node.op, _SHORTENS):
            return _number(node.right) < 1
        if isinstance(node.op, _LENGTHENS) and "steps" in (_name(node.left), _name(node.right)):
            return _number(node.right if _name(node.left) == "steps" else node.left) > 1
    return "steps" in _assigned(node)


def _number(node: ast.expr) -> float:
    """Return a number in the source, 1 for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int | float) else 1


def _assigned(node: ast.AST) -> set[str]:
    """Return the names and attributes that a node gives a value; one that is given itself keeps it."""
    targets: list[ast.expr | None] = []
    if isinstance(node, ast.Assign):
        targets += node.targets
    elif isinstance(node, ast.AugAssign | ast.NamedExpr | ast.AnnAssign):
        targets += [node.target] if node.value is not None else []  # a field without a value is declared only
    elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        # Seeds are handed around together with other things: `for config, seed, out in asked` is usual.
        targets += [] if isinstance(node.target, ast.Tuple) else [node.target]
    elif isinstance(node, ast.withitem):
        targets.append(node.optional_vars)
    parts = [part for target in targets if target is not None for part in ast.walk(target)]
    names = {_name(part) for part in parts if isinstance(part, ast.expr) and _is_set(part)}
    return names - {_name(node.value)} if isinstance(node, ast.Assign) else names


def _is_set(part: ast.expr) -> bool:
    return isinstance(getattr(part, "ctx", None), ast.Store)


def _shown(node: ast.AST) -> str:
    return ast.unparse(node)[:80]


def main() -> None:
    """Inspect the files on standard input."""
    sources = {file: text.encode("latin-1") for file, text in json.load(sys.stdin).items()}
    print(json.dumps({file: inspect_source(file, source) for file, source in sources.items()}))


if __name__ == "__main__":
    main()
