"""The command line of the local runtime: `python -m local COMMAND`, mostly by way of `make`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(argv)
    # What the caller's libpq variables say is about some other server.
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    sys.path.insert(0, str(PROJECT / "dags"))
    # From here on: the modules below need the path, and the help text should not wait for them.
    import psycopg

    from local.config import load_installation
    from local.console import Console, Problem

    console = Console()
    try:
        installation = load_installation(must_exist=options.command not in ("up", "demo", "down", "restore"))
        _run(options, installation, console)
    except Problem as problem:
        console.close()
        print(f"{options.command}: {problem}", file=sys.stderr)
        return 1
    except psycopg.OperationalError as error:
        console.close()
        reason = str(error).strip().partition("\n")[0].rpartition("FATAL:")[2].strip()
        print(f"{options.command}: PostgreSQL does not answer ({reason}). `make up` waits until it does.", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read the output has seen enough (`make status | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        console.close()
        print(f"{options.command}: interrupted; the same command again goes on from here", file=sys.stderr)
        return 130
    return 0


def _run(options: argparse.Namespace, installation, console) -> None:
    from local.config import load_installation
    from local.containers import Containers
    from local.lifecycle import System

    if options.command == "down" and not installation.memory.exists():
        console.say(f"nothing was ever started in {installation.settings.home}")
        return
    system = Containers(installation) if installation.is_in_containers else System(installation)
    if options.command == "up":
        system.up(console)
        show_places(system, console)
    elif options.command == "down":
        system.down(console)
    elif options.command == "wait":
        from local.wait import wait

        wait(system, console, options.timeout)
    elif options.command == "status":
        from local.status import status

        status(system, console)
        # in containers passwords are in .env, and the places are those of the machine outside
        if system.postgres.running_port() and not installation.is_in_containers:
            show_places(system, console)
    elif options.command == "demo":
        from local.demo import demo

        demo(system, console)
        show_places(system, console)
    elif options.command == "district":
        from local.district import register

        register(system, console, options)
    elif options.command == "calendar":
        from local.calendar import enter

        enter(system, console, options.file)
    elif options.command == "template":
        from local.template import write

        write(system, console, options.unit)
    elif options.command == "check":
        from local.check import check

        check(system, console, options.file, options.unit)
    elif options.command == "simulate":
        from local.simulate import simulate

        simulate(system, console, options.rule, options.district, options.from_on, options.to_on)
    elif options.command == "publish":
        from local.publish import show_published

        show_published(system, console, options.series, options.day, options.district, options.correction)
    elif options.command == "issuer":
        from local.issuer import set_issuer

        set_issuer(system, console, options)
    elif options.command == "targets":
        from local.issuer import register_targets

        register_targets(system, console, options.file)
    elif options.command == "recipients":
        from local.deliveries import register

        register(system, console, options.file)
    elif options.command == "delivery":
        from local.deliveries import decide

        decide(system, console, options.delivery, options.decision, options.reason)
    elif options.command == "mute":
        from local.mutes import add

        add(system, console, options.check, options.subject, options.until, options.reason)
    elif options.command == "trace":
        from local.trace import show_trace

        show_trace(system, console, options.issue, options.figure)
    elif options.command == "backup":
        from local.backup import backup_home

        backup_home(system, console, options.to, options.keep)
    elif options.command == "tidy":
        from local.tidy import tidy

        tidy(system, console, options.days)
    elif options.command == "restore":
        from local.restore import restore_home

        restore_home(system, console, options.file, is_confirmed=options.confirm)
        if not installation.is_in_containers:
            show_places(System(load_installation(must_exist=True)), console)
    elif options.command == "docs":
        from local.docs import docs

        docs(system, console)


def show_places(system, console) -> None:
    """Where everything is."""
    settings = system.installation.settings
    others = [f"{name} ({role})" for name, role in system.installation.airflow_users.items() if name != "admin"]
    more = f"; also {', '.join(others)}: {system.installation.secrets / 'airflow_passwords.json'}" if others else ""
    console.show(
        f"""
  Live ranking   {system.site_url}  ({system.installation.site / "index.html"})
  Airflow        {system.airflow_url}  user admin, password {system.airflow_password}{more}
  Inbox          {settings.inbox}/<unit code>/
  Outbox         {settings.outbox}
  BI             {system.bi_uri}
  Shell          . {_quoted(system.installation.env_file)}
