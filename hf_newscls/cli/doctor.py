"""The command that describes this machine."""

from rich.table import Table

from hf_newscls.cli.terminal import console, make_printable


def doctor() -> None:
    """Show versions, device, disk and tokens of this machine, for a bug report."""
    from hf_newscls import workflow

    table = Table("what", "found", box=None, header_style="bold")
    for what, found in workflow.inspect_machine().items():
        table.add_row(what, make_printable(found))
    console.print(table)
