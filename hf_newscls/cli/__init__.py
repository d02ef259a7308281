"""The command line: commands, options and exit codes over `hf_newscls.workflow`. Only this package prints."""

from hf_newscls.cli.app import app, main

__all__ = ["app", "main"]
