"""Which module imports which, at the top or inside functions, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = {"duban": ROOT / "dags" / "duban", "local": ROOT / "local"}


def imports(path: Path) -> set[str]:
    """Every module a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def modules(package: str) -> dict[str, Path]:
    """The modules of a package, by their dotted names."""
    root = PACKAGES[package]
    return {
        ".".join(path.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__"): path for path in sorted(root.rglob("*.py"))
    }


def graph(package: str) -> dict[str, set[str]]:
    """Module → modules of the same package that it imports. A package that gathers its own modules does not depend on them."""
    known = modules(package)
    return {
        name: {other for other in imports(path) & known.keys() if other != name and not other.startswith(f"{name}.")}
        for name, path in known.items()
    }


def circles(arrows: dict[str, set[str]]) -> Iterator[list[str]]:
    """Ways that lead back to where they began."""

    def follow(way: list[str]) -> Iterator[list[str]]:
        for other in sorted(arrows[way[-1]]):
            if other in way:
                yield [*way[way.index(other) :], other]
            elif other not in seen:
                seen.add(other)
                yield from follow([*way, other])

    seen: set[str] = set()
    for name in sorted(arrows):
        if name not in seen:
            seen.add(name)
            yield from follow([name])
