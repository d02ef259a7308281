"""The commands, each as the flow: overview, prepare, train, evaluate, predict, publish, compare.

Heavy libraries are imported inside the functions that need them, so that the command line answers at once.
"""

from hf_newscls.workflow.data import overview, prepare, push_prepared, save_prepared
from hf_newscls.workflow.models import Prediction, compare, predict
from hf_newscls.workflow.publishing import check_publishing, name_publish_command, publish
from hf_newscls.workflow.training import Plan, evaluate, plan, train

__all__ = [
    "Plan",
    "Prediction",
    "check_publishing",
    "compare",
    "evaluate",
    "name_publish_command",
    "overview",
    "plan",
    "predict",
    "prepare",
    "publish",
    "push_prepared",
    "save_prepared",
    "train",
]
