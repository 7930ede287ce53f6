"""From the body of a request to a job that waits: received, looked at, and only then a job."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from fastapi.concurrency import contextmanager_in_threadpool
from starlette.concurrency import run_in_threadpool

from sightline.errors import InputError
from sightline.service.disk import PrivateFile, new_file
from sightline.service.jobs.folder import JobFolder
from sightline.service.jobs.forms import receive_multipart
from sightline.service.jobs.options import JobOptions
from sightline.service.jobs.probing import probe
from sightline.service.jobs.uploads import clean_name, receive_body, receive_url
from sightline.service.settings import validate

__all__ = ["Body", "Fetched", "Received", "parse_options", "receive"]

_NAMELESS = "video"


@dataclass(frozen=True, slots=True)
class Body:
    """A body that is a video, or a form with one.

    Args:
        chunks: Its bytes as they come.
        content_type: The header Content-Type.
        length: The header Content-Length.
        name: What the video is called, if the form does not say.
        options: Options, if the form does not say.
    """

    chunks: AsyncIterator[bytes]
    content_type: str
    length: str | None
    name: str
    options: JobOptions


@dataclass(frozen=True, slots=True)
class Fetched:
    """A video that is fetched.

    Args:
        url: http:// or https:// address, checked.
        proxy: The policy's proxy.
        name: What the video is called, if not as in its address.
        options: Options of the job.
    """

    url: str
    proxy: str | None
    name: str
    options: JobOptions


@dataclass(frozen=True, slots=True)
class Received:
    """A video that lies in its folder and can be tracked.

    Args:
        name: What it is called.
        size: Its bytes.
        options: Options of its job.
    """

    name: str
    size: int
    options: JobOptions


async def receive(
    origin: Body | Fetched, folder: JobFolder, *, most_bytes: int, most_pixels: int
) -> Received:
    """Take a video in; nothing is left of it where it is refused.

    Args:
        origin: Where it comes from.
        folder: Folder of the job that it becomes.
        most_bytes: Bytes that it may have.
        most_pixels: Pixels that its frames may have.

    Raises:
        InputError: The form or the options cannot be read.
        TooLargeError: It has more bytes, or its frames more pixels, than allowed.
        UnsupportedError: It is no video.
        SourceError: It cannot be fetched, or is damaged.
        FullError: The disk is full.
        OSError: It cannot be written.
    """
    await run_in_threadpool(folder.make)
    try:
        async with contextmanager_in_threadpool(new_file(folder.input)) as file:
            name, options = await _write(origin, file, most_bytes)
        await run_in_threadpool(probe, folder.input, name, most_pixels)
    except BaseException:
        folder.remove()
        raise
    return Received(name, file.size, options)


def parse_options(text: str | bytes) -> JobOptions:
    """Options from JSON; the usual ones from nothing.

    Raises:
        InputError: It is no JSON object.
        ConfigError: A key is unknown or a value is wrong.
    """
    if not text:
        return JobOptions()
    try:
        values: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError('options are JSON, such as {"classes": ["person"]}') from None
    if not isinstance(values, Mapping):
        raise InputError('options are a JSON object, such as {"classes": ["person"]}')
    return validate(JobOptions, values, "options", Path())


async def _write(
    origin: Body | Fetched, file: PrivateFile, most_bytes: int
) -> tuple[str, JobOptions]:
    if isinstance(origin, Fetched):
        await receive_url(origin.url, origin.proxy, file, most_bytes)
        last = PurePosixPath(unquote(urlsplit(origin.url).path)).name
        return clean_name(origin.name) or clean_name(last) or _NAMELESS, origin.options
    if origin.content_type.lower().startswith("multipart/form-data"):
        form = await receive_multipart(origin.chunks, origin.content_type, file, most_bytes)
        options = parse_options(form.options) if form.options else origin.options
        return form.name or clean_name(origin.name) or _NAMELESS, options
    await receive_body(origin.chunks, file, most_bytes, origin.length)
    return clean_name(origin.name) or _NAMELESS, origin.options
