"""The configuration of windowed models, also one that an earlier version saved."""

import json
from pathlib import Path

import pytest

from hf_newscls.modeling.configuration_windowed import WindowedClassifierConfig


@pytest.mark.parametrize("name", ["max_windows_a_step", "window_batch_size"])
def test_batch_size_is_read_under_its_old_and_new_name(name: str, tmp_path: Path) -> None:
    WindowedClassifierConfig(window_batch_size=5).save_pretrained(tmp_path)
    content = json.loads((tmp_path / "config.json").read_text())
    assert content.pop("window_batch_size") == 5
    (tmp_path / "config.json").write_text(json.dumps({**content, name: 3}))
    config = WindowedClassifierConfig.from_pretrained(tmp_path)
    assert config.window_batch_size == 3
    assert "max_windows_a_step" not in config.to_dict()
