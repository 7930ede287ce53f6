"""A form with a video: `multipart/form-data` with the parts `file` and `options` (JSON).

Parsed here and not by the framework, which stores a whole form before it says how large it is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from sightline.errors import InputError
from sightline.service.disk import PrivateFile
from sightline.service.errors import TooLargeError
from sightline.service.jobs.uploads import Receiver, clean_name

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

__all__ = ["Upload", "receive_multipart"]

_MOST_OPTIONS = 64 * 1024


@dataclass(slots=True)
class Upload:
    """What came beside the bytes of a video.

    Args:
        name: What the other side called it, cleaned; empty where it said nothing.
        options: Text of the part `options`, empty where there was none.
    """

    name: str = ""
    options: bytes = b""


async def receive_multipart(
    chunks: AsyncIterator[bytes], content_type: str, file: PrivateFile, limit: int
) -> Upload:
    """Write the part `file` of a form.

    Args:
        chunks: The bytes of the body as they come.
        content_type: The header, which names the boundary.
        file: Where the part goes.
        limit: Most bytes of it.

    Returns:
        What else the form said.

    Raises:
        InputError: It is no such form, or has no part `file`.
        TooLargeError: The part has more bytes than allowed, or the rest of the form has many.
        FullError: The disk is full.
    """
    form = _Form(Receiver(file, limit))
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise InputError("multipart/form-data names a boundary in its Content-Type; got none")
    try:
        parser = MultipartParser(boundary, form.callbacks())
        async for chunk in chunks:
            parser.write(chunk)
            await form.receiver.write_if_large()
        parser.finalize()
    except (MultipartParseError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the body is no multipart/form-data: {error}") from None
    if not form.ended:
        raise InputError("the form broke off before its end")
    if not form.has_file:
        raise InputError("the form has no part called file; send the video in it")
    await form.receiver.write()
    return form.upload


@dataclass(slots=True)
class _Form:
    """Takes the parser's calls; knows the parts `file` and `options`."""

    receiver: Receiver
    upload: Upload = field(default_factory=Upload)
    has_file: bool = False
    ended: bool = False
    _part: bytes = b""
    _header: bytes = b""
    _value: bytes = b""

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._name_header,
            "on_header_value": self._fill_header,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._take,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._part = self._header = self._value = b""

    def _name_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _fill_header(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            found = parse_options_header(self._value)[1]
            self._part = found.get(b"name", b"")
            if self._part == b"file":
                self.upload.name = clean_name(found.get(b"filename", b"").decode(errors="replace"))
        self._header = self._value = b""

    def _end_headers(self) -> None:
        if self._part == b"file":
            if self.has_file:
                raise InputError("the form has two parts called file; send one video a job")
            self.has_file = True
        elif self._part != b"options":
            shown = self._part.decode(errors="replace")[:40]
            raise InputError(f"the form has a part {shown!r}; known are file and options")

    def _take(self, data: bytes, start: int, end: int) -> None:
        if self._part == b"file":
            self.receiver.add(data[start:end])
            return
        self.upload.options += data[start:end]
        if len(self.upload.options) > _MOST_OPTIONS:
            raise TooLargeError(f"options have at most {_MOST_OPTIONS} bytes")

    def _end(self) -> None:
        self.ended = True
