"""Routes for jobs: hardware, start, list, log, cancel."""

import json
import time
from datetime import datetime, timezone
from typing import Any

from tests.hub_server.jobs import Job
from tests.hub_server.messages import Refusal, Request, Response

# Prices in millionths of a dollar a minute, as the Hub's documentation lists them.
_T4 = {"type": "gpu", "model": "T4", "quantity": "1", "vram": "16 GB", "manufacturer": "Nvidia"}
_L4X4 = {"type": "gpu", "model": "L4", "quantity": "4", "vram": "96 GB", "manufacturer": "Nvidia"}
_HARDWARE = (
    ("cpu-basic", "CPU Basic", "2 vCPU", "16 GB", None, 167),
    ("t4-small", "Nvidia T4 - small", "4 vCPU", "15 GB", _T4, 6667),
    ("t4-medium", "Nvidia T4 - medium", "8 vCPU", "30 GB", _T4, 10000),
    ("l4x4", "4x Nvidia L4", "48 vCPU", "186 GB", _L4X4, 63333),
)
_WAIT_SECONDS = 0.2


def list_hardware(request: Request) -> Response:
    """Answer GET /api/jobs/hardware."""
    return Response.from_json(
        [
            {
                "name": name,
                "prettyName": pretty,
                "cpu": cpu,
                "ram": ram,
                "accelerator": gpu,
                "unitCostMicroUSD": price,
                "unitCostUSD": price / 1e6,
                "unitLabel": "minute",
            }
            for name, pretty, cpu, ram, gpu, price in _HARDWARE
        ]
    )


def list_jobs(request: Request) -> Response:
    """Answer GET /api/jobs/{account}, newest first."""
    _require_access(request)
    wanted = dict(label.split("=", 1) for label in request.query.get("label", []))
    found = [
        _describe(job)
        for job in reversed([*request.hub.jobs.values()])
        if wanted.items() <= job.spec.get("labels", {}).items()
    ]
    return Response.from_json(found)


def start(request: Request) -> Response:
    """Answer POST /api/jobs/{account}."""
    _require_access(request)
    spec = request.read_json()
    if spec["flavor"] not in {name for name, *_ in _HARDWARE}:
        raise Refusal(400, f"Invalid flavor: {spec['flavor']}")
    if not request.hub.jobs.has_credit:
        raise Refusal(402, "Pre-paid credit balance is insufficient")
    return Response.from_json(_describe(request.hub.jobs.start(request.groups["account"], spec)))


def read(request: Request) -> Response:
    """Answer GET /api/jobs/{account}/{id}."""
    return Response.from_json(_describe(_find(request)))


def read_log(request: Request) -> Response:
    """Answer GET .../logs with the lines so far; while the job runs, the client asks again."""
    job = _find(request)
    if not job.has_ended:
        time.sleep(_WAIT_SECONDS)
    events = [{"timestamp": _format(job.created + index), "data": line} for index, line in enumerate(job.log)]
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    return Response(body.encode(), headers={"Content-Type": "text/event-stream"})


def cancel(request: Request) -> Response:
    """Answer POST .../cancel."""
    request.hub.jobs.cancel(_find(request))
    return Response.from_json({})


def _find(request: Request) -> Job:
    _require_access(request)
    found = request.hub.jobs.get(request.groups["job"])
    if found is None:
        raise Refusal(404, "Job not found")
    return found


def _require_access(request: Request) -> None:
    request.caller.require_token()
    if not request.caller.may_create_in(request.groups["account"]):
        raise Refusal(403, "Forbidden: this token has no permission to start and manage jobs")


def _describe(job: Job) -> dict[str, Any]:
    """Return a job in the Hub's form; values of secrets are never returned."""
    return {
        "id": job.id,
        "createdAt": _format(job.created),
        "dockerImage": job.spec["dockerImage"],
        "command": job.spec["command"],
        "arguments": [],
        "environment": job.spec.get("environment", {}),
        "secrets": [*job.spec.get("secrets", {})],
        "flavor": job.spec["flavor"],
        "labels": job.spec.get("labels", {}),
        "volumes": job.spec.get("volumes", []),
        "status": {"stage": job.stage, "message": job.message},
        "durations": {"schedulingSecs": 0, "runningSecs": int(job.seconds), "totalSecs": int(job.seconds)},
        "owner": {"id": f"{1:024x}", "name": job.account, "type": "user"},
    }


def _format(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
