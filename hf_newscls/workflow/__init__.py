"""The commands, each as the flow: overview, prepare, train, evaluate, predict, explain, publish, compare.

Heavy libraries are imported inside the functions that need them, so that the command line answers at once.
"""

from hf_newscls.workflow.compare import CompareOptions, compare, publish_leaderboard, save_leaderboard
from hf_newscls.workflow.evaluate import evaluate
from hf_newscls.workflow.overview import overview
from hf_newscls.workflow.predict import Explanation, Prediction, explain, predict
from hf_newscls.workflow.prepare import prepare, push_prepared, save_prepared
from hf_newscls.workflow.publish import check_publishing, name_publish_command, publish
from hf_newscls.workflow.train import Plan, plan, train
from hf_newscls.workflow.train_seeds import SeedRuns, train_seeds

__all__ = [
    "CompareOptions",
    "Explanation",
    "Plan",
    "Prediction",
    "SeedRuns",
    "check_publishing",
    "compare",
    "evaluate",
    "explain",
    "name_publish_command",
    "overview",
    "plan",
    "predict",
    "prepare",
    "publish",
    "publish_leaderboard",
    "push_prepared",
    "save_leaderboard",
    "save_prepared",
    "train",
    "train_seeds",
]
