"""Which functions of the package change something on a disk or in the warehouse, read from their text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "dags" / "duban"
_CHANGING_CALLS = frozenset(
    {
        "rename", "unlink", "link", "symlink", "symlink_to", "hardlink_to", "mkdir", "rmdir", "rmtree", "write_bytes", "write_text",
        "touch", "copyfile", "copytree", "mkstemp", "mkdtemp", "sync_filesystem", "fsync", "truncate",
    }
)  # fmt: skip
_CHANGING_STATEMENT = re.compile(r"(?:(?:insert into|update|delete from|copy|truncate|create|drop|alter) )|select personal\.keep", re.I)


def writers() -> set[str]:
    """`module.function` of every function that changes something itself; an inner function has its outer one before it."""
    found = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        functions = _functions(ast.parse(path.read_text(encoding="utf-8")))
        found |= {f"{module}.{name}" for name, function in functions if _changes(function, path.parent)}
    return found


def _functions(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{prefix}{child.name}"
            if not isinstance(child, ast.ClassDef):
                yield name, child
            yield from _functions(child, f"{name}.")
        else:
            yield from _functions(child, prefix)


def _changes(function: ast.AST, folder: Path) -> bool:
    return any(_is_change(node) or _asks_for_a_change(node, folder) for node in _own(function))


def _asks_for_a_change(node: ast.AST, folder: Path) -> bool:
    """A statement of a file beside the module, which may begin with the rows that it writes."""
    match node:
        case ast.Call(func=ast.Name("statement"), args=[_, ast.Constant(name)]):
            text = (folder / f"{name}.sql").read_text(encoding="utf-8")
            return any(map(_CHANGING_STATEMENT.match, map(str.lstrip, text.splitlines())))
    return False


def _own(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, without those of the functions in it and without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    stack = list(body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            stack.extend(ast.iter_child_nodes(node))


def _is_change(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(_CHANGING_STATEMENT.match(node.value.lstrip()))
    if not isinstance(node, ast.Call):
        return False
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if name == "replace":  # of os, with two paths; of a path, with one. A text wants two as well, and is no `os`
        return isinstance(node.func, ast.Attribute) and (len(node.args) == 1 or getattr(node.func.value, "id", "") == "os")
    if name == "open":
        return any(isinstance(arg, ast.Constant) and isinstance(arg.value, str) and arg.value[:1] in "wxa" for arg in node.args)
    return name in _CHANGING_CALLS
