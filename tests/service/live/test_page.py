"""The plain page: whole in one file, and allowed to run its own script only."""

from __future__ import annotations

import base64
import hashlib
import re

import httpx

from tests.service.live.live_service import LiveService


def test_the_page_is_one_file_that_asks_nobody_else(live: LiveService) -> None:
    answer = httpx.get(live.url, trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = answer.text
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page)
    assert not re.search(r"<link[^>]+stylesheet|@import|<iframe|<object", page)


def test_only_the_pages_own_script_and_style_may_run(live: LiveService) -> None:
    answer = httpx.get(live.url, trust_env=False)
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    for element in ("script", "style"):
        texts = re.findall(rf"<{element}>(.*?)</{element}>", answer.text, re.DOTALL)
        assert len(texts) == 1
        digest = base64.b64encode(hashlib.sha256(texts[0].encode()).digest()).decode()
        assert policy[f"{element}-src"] == f"'sha256-{digest}'"
    # What the policy would refuse to run anyway.
    assert not re.search(r"<[^>]+\s(on[a-z]+|style)=", answer.text)
    assert policy["frame-ancestors"] == "'none'"
