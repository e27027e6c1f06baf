"""The operator's command line: `python -m local COMMAND`, mostly by way of `make`. `local.commands` has a module for each."""

from __future__ import annotations

import argparse
import os
import pkgutil
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

PROJECT = Path(__file__).resolve().parent.parent


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    argv = list(sys.argv[1:] if argv is None else argv)
    # What the caller's libpq variables say is about some other server.
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    sys.path.insert(0, str(PROJECT / "dags"))
    options, command = _read(argv)
    # From here on: the modules below need the path, and the help text should not wait for them.
    import psycopg

    from local.config import load_installation
    from local.console import Console, Problem
    from local.containers.system import Containers
    from local.embedded.system import Embedded

    console = Console()
    try:
        installation = load_installation(must_exist=not getattr(command, "IS_FIRST", False))
        system = Containers(installation) if installation.is_in_containers else Embedded(installation)
        if options.command == "down" and not installation.memory.exists():
            console.say(f"nothing was ever started in {installation.settings.home}")
            return 0
        command.run(system, console, options)
    except Problem as problem:
        console.close()
        print(f"{options.command}: {problem}", file=sys.stderr)
        return 1
    except psycopg.OperationalError as error:
        console.close()
        reason = str(error).strip().partition("\n")[0].rpartition("FATAL:")[2].strip()
        print(f"{options.command}: PostgreSQL does not answer ({reason}). `{system.start_command}` waits until it does.", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read the output has seen enough (`make status | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        console.close()
        print(f"{options.command}: interrupted; the same command again goes on from here", file=sys.stderr)
        return 130
    return 0


def _read(argv: Sequence[str]) -> tuple[argparse.Namespace, ModuleType]:
    """What was asked for, and the module of the command. Only that one is loaded, unless all are to be listed."""
    parser = argparse.ArgumentParser(prog="python -m local", description="Start, watch and stop Duban.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    names = [module.name for module in pkgutil.iter_modules([str(PROJECT / "local" / "commands")])]
    wanted = [name for name in names if argv[:1] == [name]] or names
    loaded = {name: import_module(f"local.commands.{name}") for name in wanted}
    for name, module in loaded.items():
        about = module.__doc__.partition("\n")[0].partition("`: ")[2].rstrip(".")
        command = commands.add_parser(name, help=about, description=about)
        if hasattr(module, "add_arguments"):
            module.add_arguments(command)
    options = parser.parse_args(argv)
    # `make` hands over what it was not told as an empty text
    for name in getattr(loaded[options.command], "REQUIRED", ()):
        if not getattr(options, name).strip():
            commands.choices[options.command].error(f"{name} is missing; `--help` (HELP=yes of make) says more")
    return options, loaded[options.command]


if __name__ == "__main__":
    raise SystemExit(main())
