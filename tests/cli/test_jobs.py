from collections.abc import Callable
from datetime import datetime

import pytest

from hf_newscls import workflow
from hf_newscls.training.record import JobCost
from hf_newscls.workflow import ListedJob
from tests.processes import Result


def test_id_and_stage_are_whole_at_80_columns(call: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    cost = JobCost("a10g-large", 5400, 12.5)
    job = ListedJob(
        "687fb701029421ae5549d998", "news_category_roberta-0123456789ab", "SCHEDULING", datetime.now(), cost
    )
    monkeypatch.setattr(workflow, "list_jobs", lambda: [job])
    monkeypatch.setenv("COLUMNS", "80")
    assert {job.id, job.stage} <= {*call("jobs").out.split()}
