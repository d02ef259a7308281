"""The command line: commands, options, exit codes. The only package that prints."""

from hf_newscls.cli.app import app, main

__all__ = ["app", "main"]
