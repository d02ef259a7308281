"""Where an encoder came from: its commit and what its own card says of its licence."""

import shutil
from pathlib import Path

import pytest

from hf_newscls.modeling.sources.fetch import EncoderOrigin, describe_origin, find_encoder
from hf_newscls.recipe.model import ModelSection
from tests.hub_server import HubServer


@pytest.mark.parametrize(
    ("card", "license"),
    [
        ("---\nlicense: mit\n---\n# Encoder\n", "mit"),
        ("---\nlicense: [mit, apache-2.0]\n---\n", None),
        ("---\nlicense: {a: b\n---\n", None),
        ("---\n- mit\n---\n", None),
        ("# No metadata\n", None),
        (None, None),
    ],
)
def test_license_is_that_of_the_encoders_card(card: str | None, license: str | None, tmp_path: Path) -> None:
    if card is not None:
        (tmp_path / "README.md").write_text(card)
    section = ModelSection(model_name_or_path=str(tmp_path))
    assert describe_origin(section) == EncoderOrigin(None, license)


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # huggingface_hub about itself
def test_encoder_of_the_hub_has_its_commit(hub_here: HubServer, tiny_encoder: Path, tmp_path: Path) -> None:
    from huggingface_hub import HfApi

    folder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    api = HfApi(endpoint=hub_here.endpoint)
    repo_id = api.create_repo("encoder").repo_id
    commit = api.upload_folder(repo_id=repo_id, folder_path=folder).oid
    section = ModelSection(model_name_or_path=repo_id)
    find_encoder(section)
    assert describe_origin(section) == EncoderOrigin(commit, "mit")


def test_encoder_without_a_cache_entry_has_no_origin(hub_here: HubServer) -> None:
    assert describe_origin(ModelSection(model_name_or_path="owner/encoder")) == EncoderOrigin(None, None)
