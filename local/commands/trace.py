"""`make trace`: lead a printed number back to file, sheet and row."""

from __future__ import annotations

import argparse

from duban.publishing.issues.frozen import read_frozen, read_issue
from duban.publishing.issues.tracing import Source, figures_of, trace
from local.console import Console, Problem, table
from local.system import System, open_warehouse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it is told."""
    parser.add_argument("issue", nargs="?", default="", help="id of the issue, as in its manifest")
    parser.add_argument("figure", nargs="?", default="", help="code of the figure; without it all are listed")


def run(system: System, console: Console, options: argparse.Namespace) -> None:
    """Print where a figure of an issue comes from; without a code the figures of the issue, without an issue the issues.

    Raises:
        Problem: there is no such issue or figure.
    """
    publication_id, code = options.issue, options.figure
    with open_warehouse(system) as conn:
        issue = read_issue(conn, publication_id)
        if issue is None:
            ids = [found for (found,) in conn.execute("select publication_id from published.publications order by published_at")]
            known = f"Issues: {', '.join(ids)}." if ids else "Nothing has been published."
            raise Problem(f"There is no issue {publication_id!r}. {known}" if publication_id else f"Which one? ISSUE=… {known}")
        frozen = read_frozen(conn, issue)
    figures = figures_of(frozen)
    if not code:
        rows = [(figure.code, figure.label, str(figure)) for figure in figures.values()]
        console.show(table(("FIGURE=", "", "数"), rows))
        return
    if code not in figures:
        near = [known for known in figures if code in known][:12]
        raise Problem(
            f"{publication_id} has no figure {code!r}. " + (f"Near it: {', '.join(near)}" if near else "Without FIGURE= all are listed.")
        )
    for figure, sources in trace(frozen, figures, code):
        console.show(f"\n{figure.code}  {figure.label}：{figure}" + (f"  （由{'、'.join(figure.parts)}算得）" if figure.parts else ""))
        if sources:
            console.show(table(("来源", "文件", "工作表", "行", "报送编号"), [_line(source) for source in sources]))
        elif not figure.parts:
            console.show("没有来源行：没有可数的行，或数的是没有报送的单位。")


def _line(source: Source) -> tuple:
    return (source.what, source.file or "", source.sheet or "", "" if source.row is None else source.row, source.submission_id or "")
