"""From a news file to a fine-tuned text classifier on the Hugging Face Hub.

The functions are the commands of the command line:

>>> import hf_newscls
>>> recipe = hf_newscls.load_recipe("quickstart", overrides={"model.max_length": 32})
>>> run = hf_newscls.train(recipe)  # doctest: +SKIP
>>> run.report.test.scores["accuracy"]  # doctest: +SKIP
>>> hf_newscls.predict(run, ["Rail strike ends after nine days"]).to_pandas()  # doctest: +SKIP

The import loads neither torch nor transformers: each name below is loaded when it is first used. The first use checks
the versions of the libraries, and raises a LibraryError that names the line to run if one does not fit. After
`hf_newscls.register()` the auto classes and `pipeline()` of transformers load two-layer and windowed models without
`trust_remote_code`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hf_newscls.comparison.leaderboard import Leaderboard
    from hf_newscls.data.prepared.splits import PreparedData
    from hf_newscls.modeling.loading import name_loaded_parameters
    from hf_newscls.modeling.registration import register
    from hf_newscls.training.callbacks.freeze import TwoStageFreezeCallback
    from hf_newscls.training.optimizer import build_two_stage_optimizers
    from hf_newscls.workflow.compare import compare
    from hf_newscls.workflow.evaluation.evaluate import evaluate
    from hf_newscls.workflow.evaluation.other_data import OtherDataRun, evaluate_on
    from hf_newscls.workflow.export import ExportedModel, export
    from hf_newscls.workflow.jobs.train_on import JobRun, train_on
    from hf_newscls.workflow.list_runs import RunList, list_runs
    from hf_newscls.workflow.prediction.files import AnswersFile, predict_file
    from hf_newscls.workflow.prediction.texts import Explanation, Predictions, explain, predict
    from hf_newscls.workflow.prepare import load_recipe, prepare, publish_prepared
    from hf_newscls.workflow.publish import publish, publish_leaderboard, save_leaderboard
    from hf_newscls.workflow.run import Run, load_run
    from hf_newscls.workflow.training.train import Plan, plan, train
    from hf_newscls.workflow.training.train_seeds import SeedRuns, train_seeds
    from hf_newscls.workflow.training.tune import Tuning, tune

__all__ = [
    "AnswersFile",
    "Explanation",
    "ExportedModel",
    "JobRun",
    "Leaderboard",
    "OtherDataRun",
    "Plan",
    "Predictions",
    "PreparedData",
    "Run",
    "RunList",
    "SeedRuns",
    "Tuning",
    "TwoStageFreezeCallback",
    "__version__",
    "build_two_stage_optimizers",
    "compare",
    "evaluate",
    "evaluate_on",
    "explain",
    "export",
    "list_runs",
    "load_recipe",
    "load_run",
    "name_loaded_parameters",
    "plan",
    "predict",
    "predict_file",
    "prepare",
    "publish",
    "publish_leaderboard",
    "publish_prepared",
    "register",
    "save_leaderboard",
    "train",
    "train_on",
    "train_seeds",
    "tune",
]

__version__ = "0.2.0"

_MODULES = {
    "Leaderboard": "hf_newscls.comparison.leaderboard",
    "PreparedData": "hf_newscls.data.prepared.splits",
    "TwoStageFreezeCallback": "hf_newscls.training.callbacks.freeze",
    "build_two_stage_optimizers": "hf_newscls.training.optimizer",
    "name_loaded_parameters": "hf_newscls.modeling.loading",
    "register": "hf_newscls.modeling.registration",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    importlib.import_module("hf_newscls.versions").check_versions()
    return getattr(importlib.import_module(_MODULES.get(name, "hf_newscls.workflow")), name)


def __dir__() -> list[str]:
    return __all__
