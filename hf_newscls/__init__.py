"""From a news file to a fine-tuned classifier on the Hugging Face Hub.

The import loads neither torch nor transformers: each name below is loaded when it is first used. After
`hf_newscls.register()` the auto classes and `pipeline()` of transformers load two-layer and windowed models without
`trust_remote_code`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hf_newscls.modeling.loading import name_loaded_parameters
    from hf_newscls.modeling.registration import register
    from hf_newscls.training.callbacks.freeze import TwoStageFreezeCallback
    from hf_newscls.training.optimizer import build_two_stage_optimizers

__all__ = ["TwoStageFreezeCallback", "__version__", "build_two_stage_optimizers", "name_loaded_parameters", "register"]

__version__ = "0.1.0"

_MODULES = {
    "TwoStageFreezeCallback": "hf_newscls.training.callbacks.freeze",
    "build_two_stage_optimizers": "hf_newscls.training.optimizer",
    "name_loaded_parameters": "hf_newscls.modeling.loading",
    "register": "hf_newscls.modeling.registration",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
