"""Transient failures are tried again, others are raised at once, and no message contains a token."""

import time
from json import JSONDecodeError

import pytest
from httpx2 import Request, Response
from huggingface_hub import DatasetInfo
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

from hf_newscls.errors import DataError, PublishError
from hf_newscls.hub.retry import call_hub


class Answers:
    """An action that raises the given failures, one after the other, and then succeeds."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = [*failures]
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "done"


def refusal(status: int, **headers: str) -> HfHubHTTPError:
    response = Response(status, headers=headers, request=Request("GET", "http://hub"))
    return HfHubHTTPError(f"{status} of the Hub", response=response)


def read_status(error: PublishError) -> int:
    assert isinstance(error.__cause__, HfHubHTTPError)
    return error.__cause__.response.status_code


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits, in seconds."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


@pytest.mark.parametrize("status", [408, 412, 429, 500, 502, 503, 504])
def test_transient_status_is_tried_again(status: int, waits: list[float]) -> None:
    action = Answers(refusal(status), refusal(status))
    assert call_hub(action, what="listen") == "done"
    assert waits == [1.0, 2.0]


@pytest.mark.parametrize(
    "error",
    [ConnectionError("cut"), JSONDecodeError("no value", "<html>", 0)],
)
def test_lost_connection_and_response_of_a_proxy_are_tried_again(error: Exception) -> None:
    assert call_hub(Answers(error), what="listen") == "done"


def test_retry_after_sets_the_wait(waits: list[float]) -> None:
    call_hub(Answers(refusal(429, **{"Retry-After": "7"}), refusal(429, **{"Retry-After": "4000"})), what="listen")
    assert waits == [7.0, 60.0]


@pytest.mark.parametrize(
    "error", [refusal(400), refusal(403), ValueError("a bad name"), RuntimeError("no way"), OfflineModeIsEnabled()]
)
def test_permanent_failure_is_raised_at_once(error: Exception, waits: list[float]) -> None:
    action = Answers(error)
    with pytest.raises(PublishError, match=r"listen.*; shout"):
        call_hub(action, what="listen", remedy="shout")
    assert (action.calls, waits) == (1, [])


def test_third_failure_is_the_last() -> None:
    action = Answers(*(refusal(500) for _ in range(5)))
    with pytest.raises(PublishError, match=r"listen.*500") as caught:
        call_hub(action, what="listen")
    assert read_status(caught.value) == 500
    assert action.calls == 3


@pytest.mark.parametrize(("status", "calls"), [(412, 2), (503, 1)])
def test_after_a_long_upload_only_a_conflict_is_tried_again(
    status: int, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter((0.0, 3600.0))
    monkeypatch.setattr(time, "monotonic", lambda: next(seconds))
    action = Answers(refusal(status))
    if calls == 1:
        with pytest.raises(PublishError, match=r"listen.*503") as caught:
            call_hub(action, what="listen")
        assert read_status(caught.value) == 503
    else:
        assert call_hub(action, what="listen") == "done"
    assert action.calls == calls


def test_field_that_huggingface_hub_misses_is_a_failure_of_the_hub(waits: list[float]) -> None:
    with pytest.raises(PublishError):
        call_hub(lambda: DatasetInfo(message="no upstream"), what="listen")
    assert len(waits) == 2


@pytest.mark.parametrize("error", [KeyError("id"), TypeError(), AttributeError()])
def test_fault_of_our_own_code_passes_unchanged(error: Exception) -> None:
    action = Answers(error)
    with pytest.raises(type(error)):
        call_hub(action, what="listen")
    assert action.calls == 1


@pytest.mark.parametrize("error", [PublishError("a: no card"), DataError("a: no rows")])
def test_our_own_error_passes_unchanged(error: Exception) -> None:
    action = Answers(error)
    with pytest.raises(type(error)) as caught:
        call_hub(action, what="listen")
    assert caught.value is error
    assert action.calls == 1


def test_token_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "not-of-the-usual-form")
    secret = "hf_" + "aB3" * 12
    with pytest.raises(PublishError) as caught:
        call_hub(Answers(ValueError(f"{secret} and not-of-the-usual-form")), what="listen")
    assert "hf_… and hf_…" in str(caught.value)


def test_signature_of_a_url_is_masked() -> None:
    reason = "Server error '507' for url 'https://files.example/blob?X-Amz-Signature=abc&Expires=9' (no room)"
    with pytest.raises(PublishError, match=r"for url 'https://files\.example/blob\?…' \(no room\)") as caught:
        call_hub(Answers(ValueError(reason)), what="listen")
    assert "Signature" not in str(caught.value)
