"""What a recipe may say of windows: how a text that is longer than the encoder reads is cut into several."""

from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from hf_newscls.recipe_data import Section

__all__ = ["WindowsSection", "derive_max_length"]


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
    max_windows_a_step: int | None = Field(
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
