"""Make the auto classes of transformers know our own classifiers, at the moment they are first imported.

`import hf_newscls` must load no torch, and yet `pipeline(model="owner/two-layer-model")` must work after it without
`trust_remote_code`. Registering at import would load transformers' model mappings and with them torch, so a finder on
`sys.meta_path` waits for the mappings to be imported by someone else, and registers then.
"""

import importlib.abc
import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

__all__ = ["register_auto_classes", "register_when_imported"]

_CONFIGURATIONS = "transformers.models.auto.configuration_auto"
_MODELS = "transformers.models.auto.modeling_auto"


def register_when_imported() -> None:
    """Register our classifiers with the auto classes: now where they are imported already, else once they are."""
    for module, register in ((_CONFIGURATIONS, _register_configuration), (_MODELS, _register_model)):
        if module in sys.modules:
            register()
        else:
            sys.meta_path.insert(0, _RegisteringFinder(module, register))


def register_auto_classes() -> None:
    """Register our classifiers with the auto classes now; imports torch."""
    _register_configuration()
    _register_model()


def _register_configuration() -> None:
    from transformers import AutoConfig

    from hf_newscls.modeling.configuration_newscls import NewsClassifierConfig
    from hf_newscls.modeling.configuration_windowed import WindowedClassifierConfig

    for config_class in (NewsClassifierConfig, WindowedClassifierConfig):
        AutoConfig.register(config_class.model_type, config_class, exist_ok=True)


def _register_model() -> None:
    from transformers import AutoModelForSequenceClassification

    from hf_newscls.modeling.configuration_newscls import NewsClassifierConfig
    from hf_newscls.modeling.configuration_windowed import WindowedClassifierConfig
    from hf_newscls.modeling.modeling_newscls import NewsClassifier
    from hf_newscls.modeling.modeling_windowed import WindowedClassifier

    AutoModelForSequenceClassification.register(NewsClassifierConfig, NewsClassifier, exist_ok=True)
    AutoModelForSequenceClassification.register(WindowedClassifierConfig, WindowedClassifier, exist_ok=True)


class _RegisteringFinder(importlib.abc.MetaPathFinder):
    """Finds one module as the other finders do, and calls `register` after its first import."""

    def __init__(self, module: str, register: Callable[[], None]) -> None:
        self._module = module
        self._register = register

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the module as others would, with a loader that registers afterwards."""
        if fullname != self._module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _RegisteringLoader(spec.loader, self._register)
        return spec


class _RegisteringLoader(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader, register: Callable[[], None]) -> None:
        self._loader = loader
        self._register = register

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to the loader of the module."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, then register."""
        self._loader.exec_module(module)
        self._register()
