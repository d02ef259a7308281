"""Texts become token ids, cut off at the model's length."""

from pathlib import Path

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from hf_newscls.errors import ModelError
from hf_newscls.modeling.tokenization import (
    count_tokens,
    encode_texts,
    find_special_tokens,
    log_summary,
    tokenize_splits,
)
from tests.tiny_models import save_encoder

# With [CLS] and [SEP]: 4, 7, 2 and 12 tokens, as each word of the tiny news is a token of its own.
TEXTS = ["bank shares", "planet in the north orbit", "", "goal coach league match medal over the long week after"]
LENGTHS = [4, 7, 2, 12]


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(tiny_encoder)


@pytest.fixture(scope="module")
def splits() -> DatasetDict:
    features = Features(
        id=Value("string"), text=Value("string"), label=ClassLabel(names=["A", "B"]), date=Value("string")
    )
    content = {"id": list("abcd"), "text": TEXTS, "label": [0, 1, 1, 0], "date": ["2020"] * 4}
    dataset = Dataset.from_dict(content, features=features)
    return DatasetDict(train=dataset, validation=dataset.select([1]), test=dataset.select([3, 0]))


@pytest.mark.parametrize("max_length", [8, 12, 32])
def test_texts_are_cut_off_at_the_length(
    max_length: int, splits: DatasetDict, tokenizer: PreTrainedTokenizerBase
) -> None:
    train = tokenize_splits(splits, tokenizer, max_length=max_length)["train"]
    expected = [min(length, max_length) for length in LENGTHS]
    assert [len(ids) for ids in train["input_ids"]] == expected
    assert [sum(mask) for mask in train["attention_mask"]] == expected


def test_cut_keeps_the_start_and_both_special_tokens(splits: DatasetDict, tokenizer: PreTrainedTokenizerBase) -> None:
    ids = tokenize_splits(splits, tokenizer, max_length=8)["train"]["input_ids"][3]
    tokens = " ".join(tokenizer.convert_ids_to_tokens(ids))
    assert tokens == "[CLS] goal coach league match medal over [SEP]"


def test_every_split_keeps_its_rows_in_order(splits: DatasetDict, tokenizer: PreTrainedTokenizerBase) -> None:
    tokenized = tokenize_splits(splits, tokenizer, max_length=32)
    assert {split: [len(ids) for ids in rows["input_ids"]] for split, rows in tokenized.items()} == {
        "train": LENGTHS,
        "validation": [7],
        "test": [12, 4],
    }
    assert {split: rows["labels"][:] for split, rows in tokenized.items()} == {
        "train": [0, 1, 1, 0],
        "validation": [1],
        "test": [0, 0],
    }


def test_columns_are_what_the_model_reads(splits: DatasetDict, tokenizer: PreTrainedTokenizerBase) -> None:
    tokenized = tokenize_splits(splits, tokenizer, max_length=32)
    expected = {*tokenizer.model_input_names, "labels"}
    assert all({*rows.column_names} == expected for rows in tokenized.values())


def test_splits_stay_as_they_were(splits: DatasetDict, tokenizer: PreTrainedTokenizerBase) -> None:
    tokenize_splits(splits, tokenizer, max_length=8)
    assert splits["train"].column_names == ["id", "text", "label", "date"]
    assert splits["train"]["text"][:] == TEXTS


def test_more_rows_than_a_batch_holds(tokenizer: PreTrainedTokenizerBase) -> None:
    texts = ["bank " * (index % 7) for index in range(2_345)]
    dataset = Dataset.from_dict({"text": texts, "label": [index % 2 for index in range(2_345)]})
    tokenized = tokenize_splits(DatasetDict(train=dataset), tokenizer, max_length=6)["train"]
    assert [len(ids) for ids in tokenized["input_ids"]] == [min(index % 7 + 2, 6) for index in range(2_345)]
    assert count_tokens(texts, tokenizer).lengths.tolist() == [index % 7 + 2 for index in range(2_345)]


def test_tokens_are_counted_before_the_cut(tokenizer: PreTrainedTokenizerBase) -> None:
    texts = [*TEXTS, "bank " * 500]  # the tokenizer's own limit is 64
    assert count_tokens(texts, tokenizer).lengths.tolist() == [*LENGTHS, 502]


def test_no_text_has_no_counts(tokenizer: PreTrainedTokenizerBase) -> None:
    counts = count_tokens([], tokenizer)
    assert (counts.lengths.tolist(), counts.unknown.tolist()) == ([], [])


