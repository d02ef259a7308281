"""Register our classifiers with the auto classes of transformers."""

from transformers import AutoConfig, AutoModelForSequenceClassification

from hf_newscls.modeling.configuration_newscls import NewsClassifierConfig
from hf_newscls.modeling.configuration_windowed import WindowedClassifierConfig
from hf_newscls.modeling.modeling_newscls import NewsClassifier
from hf_newscls.modeling.modeling_windowed import WindowedClassifier


def register() -> None:
    """Let `pipeline()` and the auto classes load our two-layer and windowed models without `trust_remote_code`.

    The package calls it wherever it loads a model. A second call changes nothing.
    """
    AutoConfig.register(NewsClassifierConfig.model_type, NewsClassifierConfig, exist_ok=True)
    AutoConfig.register(WindowedClassifierConfig.model_type, WindowedClassifierConfig, exist_ok=True)
    AutoModelForSequenceClassification.register(NewsClassifierConfig, NewsClassifier, exist_ok=True)
    AutoModelForSequenceClassification.register(WindowedClassifierConfig, WindowedClassifier, exist_ok=True)
