"""The recipe's `model` and `adapter` sections."""

from types import NoneType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, ValidationError, model_validator

from hf_newscls.files import is_local_address
from hf_newscls.recipe.section import Section, Sha256


def _check_plain(value: Any) -> Any:
    # Not a union of types: pydantic reports one error for each type of a union.
    if not isinstance(value, (bool, int, float, str, NoneType)):
        raise ValueError("must be a number, a text, true, false or null")
    return value


class WindowsSection(Section):
    """Windows of a long text, which the encoder reads separately (Pappagari et al. 2019, arXiv 1910.10781)."""

    count: int = Field(ge=1)
    """Maximum number of windows of a text; the rest of the text is cut off."""
    length: int = Field(ge=8)
    """Length of a window in tokens, special tokens included."""
    stride: int = Field(0, ge=0)
    """Overlap of two neighboring windows in tokens, as in the tokenizers of transformers."""
    pooling: Literal["mean", "max", "attention", "gru"] = "mean"
    """How the windows become one vector; attention and gru are trained with the head."""
    window_batch_size: int | None = Field(32, ge=1)
    """Windows that the encoder reads at once, so that memory does not grow with the length of a text; in training
    they are recomputed in the backward pass. null: all at once, as always on XLA."""

    @property
    def max_length(self) -> int:
        """Tokens of all windows together, special tokens included."""
        return self.count * self.length

    @model_validator(mode="after")
    def _check_stride(self) -> "WindowsSection":
        if self.stride > self.length // 2:
            raise ValueError(
                f"stride is {self.stride}, but must be at most half of length ({self.length}); stride is the overlap "
                "of two windows"
            )
        return self


class ModelSection(Section):
    """The pre-trained encoder and its classification head."""

    model_config = ConfigDict(protected_namespaces=())

    model_name_or_path: str = Field(min_length=1)
    """The encoder: a Hub id, a local folder or package:module/path. A recipe or an override that changes it drops the
    inherited revision, sha256 and base_model."""
    revision: str = "main"
    """Branch, tag or commit on the Hub."""
    sha256: Sha256 | None = None
    """Expected SHA-256 of model.safetensors, for local models."""
    base_model: str | None = None
    """Hub id of the encoder for the card, if model_name_or_path is a local path."""
    head: Literal["stock", "two_layer"] = "stock"
    """stock: the architecture's own head. two_layer: dropout, a layer of 64 units with LayerNorm and Tanh, dropout, an
    output layer."""
    head_dropout: float | None = Field(None, ge=0, lt=1)
    """Dropout rate of the two_layer head. If unset, 0.4."""
    max_length: int = Field(256, ge=8, json_schema_extra={"type": ["integer", "null"]})
    """Maximum number of tokens of a text, special tokens included; the rest is cut off. null: 256, or with windows
    their count times their length, which is the only value allowed with them."""
    windows: WindowsSection | None = None
    """Read a long text in several windows and pool them. null: read only max_length tokens."""
    truncation: Literal["head", "tail", "head_tail"] = "head"
    """Which tokens of a longer text are kept: the first, the last, or a quarter from the beginning and the rest from
    the end."""
    pad_to: list[Annotated[int, Field(ge=8)]] | None = Field(None, min_length=1)
    """Lengths in tokens to which batches are padded, ascending; the last one is max_length. If unset: only max_length
    on a TPU, where each new length is compiled, and the longest row of the batch elsewhere."""
    config: dict[str, Annotated[Any, AfterValidator(_check_plain)]] = Field({})
    """Values of the encoder's configuration to change, as in attention_probs_dropout_prob: 0."""

    @model_validator(mode="before")
    @classmethod
    def _fill_max_length(cls, values: Any) -> Any:
        """Derive a `max_length` that is not given from the windows; wrong windows are reported by their own field."""
        if not isinstance(values, dict) or values.get("max_length") is not None:
            return values
        rest = {name: value for name, value in values.items() if name != "max_length"}
        try:
            return {**rest, "max_length": WindowsSection.model_validate(values.get("windows")).max_length}
        except ValidationError:
            return rest

    @model_validator(mode="after")
    def _check_lengths(self) -> "ModelSection":
        if self.windows is not None and self.max_length != self.windows.max_length:
            raise ValueError(
                f"max_length is {self.max_length}, but must be windows.count times windows.length "
                f"({self.windows.max_length}); write `max_length: null`"
            )
        if self.pad_to and (self.pad_to != sorted({*self.pad_to}) or self.pad_to[-1] != self.max_length):
            raise ValueError(
                f"pad_to is {self.pad_to}, but must ascend and end with max_length ({self.max_length}); write for "
                f"example [{self.max_length // 2}, {self.max_length}]"
            )
        return self

    @model_validator(mode="after")
    def _check_source_and_head(self) -> "ModelSection":
        if self.sha256 and not is_local_address(self.model_name_or_path):
            fix = "set revision to a commit" if self.revision == "main" else "remove it, revision is set"
            raise ValueError(
                f"sha256 is only for local models, but model_name_or_path is the Hub id {self.model_name_or_path!r}; "
                f"{fix}"
            )
        if self.head == "stock" and self.head_dropout is not None:
            raise ValueError(
                f"head_dropout is {self.head_dropout}, but head is 'stock'; write `head: two_layer`, or set "
                "config.classifier_dropout"
            )
        return self


class AdapterSection(Section):
    """A low-rank adapter that is trained instead of the encoder's weights (LoRA: Hu et al. 2021, arXiv 2106.09685)."""

    r: int = Field(8, ge=1)
    """Rank of the adapter's matrices."""
    lora_alpha: int = Field(16, ge=1)
    """The adapter's output is scaled by lora_alpha / r."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout rate of the adapter's input."""
    target_modules: list[str] | None = Field(None, min_length=1)
    """Names of the linear layers that get an adapter. If unset, the usual ones of the architecture."""
    merge: bool = True
    """Save and publish a plain model with the adapter merged in; false: only the adapter."""
