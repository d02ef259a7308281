"""The page of a demo, and a FastAPI server as in the docs, answer as `pipeline()` does; both are called over HTTP."""

import json
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from hf_newscls.modeling.registration import register
from hf_newscls.runs.folder import RunFolder
from hf_newscls.workflow import publish
from tests.conftest import FinishedRun
from tests.hub_server import HubServer
from tests.processes import Result, build_environment, check_refusal

# huggingface_hub uploads with a deprecated argument of its HTTP client.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

TEXTS = ("goal coach league match medal", "planet cells fossil " * 40)
DOCS = Path(__file__).parents[2] / "docs" / "serving.md"


def find_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def serving(command: Sequence[str], url: str, *, cwd: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Run a server until the end of the block, which begins when the server answers."""
    process = subprocess.Popen(
        command, cwd=cwd, env={**environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    )
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise AssertionError(process.communicate()[0])
            try:
                urlopen(url, timeout=10).close()
                break
            except OSError:
                time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=60)


def classify(model: Path, texts: Sequence[str]) -> list[dict[str, float]]:
    """Return what the pipeline says."""
    from transformers import pipeline

    register()
    classifier: Any = pipeline("text-classification", model=str(model), top_k=None)
    return [{one["label"]: one["score"] for one in answer} for answer in classifier([*texts], truncation=True)]


def test_missing_gradio_is_refused(
    tiny_run: FinishedRun, call: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    check_refusal(call("demo", str(tiny_run.run.path)), "gradio", "hf-newscls[demo]")


@pytest.mark.slow
def test_page_answers_as_the_pipeline(tiny_run: FinishedRun, tmp_path: Path) -> None:
    client = pytest.importorskip("gradio_client")
    run = RunFolder(Path(shutil.copytree(tiny_run.run.path, tmp_path / "run")))
    run.recipe.write_text(run.recipe.read_text().replace("explain: false", "explain: true"))
    port = find_port()
    url = f"http://127.0.0.1:{port}"
    environment = build_environment(tmp_path / "home", GRADIO_SERVER_PORT=str(port))
    command = [sys.executable, "-m", "hf_newscls", "demo", str(run.path)]
    with serving(command, url, cwd=tmp_path, environment=environment):
        page = client.Client(url, verbose=False, download_files=False)
        answers = [page.predict(text, api_name="/classify") for text in (*TEXTS, " \n")]
        effects = page.predict(TEXTS[0], api_name="/explain")
    for answer, expected in zip(answers, [*classify(run.model, TEXTS), {}], strict=True):
        assert [*answer] == [*expected]
        assert answer == pytest.approx(expected, abs=1e-6)
    assert [one["token"].strip() for one in effects] == TEXTS[0].split()


@pytest.mark.slow
def test_space_runs_the_code_of_its_model(tiny_two_layer_run: FinishedRun, tmp_path: Path, hub_here: HubServer) -> None:
    client = pytest.importorskip("gradio_client")
    run = tiny_two_layer_run.run
    publish(run.path, repo_id="owner/tiny", space=True)
    for name, content in hub_here.repos["spaces/owner/tiny"].files.items():
        (tmp_path / name).write_bytes(content)
    port = find_port()
    url = f"http://127.0.0.1:{port}"
    environment = build_environment(tmp_path / "home", GRADIO_SERVER_PORT=str(port), **hub_here.build_environment())
    # -I: as in a Space, our package is not found.
    with serving([sys.executable, "-I", "app.py"], url, cwd=tmp_path, environment=environment):
        page = client.Client(url, verbose=False, download_files=False)
        answer = page.predict(TEXTS[0], api_name="/classify")
    assert answer == pytest.approx(classify(run.model, TEXTS[:1])[0], abs=1e-6)


@pytest.mark.slow
def test_fastapi_lines_of_the_docs_answer_as_the_pipeline(tiny_run: FinishedRun, tmp_path: Path) -> None:
    pytest.importorskip("uvicorn")
    (code,) = re.findall(r"```python\n(from fastapi .*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)
    address = "runs/quickstart/latest/model"
    assert code.count(address) == 1
    (tmp_path / "serve.py").write_text(code.replace(address, str(tiny_run.run.model)), encoding="utf-8")
    port = find_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "uvicorn", "serve:app", "--port", str(port), "--log-level", "warning"]
    with serving(command, f"{url}/docs", cwd=tmp_path, environment=build_environment(tmp_path / "home")):
        body = json.dumps(TEXTS).encode()
        with urlopen(Request(f"{url}/classify", body, {"Content-Type": "application/json"}), timeout=60) as response:
            answers = json.load(response)
    for answer, expected in zip(answers, classify(tiny_run.run.model, TEXTS), strict=True):
        assert {one["label"]: one["score"] for one in answer} == pytest.approx(expected, abs=1e-6)
