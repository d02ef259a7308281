"""The commands, one function each. The command line and `import hf_newscls` call these functions.

Heavy libraries are imported inside the functions that need them, so that the command line starts fast.
"""

from hf_newscls.workflow.compare import compare
from hf_newscls.workflow.copy_cards import copy_cards
from hf_newscls.workflow.demo import demo
from hf_newscls.workflow.doctor import inspect_machine
from hf_newscls.workflow.evaluation.evaluate import evaluate
from hf_newscls.workflow.evaluation.other_data import OtherDataRun, evaluate_on
from hf_newscls.workflow.export import ExportedModel, export
from hf_newscls.workflow.jobs.inside import run_job
from hf_newscls.workflow.jobs.train_on import JobRun, ListedJob, Offer, attach, cancel_job, list_jobs, train_on
from hf_newscls.workflow.list_runs import ListedRun, RunList, list_runs
from hf_newscls.workflow.prediction.cluster import predict_with_ray
from hf_newscls.workflow.prediction.files import AnswersFile, predict_file
from hf_newscls.workflow.prediction.rows import iterate_lines
from hf_newscls.workflow.prediction.texts import Explanation, Prediction, Predictions, explain, predict, predict_lines
from hf_newscls.workflow.prepare import load_recipe, overview, prepare, publish_prepared
from hf_newscls.workflow.publish import (
    check_leaderboard_target,
    check_publishing,
    publish,
    publish_leaderboard,
    save_leaderboard,
)
from hf_newscls.workflow.run import Run, find_report, load_run
from hf_newscls.workflow.training.train import Plan, plan, train
from hf_newscls.workflow.training.train_seeds import SeedRuns, train_seeds
from hf_newscls.workflow.training.tune import Tuning, tune

__all__ = [
    "AnswersFile",
    "Explanation",
    "ExportedModel",
    "JobRun",
    "ListedJob",
    "ListedRun",
    "Offer",
    "OtherDataRun",
    "Plan",
    "Prediction",
    "Predictions",
    "Run",
    "RunList",
    "SeedRuns",
    "Tuning",
    "attach",
    "cancel_job",
    "check_leaderboard_target",
    "check_publishing",
    "compare",
    "copy_cards",
    "demo",
    "evaluate",
    "evaluate_on",
    "explain",
    "export",
    "find_report",
    "inspect_machine",
    "iterate_lines",
    "list_jobs",
    "list_runs",
    "load_recipe",
    "load_run",
    "overview",
    "plan",
    "predict",
    "predict_file",
    "predict_lines",
    "predict_with_ray",
    "prepare",
    "publish",
    "publish_leaderboard",
    "publish_prepared",
    "run_job",
    "save_leaderboard",
    "train",
    "train_on",
    "train_seeds",
    "tune",
]
