"""`make issuer`: show or set how a district publishes."""

from __future__ import annotations

import argparse

from duban.publishing import issuers
from local.console import Console, problems, table
from local.system import System, open_warehouse

REQUIRED = ("district",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it is told."""
    parser.add_argument("district", help="code of the district")
    parser.add_argument("--name", dest="issuer_name", help="office that issues (发文机关)")
    forms = "serial (masthead and 第N期) or statutory (document head with 〔year〕 number)"
    parser.add_argument("--family", dest="document_family", help=forms)
    parser.add_argument("--word", dest="document_word", help="word of the office in the number of the statutory form (机关代字)")
    parser.add_argument("--recipients", help="main recipients (主送)")
    parser.add_argument("--copies", dest="copies_to", help="copies to (抄送)")
    parser.add_argument("--audience", help="how far its pages and messages go: off, internal, leaders, townships")


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Set what was named, and show what is set.

    Raises:
        Problem: there is no such district, or a value cannot be.
    """
    values = {name: value for name in issuers.COLUMNS if (value := getattr(options, name)) is not None}
    with problems(ValueError), open_warehouse(system) as conn:
        now = issuers.set_issuer(conn, options.district, values)
    console.show(table(("", options.district), [(name, "" if value is None else value) for name, value in now.items()]))
    if "audience" in values:
        console.say("the site follows with its next refresh: after an accepted file, an issue, or at 00:05")
