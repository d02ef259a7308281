"""Pages of long lists, each with the URL of the next."""

from typing import Any
from urllib.parse import urlencode

from tests.hub_server.messages import Request, Response


def build_page(request: Request, items: list[Any], *, limit: int | None = None) -> Response:
    """Return one page of the items; the header Link has the URL of the next page."""
    size = min(limit or request.hub.page_size, request.hub.page_size)
    start = int(request.find("cursor", "0"))
    headers = {}
    if start + size < len(items):
        query = {**request.query, "cursor": [str(start + size)]}
        headers["Link"] = f'<{request.hub.endpoint}{request.path}?{urlencode(query, doseq=True)}>; rel="next"'
    return Response.from_json(items[start : start + size], headers=headers)