@pytest.fixture(scope="module")
def roberta(real_data: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(real_data / "tokenizers" / "roberta-base")


ROBERTA_TEXT = "Target's Wedding Dresses Are Nicer Than You Might Think (VIDEO)"
ROBERTA_IDS = [0, 41858, 18, 21238, 211, 13937, 3945, 13608, 254, 15446, 370, 30532, 9387, 36, 36662, 43, 2]


def test_real_roberta_gives_the_published_ids(roberta: PreTrainedTokenizerBase) -> None:
    dataset = Dataset.from_dict({"text": [ROBERTA_TEXT], "label": [0]})
    tokenized = tokenize_splits(DatasetDict(test=dataset), roberta, max_length=256)["test"]
    assert tokenized["input_ids"][0] == ROBERTA_IDS
    assert count_tokens([ROBERTA_TEXT], roberta).lengths.tolist() == [17]


def test_real_roberta_cuts_before_the_end_token(roberta: PreTrainedTokenizerBase) -> None:
    dataset = Dataset.from_dict({"text": [ROBERTA_TEXT], "label": [0]})
    tokenized = tokenize_splits(DatasetDict(test=dataset), roberta, max_length=8)["test"]
    assert tokenized["input_ids"][0] == [*ROBERTA_IDS[:7], 2]


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("bert-base-cased", ["[CLS]", "Storm", "hits", "Paris", "[SEP]"]),
        ("bert-base-uncased", ["[CLS]", "storm", "hits", "paris", "[SEP]"]),
    ],
)
def test_real_bert_keeps_or_folds_case(name: str, tokens: list[str], real_data: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(real_data / "tokenizers" / name)
    dataset = Dataset.from_dict({"text": ["Storm hits Paris"], "label": [0]})
    tokenized = tokenize_splits(DatasetDict(test=dataset), tokenizer, max_length=16)["test"]
    assert tokenizer.convert_ids_to_tokens(tokenized["input_ids"][0]) == tokens


# Eight tokens of twelve, two of them special: of the six words a quarter, one, comes from the beginning.
@pytest.mark.parametrize(
    ("truncation", "kept"),
    [
        ("head", "goal coach league match medal over"),
        ("tail", "medal over the long week after"),
        ("head_tail", "goal over the long week after"),
    ],
)
def test_truncation_cuts_where_it_should(
    truncation: str, kept: str, splits: DatasetDict, tokenizer: PreTrainedTokenizerBase
) -> None:
    rows = tokenize_splits(splits, tokenizer, max_length=8, truncation=truncation)["train"]
    assert tokenizer.convert_ids_to_tokens(rows["input_ids"][3]) == ["[CLS]", *kept.split(), "[SEP]"]
    assert [sum(mask) for mask in rows["attention_mask"]] == [4, 7, 2, 8]
    assert tokenizer.convert_ids_to_tokens(rows["input_ids"][0]) == ["[CLS]", "bank", "shares", "[SEP]"]
    encoded = encode_texts(TEXTS, tokenizer, max_length=8, truncation=truncation)
    assert encoded.rows["input_ids"] == rows["input_ids"][:]
    assert encoded.counts.lengths.tolist() == [*map(len, tokenizer(TEXTS)["input_ids"])]


def test_what_is_cut_off_is_logged(
    splits: DatasetDict, tokenizer: PreTrainedTokenizerBase, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="hf_newscls"):
        tokenize_splits(splits, tokenizer, max_length=6)
    # One and six of 25 tokens are too many; of validation one of seven, of test six of sixteen.
    assert [line.getMessage() for line in caplog.records] == [
        "train: 2 of 4 texts are longer than 6 tokens, 28.0% of all tokens are cut off",
        "validation: 1 of 1 texts are longer than 6 tokens, 14.3% of all tokens are cut off",
        "test: 1 of 2 texts are longer than 6 tokens, 37.5% of all tokens are cut off",
    ]


def test_unknown_tokens_are_counted_and_logged(
    tokenizer: PreTrainedTokenizerBase, caplog: pytest.LogCaptureFixture
) -> None:
    texts = ["bank 股市", "股市 bank 股市 shares", "bank [SEP] shares"]
    counts = count_tokens(texts, tokenizer)
    assert (counts.unknown.tolist(), counts.special) == ([2, 4, 0], 2)
    with caplog.at_level("INFO", logger="hf_newscls"):
        log_summary("to predict", encode_texts(texts, tokenizer, max_length=32).counts, max_length=32)
    # Six of the twelve tokens between [CLS] and [SEP].
    assert [line.getMessage() for line in caplog.records] == [
        "to predict: 50.0% of the tokens are unknown to the tokenizer"
    ]


def test_byte_level_tokenizer_knows_all_tokens(tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(save_encoder(tmp_path, "roberta"))
    assert count_tokens(["股市 bank", "ข่าว"], tokenizer).unknown.tolist() == [0, 0]


def test_special_token_is_not_unknown_where_it_has_the_same_id(tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(save_encoder(tmp_path, "roberta"))
    tokenizer.unk_token = tokenizer.eos_token
    assert count_tokens(["bank", "bank </s> bank"], tokenizer).unknown.tolist() == [0, 1]


@pytest.mark.parametrize(("architecture", "first", "last"), [("bert", "[CLS]", "[SEP]"), ("roberta", "<s>", "</s>")])
def test_special_tokens_are_those_around_a_text(architecture: str, first: str, last: str, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(save_encoder(tmp_path, architecture))
    prefix, suffix = find_special_tokens(tokenizer)
    assert tokenizer.convert_ids_to_tokens(prefix) == [first]
    assert tokenizer.convert_ids_to_tokens(suffix) == [last]


def test_either_side_may_have_none(tiny_encoder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="$A [SEP] [SEP]", special_tokens=[("[SEP]", 3)]
    )
    assert find_special_tokens(tokenizer) == ([], [3, 3])


def test_tokenizer_that_repeats_no_text_is_refused(tiny_encoder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="[CLS]", special_tokens=[("[CLS]", 2)])
    with pytest.raises(ModelError, match=r"into \[2\],"):
        find_special_tokens(tokenizer)
