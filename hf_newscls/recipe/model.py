"""The encoder, its head, windows and adapter."""

from types import NoneType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, ValidationError, model_validator

from hf_newscls.files import is_local_address
from hf_newscls.recipe.section import Section, Sha256

__all__ = ["AdapterSection", "ModelSection", "WindowsSection", "derive_max_length"]


def _check_plain(value: Any) -> Any:
    # Not a union of types: each of them would report an error of its own.
    if not isinstance(value, (bool, int, float, str, NoneType)):
        raise ValueError(f"must be a number, a text, true, false or null, got {value!r}")
    return value


class WindowsSection(Section):
    """Windows of a text, each read by the encoder by itself (Pappagari et al. 2019, arXiv 1910.10781)."""

    count: int = Field(ge=1, description="Windows of a text at most; the rest of it is cut off.")
    length: int = Field(ge=8, description="Tokens of a window, its special tokens included.")
    stride: int = Field(
        0, ge=0, description="Tokens that a window shares with the one before, as transformers' tokenizers mean it."
    )
    pooling: Literal["mean", "max", "attention", "gru"] = Field(
        "mean", description="What makes one vector of the windows; attention and gru learn with the head."
    )
    window_batch_size: int | None = Field(
        32,
        ge=1,
        description="Windows that run through the encoder at once; in training those before are computed anew in the "
        "backward pass, so that memory does not grow with a text. null runs all at once, as XLA always does.",
    )

    @property
    def max_length(self) -> int:
        """Tokens of all windows together, special tokens included."""
        return self.count * self.length

    @model_validator(mode="after")
    def _windows_move_on(self) -> "WindowsSection":
        if self.stride > self.length // 2:
            raise ValueError(
                f"`stride` must be at most half of `length`, got {self.stride} and {self.length}; it is the tokens "
                "that two windows share"
            )
        return self


class ModelSection(Section):
    """The pre-trained encoder and the head put on it."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model_name_or_path: str = Field(min_length=1, description="Hub id, local folder or package:module/path.")
    revision: str = Field("main", description="Branch, tag or commit on the Hub.")
    sha256: Sha256 | None = Field(None, description="SHA-256 of model.safetensors, checked for package: models.")
    base_model: str | None = Field(None, description="Hub id for the card where model_name_or_path is not one.")
    head: Literal["stock", "two_layer"] = Field(
        "stock", description="stock: the architecture's own head. two_layer: H-64-L with LayerNorm and Tanh."
    )
    head_dropout: float | None = Field(None, ge=0, lt=1, description="Dropout of the two_layer head; 0.4 if unset.")
    max_length: int = Field(
        256,
        ge=8,
        description="Tokens per text, special tokens included; the rest is cut off. With windows it is their count "
        "times their length, which null stands for.",
        json_schema_extra={"type": ["integer", "null"]},
    )
    windows: WindowsSection | None = Field(
        None, description="Read a text in several windows and pool them, in place of its first tokens alone."
    )
    truncation: Literal["head", "tail", "head_tail"] = Field(
        "head",
        description="What is kept of a text that is longer: its beginning, its end, or a quarter from the beginning "
        "and the rest from the end.",
    )
    pad_to: list[Annotated[int, Field(ge=8)]] | None = Field(
        None,
        min_length=1,
        description="Lengths that batches are padded to, ascending up to max_length; if unset, max_length alone on a "
        "TPU, where each length is compiled, and the length of the longest row elsewhere.",
    )
    config: dict[str, Annotated[Any, AfterValidator(_check_plain)]] = Field(
        {}, description="Values of the model's config to change, as in attention_probs_dropout_prob: 0."
    )

    @model_validator(mode="before")
    @classmethod
    def _windows_say_the_length(cls, values: Any) -> Any:
        return derive_max_length(values)

    @model_validator(mode="after")
    def _windows_hold_every_token(self) -> "ModelSection":
        if self.windows is not None and self.max_length != self.windows.max_length:
            raise ValueError(
                f"`max_length` must be `windows.count` times `windows.length`, {self.windows.max_length}, "
                f"got {self.max_length}; write `max_length: null`"
            )
        return self

    @model_validator(mode="after")
    def _checksum_needs_a_file(self) -> "ModelSection":
        if self.sha256 and not is_local_address(self.model_name_or_path):
            raise ValueError(
                f"`sha256` must go with a local model, got the Hub id {self.model_name_or_path!r}; pin its `revision`"
            )
        return self

    @model_validator(mode="after")
    def _lengths_hold_every_text(self) -> "ModelSection":
        if self.pad_to and (self.pad_to != sorted({*self.pad_to}) or self.pad_to[-1] != self.max_length):
            raise ValueError(
                f"`pad_to` must ascend and end with `max_length`, got {self.pad_to} and {self.max_length}; "
                f"write for example [{self.max_length // 2}, {self.max_length}]"
            )
        return self

    @model_validator(mode="after")
    def _dropout_needs_its_head(self) -> "ModelSection":
        if self.head == "stock" and self.head_dropout is not None:
            raise ValueError(
                f"`head_dropout` must go with `head: two_layer`, got {self.head_dropout} with `head: stock`; "
                "set `config.classifier_dropout` for a stock head"
            )
        return self


class AdapterSection(Section):
    """A low-rank adapter that learns in place of the encoder's weights (LoRA: Hu et al. 2021, arXiv 2106.09685)."""

    r: int = Field(8, ge=1, description="Width of the adapter's matrices.")
    lora_alpha: int = Field(16, ge=1, description="What the adapter adds is multiplied by lora_alpha / r.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout before the adapter.")
    target_modules: list[str] | None = Field(
        None, min_length=1, description="Linear layers that get an adapter; those usual for the architecture if unset."
    )
    merge: bool = Field(
        True, description="Whether what is saved and published is a plain model, the adapter added into its weights."
    )


def derive_max_length(values: Any) -> Any:
    """Return the values of a model section with the `max_length` that follows from its windows, where it has none.

    Values that are no mapping, or windows that are not right, are left to pydantic.

    >>> derive_max_length({"windows": {"count": 4, "length": 512}})["max_length"]
    2048
    >>> derive_max_length({"max_length": None})
    {}
    """
    if not isinstance(values, dict) or values.get("max_length") is not None:
        return values
    rest = {name: value for name, value in values.items() if name != "max_length"}
    try:
        windows = WindowsSection.model_validate(values.get("windows"))
    except ValidationError:
        return rest
    return {**rest, "max_length": windows.max_length}