"""
    )


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="Start, watch and stop Duban on this machine.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="start PostgreSQL and Airflow in the background; nothing to do when they run")
    commands.add_parser("down", help="stop everything; nothing is lost")
    wait = commands.add_parser("wait", help="wait until every file in the inbox is judged and shown")
    wait.add_argument("--timeout", type=float, default=600, metavar="SECONDS", help="give up after this time (600)")
    commands.add_parser("status", help="what is running, last runs, files waiting, newest ranking")
    commands.add_parser("demo", help="replay a sample district through the real DAGs and print the ranking")
    district = commands.add_parser("district", help="register the divisions and units of a district")
    district.add_argument("file", help="CSV with the columns of dags/duban/reference/430511.csv")
    district.add_argument("district_name", nargs="?", default="", help="name of the district")
    district.add_argument("--campaign-start", default="", help="first day of its campaign (2020-04-01)")
    district.add_argument("--campaign-end", default="", help="last day of its campaign (2020-06-30)")
    calendar = commands.add_parser("calendar", help="enter the holidays and make-up days of a year")
    calendar.add_argument("file", help="CSV with the columns date_on, is_working_day (true: make-up day, false: day off), holiday_name")
    template = commands.add_parser("template", help="write a unit's own workbook, filled with what is known now")
    template.add_argument("unit", help="unit code: a township, <district>000, <district>-D1")
    check = commands.add_parser("check", help="judge a file as if a unit had sent it; nothing is loaded")
    check.add_argument("file", help="the file")
    check.add_argument("unit", help="unit code of its sender")
    simulate = commands.add_parser("simulate", help="how another rule would have ranked days gone by")
    simulate.add_argument("rule", nargs="?", default="", help="code of a rule in dbt_project/seeds/ref_ranking_rules.csv")
    simulate.add_argument("--district", default="", metavar="CODE", help="district (the only one that is ranked)")
    simulate.add_argument("--from", default="", dest="from_on", metavar="DAY", help="first day (the last 30 ranked days)")
    simulate.add_argument("--to", default="", dest="to_on", metavar="DAY", help="last day (the last ranked one)")
    publish = commands.add_parser("publish", help="publish an issue on demand")
    publish.add_argument("--series", default="", help="daily, weekly or monthly (daily)")
    publish.add_argument("--day", default="", help="the working day it is about (today)")
    publish.add_argument("--district", default="", metavar="CODE", help="only this district (all)")
    publish.add_argument("--correction", action="store_true", help="a numbered correction of what was published about the day")
    trace = commands.add_parser("trace", help="from a printed number to file, sheet and row")
    trace.add_argument("issue", nargs="?", default="", help="id of the issue, as in its manifest")
    trace.add_argument("figure", nargs="?", default="", help="code of the figure; without it all are listed")
    issuer = commands.add_parser("issuer", help="show or set how a district publishes")
    issuer.add_argument("district", nargs="?", default="", help="code of the district")
    issuer.add_argument("--name", dest="issuer_name", help="office that issues (发文机关)")
    issuer.add_argument(
        "--family", dest="document_family", help="serial (masthead and 第N期) or statutory (document head with 〔year〕 number)"
    )
    issuer.add_argument("--word", dest="document_word", help="word of the office in the number of the statutory form (机关代字)")
    issuer.add_argument("--recipients", help="main recipients (主送)")
    issuer.add_argument("--copies", dest="copies_to", help="copies to (抄送)")
    issuer.add_argument("--audience", help="how far its pages and messages go: off, internal, leaders, townships")
    targets = commands.add_parser("targets", help="register key targets, which the monthly dispatch lists")
    targets.add_argument("file", help="CSV with the columns of dags/duban/reference/key_targets.csv")
    recipients = commands.add_parser("recipients", help="register who gets issues and return slips by e-mail and group robot")
    recipients.add_argument("file", help="CSV: district_code, audience, channel, address and, optionally, unit_code, series, is_active")
    delivery = commands.add_parser("delivery", help="decide about a delivery that failed or is uncertain")
    delivery.add_argument("delivery", help="its number, as `status` shows it")
    delivery.add_argument("decision", help="resend, settle (it did arrive) or withdraw (it is not wanted any more)")
    delivery.add_argument("reason", help="why; kept with the delivery")
    backup = commands.add_parser("backup", help="write everything that cannot be made again into one file, while the system runs")
    backup.add_argument("--to", default="", metavar="FOLDER", help="folder ($DUBAN_HOME/backups)")
    backup.add_argument("--keep", type=int, default=14, help="how many backups stay in the folder, 0: all (14)")
    tidy = commands.add_parser("tidy", help="clear away task logs and Airflow's runs that are old, while the system runs")
    tidy.add_argument("--days", type=int, default=60, help="how many days stay, 14 at least (60)")
    restore = commands.add_parser("restore", help="bring a backup back, beside what is there, and start")
    restore.add_argument("file", help="the backup")
    restore.add_argument("--confirm", action="store_true", help="what is there may be put aside")
    mute = commands.add_parser("mute", help="let the watch not tell of a check, or of some of its subjects, for a while")
    mute.add_argument("check", nargs="?", default="", help="code of the check, as docs/runbook.md lists them")
    mute.add_argument("--subject", default="", help="as marts.fct_watch_items has it; a pattern with %% for anything (all)")
    mute.add_argument("--until", default="", metavar="DAY", help="the last day, at most 90 days ahead")
    mute.add_argument("--reason", default="", help="why; kept with the mute")
    commands.add_parser("docs", help="write the documentation of the warehouse as one HTML file")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
