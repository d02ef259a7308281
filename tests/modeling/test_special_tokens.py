"""Which tokens stand around a text, whatever the tokenizer."""

from pathlib import Path

import pytest
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer

from hf_newscls.errors import ModelError
from hf_newscls.modeling.special_tokens import SpecialTokens, find_special_tokens
from tests.tiny_models import save_encoder


@pytest.mark.parametrize(("architecture", "first", "last"), [("bert", "[CLS]", "[SEP]"), ("roberta", "<s>", "</s>")])
def test_special_tokens_are_those_around_a_text(architecture: str, first: str, last: str, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(save_encoder(tmp_path, architecture))
    special = find_special_tokens(tokenizer)
    assert tokenizer.convert_ids_to_tokens(special.prefix) == [first]
    assert tokenizer.convert_ids_to_tokens(special.suffix) == [last]


def test_either_side_may_have_none(tiny_encoder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="$A [SEP] [SEP]", special_tokens=[("[SEP]", 3)]
    )
    assert find_special_tokens(tokenizer) == SpecialTokens([], [3, 3])


def test_tokenizer_that_repeats_no_text_is_refused(tiny_encoder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="[CLS]", special_tokens=[("[CLS]", 2)])
    with pytest.raises(ModelError, match=r"into \[2\],"):
        find_special_tokens(tokenizer)
