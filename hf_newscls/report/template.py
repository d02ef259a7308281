"""Fill in the Markdown and HTML templates of the package."""

import json
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from hf_newscls.errors import format_duration
from hf_newscls.evaluation.metric_names import name_metric, phrase_metric
from hf_newscls.files import name_source
from hf_newscls.report.markdown import escape_markdown, to_code, to_fence, to_link
from hf_newscls.report.text import (
    count_rows,
    describe_calibration_error,
    describe_difference,
    describe_dropped_labels,
    describe_duplicates,
    describe_rows,
    describe_seen_rows,
    describe_temperature,
    describe_trained_parameters,
)

# The filters of all templates.
_FILTERS = {
    "md": escape_markdown,
    "code": to_code,
    "fence": to_fence,
    "link": to_link,
    "quote": lambda text: json.dumps(text, ensure_ascii=False),  # a Python string in double quotes
    "percent": "{:.1%}".format,
    "score": "{:.4f}".format,
    "count": "{:,}".format,
    "points": lambda fraction: f"{100 * fraction:+.1f}",
    "hundredths": lambda fraction: f"{100 * fraction:.1f}",
    "duration": format_duration,
    "metric": name_metric,
    "phrase": phrase_metric,
    "source_name": name_source,
    "sizes": count_rows,
    "rows_used": describe_rows,
    "duplicates": describe_duplicates,
    "trained_parameters": describe_trained_parameters,
    "calibration_error": describe_calibration_error,
    "temperature": describe_temperature,
    "difference": describe_difference,
    "dropped_labels": describe_dropped_labels,
    "seen_rows": describe_seen_rows,
}


def render_template(package: str, path: str, **values: Any) -> str:
    """Fill in a template; a missing value is an error. In `.html.jinja` templates values are escaped.

    Args:
        package: that holds the template, such as `hf_newscls.report`.
        path: of the template in the package's folder.
    """
    environment = Environment(
        loader=FunctionLoader(lambda name: files(package).joinpath(name).read_text("utf-8")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=path.endswith(".html.jinja"),
    )
    environment.filters |= _FILTERS
    return environment.get_template(path).render(**values)
