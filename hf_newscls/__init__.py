"""From a news file to a fine-tuned classifier on the Hugging Face Hub.

After `import hf_newscls` the auto classes and `pipeline()` of transformers load models with a two-layer head without
`trust_remote_code`. The import itself loads neither torch nor transformers.
"""

from hf_newscls.modeling.registration import register_when_imported

__all__ = ["__version__"]

__version__ = "0.1.0"

register_when_imported()
