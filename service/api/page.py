"""The plain page: one file, sent as it is, that may run its own script and nobody else's."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from importlib.resources import files

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from sightline.service.api.dependencies import public

__all__ = ["read_page", "router"]

router = APIRouter(tags=["page"])


@router.get(
    "/",
    summary="The page",
    response_class=HTMLResponse,
    dependencies=[Depends(public)],
)
def show_page() -> HTMLResponse:
    """The page itself holds nothing; it asks for a token before it shows anything."""
    page, policy = read_page()
    return HTMLResponse(page, headers={"Content-Security-Policy": policy})


@lru_cache(maxsize=1)
def read_page() -> tuple[str, str]:
    """The page, and the policy that names its script and its style by their digests."""
    page = files("sightline.service.page").joinpath("index.html").read_text(encoding="utf-8")
    policy = {
        "default-src": "'none'",
        "script-src": _digests("script", page),
        "style-src": _digests("style", page),
        "img-src": "'self' blob: data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return page, "; ".join(f"{name} {value}" for name, value in policy.items())


def _digests(element: str, page: str) -> str:
    texts = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
