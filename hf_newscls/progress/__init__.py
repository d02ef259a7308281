"""How far a command is."""

from hf_newscls.progress.steps import REDRAW_SECONDS, Show, Speed, StepProgress, report_progress, showing, track

__all__ = ["REDRAW_SECONDS", "Show", "Speed", "StepProgress", "report_progress", "showing", "track"]
