"""SQL that is more than a line or two lies beside the module that asks it, a statement a file."""

from functools import cache
from pathlib import Path


@cache
def statement(module: str, name: str) -> str:
    """The statement `<name>.sql` beside a module, which names itself by `__file__`."""
    return (Path(module).parent / f"{name}.sql").read_text(encoding="utf-8")
