"""Great Expectations, made cheaper where it costs most and this project asks for nothing: the import for all of the gate.

It loads statistics and charts that no rule of a ledger uses, a third of its memory and of its time to start. And it makes the configuration
of an expectation anew each of the hundred times it looks at one of its arguments, a third of the time of a run.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import Any


class _LoadedWhenAsked(ModuleType):
    """Stands for a module until somebody asks it for something; the standard library's LazyLoader loads with the next `import`."""

    def __init__(self, name: str):
        super().__init__(name)
        self.__spec__ = importlib.util.find_spec(name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)
        del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


for _module in ("altair", "scipy.stats"):
    if _module not in sys.modules:
        sys.modules[_module] = _LoadedWhenAsked(_module)

import great_expectations as gx  # noqa: E402 — after what it is not to load
from great_expectations.expectations.expectation import Expectation  # noqa: E402

__all__ = ["gx"]
_MOST_REMEMBERED = 4096
_made_anew = Expectation.configuration.fget
_made: dict[int, tuple[Expectation, Any]] = {}


def _configuration(expectation: Expectation) -> Any:
    """The configuration of an expectation, made once. Nobody changes an expectation after it was made."""
    known, made = _made.get(id(expectation), (None, None))
    if known is not expectation:
        if len(_made) >= _MOST_REMEMBERED:
            _made.clear()
        made = _made_anew(expectation)
        _made[id(expectation)] = (expectation, made)
    return made


Expectation.configuration = property(_configuration)
