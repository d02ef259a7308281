"""A sample submission decides ids, order and spelling; what does not fit it is refused."""

from pathlib import Path

import pyarrow as pa
import pytest

from hf_newscls.errors import DataError
from hf_newscls.inference.submission import check_ids, fill_submission, find_spelling, read_submission

LABELS = ["FAKE", "REAL"]


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "sample_submission.csv"
    path.write_text("Id,Target\n7,real\n3,real\n5,real\n")
    return path


def test_rows_are_those_of_the_sample_in_its_order(sample: Path) -> None:
    submission = read_submission(sample, LABELS)
    answers = pa.table({"Id": ["3", "4", "5", "7"], "prediction": ["FAKE", "REAL", "REAL", "FAKE"]})
    check_ids(submission, answers.column("Id"), source_name="test.csv")
    assert fill_submission(submission, answers).to_pydict() == {
        "Id": ["7", "3", "5"],
        "Target": ["fake", "fake", "real"],
    }


@pytest.mark.parametrize(
    ("labels", "wanted", "spelled"),
    [
        (["FAKE", "REAL"], ["REAL"], ["FAKE", "REAL"]),
        (["FAKE", "REAL"], ["Fake"], ["Fake", "Real"]),
        (["world news"], ["World News"], ["World News"]),
        (["0", "1"], ["0"], ["0", "1"]),
        (["0.0", "1.0"], ["1"], ["0", "1"]),
        (["0", "1"], ["0.0"], ["0.0", "1.0"]),
        (["True", "False"], ["true"], ["true", "false"]),
    ],
)
def test_labels_are_spelled_as_in_the_sample(labels: list[str], wanted: list[str], spelled: list[str]) -> None:
    assert find_spelling(labels, wanted) == dict(zip(labels, spelled, strict=True))


@pytest.mark.parametrize(
    ("labels", "wanted"), [(["FAKE", "REAL"], ["spam"]), (["a", "A"], ["b"]), (["FAKE", "REAL"], ["FAKE", "real"])]
)
def test_other_labels_have_no_spelling(labels: list[str], wanted: list[str]) -> None:
    assert find_spelling(labels, wanted) is None


def test_columns_of_a_sample_with_probabilities_are_labels(tmp_path: Path) -> None:
    path = tmp_path / "sample.csv"
    path.write_text("id,real,fake\nb,0.5,0.5\na,0.5,0.5\n")
    submission = read_submission(path, LABELS)
    assert submission.form.probabilities
    answers = pa.table({"id": ["a", "b"], "probability of FAKE": [0.1, 0.2], "probability of REAL": [0.9, 0.8]})
    assert fill_submission(submission, answers).to_pydict() == {
        "id": ["b", "a"],
        "real": [0.8, 0.9],
        "fake": [0.2, 0.1],
    }


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("id,label\n1,SPAM\n", "'SPAM'.*'FAKE', 'REAL'"),
        ("id,fake,other\n1,0,0\n", "'other'.*'FAKE', 'REAL'"),
        ("id,fake,real,other\n1,0,0,0\n", "'other'"),
        ("id\n1\n", "'id'"),
        ("id,label\n1,FAKE\n1,REAL\n", "'1'"),
        ("id,label\n,FAKE\n2,REAL\n", "1 rows without"),
    ],
)
def test_sample_that_does_not_fit_is_refused(content: str, named: str, tmp_path: Path) -> None:
    path = tmp_path / "sample.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=named):
        read_submission(path, LABELS)


@pytest.mark.parametrize(("ids", "named"), [(["7", "3"], "'5'"), (["7", "3", "5", "3"], "'3'")])
def test_ids_that_do_not_answer_the_sample_are_refused(ids: list[str], named: str, sample: Path) -> None:
    with pytest.raises(DataError, match=named):
        check_ids(read_submission(sample, LABELS), pa.chunked_array([ids]), source_name="test.csv")
