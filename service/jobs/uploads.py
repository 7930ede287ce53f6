"""A video from outside, written to its place while its bytes are counted.

What the other side calls the file names nothing on this machine.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
from starlette.concurrency import run_in_threadpool

from sightline.errors import SourceError
from sightline.service.disk import PrivateFile
from sightline.service.errors import TooLargeError

__all__ = ["Receiver", "clean_name", "receive_body", "receive_url"]

_PIECE = 1 << 20
_LONGEST_NAME = 200
_SECONDS = 30.0


class Receiver:
    """Bytes on their way into a file: counted as they come, written in large pieces.

    Args:
        file: Where they go.
        limit: Most bytes.
    """

    def __init__(self, file: PrivateFile, limit: int) -> None:
        self._file = file
        self._limit = limit
        self._bytes = bytearray()

    def add(self, data: bytes) -> None:
        """Take some bytes.

        Raises:
            TooLargeError: They are too many in all.
        """
        self._bytes += data
        if self._file.size + len(self._bytes) > self._limit:
            raise _too_large(self._limit)

    async def write_if_large(self) -> None:
        """Write what is there if it is much; call it between the pieces of a body.

        Raises:
            FullError: The disk is full.
        """
        if len(self._bytes) >= _PIECE:
            await self.write()

    async def write(self) -> None:
        """Write what is there.

        Raises:
            FullError: The disk is full.
        """
        piece, self._bytes = self._bytes, bytearray()
        await run_in_threadpool(self._file.write, piece)


async def receive_body(
    chunks: AsyncIterator[bytes], file: PrivateFile, limit: int, declared: str | None
) -> None:
    """Write a body that is the video.

    Args:
        chunks: The bytes as they come.
        file: Where they go.
        limit: Most bytes.
        declared: The header Content-Length.

    Raises:
        TooLargeError: There are more; as soon as that is known.
        FullError: The disk is full.
    """
    if declared is not None and declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    receiver = Receiver(file, limit)
    async for chunk in chunks:
        receiver.add(chunk)
        await receiver.write_if_large()
    await receiver.write()


async def receive_url(url: str, proxy: str | None, file: PrivateFile, limit: int) -> None:
    """Fetch a video.

    Args:
        url: http:// or https:// address, checked by the policy of addresses.
        proxy: Proxy of the policy, which checks where every connection goes.
        file: Where the bytes go.
        limit: Most bytes.

    Raises:
        SourceError: It cannot be fetched.
        TooLargeError: It has more bytes than allowed.
        FullError: The disk is full.
    """
    # A certificate that is not trusted, say, is not to be told from a server that is not there.
    try:
        async with (
            httpx.AsyncClient(
                proxy=proxy, trust_env=False, follow_redirects=True, timeout=_SECONDS
            ) as client,
            client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise _not_fetched(answer.status_code)
            declared = answer.headers.get("Content-Length")
            await receive_body(answer.aiter_raw(), file, limit, declared)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SourceError(
            f"the video cannot be fetched: {type(error).__name__}; check the address",
            "stream_timeout" if isinstance(error, httpx.TimeoutException) else "stream_ended",
        ) from None


def clean_name(text: str) -> str:
    r"""What a file is called, for people: no folders, nothing that cannot be printed.

    Example:
        >>> clean_name("C:\\clips\\../Hof\x00.mp4")
        'Hof.mp4'
    """
    last = text.replace("\\", "/").rpartition("/")[2]
    printable = "".join(letter for letter in last if letter.isprintable())
    return printable.strip()[:_LONGEST_NAME].strip(". ")


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(
        f"the video has more than {limit} bytes, which security.max_upload_mib allows"
    )


def _not_fetched(status: int) -> SourceError:
    if status in (401, 403):
        return SourceError(f"the video's server refuses access ({status})", "stream_auth_failed")
    if status == 451:
        return SourceError(
            "the address leads to a network that security.allowed_networks does not hold",
            "stream_refused",
        )
    return SourceError(
        f"the video's server answers {status}; check the address", "stream_not_found"
    )
