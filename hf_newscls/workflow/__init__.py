"""The commands, each as the flow: overview, prepare, train, evaluate, predict, explain, publish, compare.

Heavy libraries are imported inside the functions that need them, so that the command line answers at once.
"""

from hf_newscls.workflow.comparing import Comparison, compare, publish_leaderboard, save_leaderboard
from hf_newscls.workflow.data import overview, prepare, push_prepared, save_prepared
from hf_newscls.workflow.models import Explanation, Prediction, explain, predict
from hf_newscls.workflow.publishing import check_publishing, name_publish_command, publish
from hf_newscls.workflow.seeds import SeedRuns, train_seeds
from hf_newscls.workflow.training import Plan, evaluate, plan, train

__all__ = [
    "Comparison",
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
