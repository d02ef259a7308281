"""Long answers in pages, each with the address of the next."""

from typing import Any
from urllib.parse import urlencode

from tests.hub_server.messages import Request, Response


def build_page(request: Request, told: list[Any], *, limit: int | None = None) -> Response:
    """Return one page of what there is; the header Link tells where to go on."""
    size = min(limit or request.hub.page_size, request.hub.page_size)
    start = int(request.find("cursor", "0"))
    headers = {}
    if start + size < len(told):
        query = {**request.query, "cursor": [str(start + size)]}
        headers["Link"] = f'<{request.hub.endpoint}{request.path}?{urlencode(query, doseq=True)}>; rel="next"'
    return Response.from_json(told[start : start + size], headers=headers)
