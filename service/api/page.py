"""The page: what `make web` built, else the plain page; neither may run anybody else's script."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import re
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response
from fastapi.responses import HTMLResponse

from sightline.service.api.dependencies import public
from sightline.service.errors import UnknownError

__all__ = ["BUILT", "router"]

BUILT = Path(str(files("sightline.service.page"))) / "built"
"""The built page: `index.html`, and in `assets` what it loads, named by its content."""

_ASSET = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,200}")
_SHARED_POLICY = {
    "default-src": "'none'",
    "img-src": "'self' blob: data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
_YEAR = 31_536_000

router = APIRouter(tags=["page"])

Encodings = Annotated[str, Header(alias="Accept-Encoding", include_in_schema=False)]


@router.get(
    "/",
    summary="The page",
    response_class=HTMLResponse,
    dependencies=[Depends(public)],
)
def show_page(encodings: Encodings = "") -> Response:
    """The page itself holds nothing; it asks for a token before it shows anything."""
    if not (BUILT / "index.html").is_file():
        page, plain_policy = _plain_page()
        return HTMLResponse(page, headers={"Content-Security-Policy": plain_policy})
    policy = {
        **_SHARED_POLICY,
        "script-src": "'self'",
        "style-src": "'self'",
        "media-src": "'self' blob:",
    }
    # Asked for each time: it names the files of the version that runs.
    return _answer(BUILT / "index.html", encodings, {"Content-Security-Policy": _text(policy)})


@router.get(
    "/assets/{name}",
    summary="A part of the page",
    response_class=Response,
    responses={200: {"content": {"text/javascript": {}}, "description": "A file of the page."}},
    dependencies=[Depends(public)],
)
def read_asset(name: str, encodings: Encodings = "") -> Response:
    """A script, style or picture of the page; its name changes with its content."""
    path = BUILT / "assets" / name
    if not _ASSET.fullmatch(name) or name.endswith(".gz") or not path.is_file():
        raise UnknownError(f"the page has no file {name[:80]!r}; load the page again")
    return _answer(path, encodings, {"Cache-Control": f"public, max-age={_YEAR}, immutable"})


def _answer(path: Path, encodings: str, headers: dict[str, str]) -> Response:
    """A built file, compressed for who takes that."""
    compressed = path.with_name(f"{path.name}.gz")
    headers = {**headers, "Vary": "Accept-Encoding"}
    if compressed.is_file() and re.search(r"\bgzip\b(?!;\s*q=0(?![.\d]))", encodings):
        path, headers["Content-Encoding"] = compressed, "gzip"
    kind = mimetypes.guess_type(path.name.removesuffix(".gz"))[0]
    return Response(path.read_bytes(), headers=headers, media_type=kind)


@lru_cache(maxsize=1)
def _plain_page() -> tuple[str, str]:
    """The plain page, and the policy that names its script and its style by their digests."""
    page = files("sightline.service.page").joinpath("index.html").read_text(encoding="utf-8")
    policy = {
        **_SHARED_POLICY,
        "script-src": _digests("script", page),
        "style-src": _digests("style", page),
    }
    return page, _text(policy)


def _text(policy: dict[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in policy.items())


def _digests(element: str, page: str) -> str:
    texts = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
