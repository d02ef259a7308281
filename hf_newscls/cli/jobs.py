"""The commands about trainings on hardware of the Hub: offer, list, attach, cancel."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from hf_newscls import workflow
from hf_newscls.cli.display.tables import print_report
from hf_newscls.cli.display.terminal import (
    RUNS,
    CardsDirOption,
    RunsDirOption,
    console,
    make_printable,
    messages,
    name_program,
    print_line,
)
from hf_newscls.errors import InputError, format_duration

if TYPE_CHECKING:
    from hf_newscls.workflow import JobRun, Offer

JobArgument = Annotated[str, typer.Argument(help="Id of the job, as `hf-newscls jobs` lists it.", metavar="JOB")]

jobs = typer.Typer()


@jobs.callback(invoke_without_command=True)
def list_jobs(context: typer.Context) -> None:
    """List trainings on hardware of the Hub; follow or cancel one."""
    if context.invoked_subcommand is not None:
        return
    whole = (Column(name, no_wrap=True) for name in ("job", "stage"))  # the id is for attach and cancel
    folded = (Column(name, overflow="fold") for name in ("training", "hardware", "started"))
    numbers = (Column(name, no_wrap=True, justify="right") for name in ("minutes", "cost"))
    table = Table(*whole, *folded, *numbers, box=None, header_style="bold")
    for job in workflow.list_jobs():
        started = job.created.strftime("%Y-%m-%d %H:%M") if job.created else ""
        cells = (job.id, job.stage, job.training, job.cost.flavor, started, f"{job.cost.seconds / 60:.0f}")
        table.add_row(*map(make_printable, cells), f"${job.cost.usd:.2f}")
    console.print(table)


@jobs.command()
def attach(job: JobArgument, runs_dir: RunsDirOption = RUNS, cards_dir: CardsDirOption = None) -> None:
    """Follow a job; when it has finished, fetch its run. Ctrl-C detaches, and the job goes on."""
    print_job_run(workflow.attach(job, show=show_line, runs_dir=runs_dir, cards_dir=cards_dir))


@jobs.command()
def cancel(job: JobArgument) -> None:
    """Cancel a job. Its checkpoints stay, and the same `train --on` goes on from the last one."""
    workflow.cancel_job(job)
    print_line(f"canceled {job}")


@jobs.command(hidden=True)
def run(
    folder: Annotated[Path, typer.Argument(help="The mounted volume.")],
    publish: Annotated[bool, typer.Option("--publish", help="Publish the model.")] = False,
) -> None:
    """Train inside a job of the Hub."""
    workflow.run_job(folder, publish=publish)


def show_offer(offer: "Offer", *, asks: bool) -> None:
    """Print an offer, and ask whether to accept it; a person who declines ends the command.

    Raises:
        InputError: there is no terminal to ask on.
    """
    for name, size in offer.files.items():
        print_line(f"sent:   {name} ({size:,} bytes)")
    limit = format_duration(offer.timeout_seconds)
    print_line(
        f"price:  {offer.hardware}: ${offer.usd_per_hour:.2f} an hour; stopped after {limit} (--timeout), for "
        f"${offer.usd_limit:.2f}; a job that fails is started once more"
    )
    if not asks:
        return
    if not sys.stdin.isatty():
        raise InputError("there is no terminal to ask on whether to pay; add --yes")
    typer.confirm("Start the job?", abort=True, err=True)


def show_line(line: str) -> None:
    """Show a line of a job's log."""
    messages.print(f"[dim]job[/] {make_printable(line)}", highlight=False, soft_wrap=True)


def print_job_run(found: "JobRun") -> None:
    """Print the scores of a run from a job, where it is now, and what it cost."""
    print_report(found.run.report)
    path = shlex.quote(str(found.run.path))
    cost = f"{found.cost.flavor}, {format_duration(found.cost.seconds)}, about ${found.cost.usd:.2f}"
    print_line(f"open:   {name_program()} open {path}\nmodel:  {found.run.model_dir}\ncost:   {cost}")
    if found.url:
        print_line(f"published: {found.url}")
