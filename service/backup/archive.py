"""The file of a backup: a tar archive that can be checked without Sightline.

store.db           all rows of the store, as a file of SQLite, whatever the service uses
files/…            finished files of `storage.folder`: uploads, results, event pictures
config.yaml        the configuration without secrets, for reading
manifest.json      versions, time, rows, and the size and SHA-256 of all of the above
manifest.sha256    the sum of the manifest, for `sha256sum --check`
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Literal

import pydantic
from pydantic import Field

from sightline.errors import InputError
from sightline.service.disk import PrivateFile, new_file, private_folder

__all__ = ["CONFIG", "FILES", "STORE", "ArchiveWriter", "Entry", "Manifest", "unpack"]

STORE = "store.db"
FILES = "files"
CONFIG = "config.yaml"
_MANIFEST = "manifest.json"
_SUM = "manifest.sha256"
_CHUNK = 2**20
_MOST_MANIFEST_BYTES = 2**30

OnBytes = Callable[[int], None]


class Entry(pydantic.BaseModel):
    """One file of an archive."""

    name: str
    bytes: Annotated[int, Field(ge=0)]
    sha256: str


class Manifest(pydantic.BaseModel):
    """What an archive holds, and of which versions."""

    format: Literal[1]
    sightline: str
    schema_version: str
    made_at: str
    rows: dict[str, int]
    files: list[Entry]


class ArchiveWriter:
    """An archive being written, its manifest last.

    Args:
        file: Where it goes.
        made_at: UNIX seconds that its files are dated with.
        on_bytes: Told how many bytes of a file were written since it was told last.
    """

    def __init__(self, file: PrivateFile, made_at: float, on_bytes: OnBytes) -> None:
        self.entries: list[Entry] = []
        self._file = file
        self._made_at = int(made_at)
        self._on_bytes = on_bytes

    def add(self, name: str, source: IO[bytes], size: int) -> None:
        """Add the first `size` bytes of an open file; one that is shorter is an error.

        Raises:
            OSError: It became shorter while it was read, or cannot be read or written.
        """
        self._begin(name, size)
        digest = hashlib.sha256()
        left = size
        while left:
            data = source.read(min(_CHUNK, left))
            if not data:
                raise OSError(f"{name} became shorter while it was read")
            digest.update(data)
            self._file.write(data)
            self._on_bytes(len(data))
            left -= len(data)
        self._pad(size)
        self.entries.append(Entry(name=name, bytes=size, sha256=digest.hexdigest()))

    def finish(self, manifest: Manifest) -> None:
        """Add the manifest with its sum, and the end of the archive."""
        data = manifest.model_dump_json(indent=2).encode()
        digest = hashlib.sha256(data).hexdigest()
        for name, content in ((_MANIFEST, data), (_SUM, f"{digest}  {_MANIFEST}\n".encode())):
            self._begin(name, len(content))
            self._file.write(content)
            self._pad(len(content))
        self._file.write(bytes(2 * tarfile.BLOCKSIZE))

    def _begin(self, name: str, size: int) -> None:
        member = tarfile.TarInfo(name)
        member.size = size
        member.mode = 0o600
        member.mtime = self._made_at
        self._file.write(member.tobuf(tarfile.PAX_FORMAT))

    def _pad(self, size: int) -> None:
        self._file.write(bytes(-size % tarfile.BLOCKSIZE))


def unpack(path: Path, folder: Path, on_bytes: OnBytes) -> Manifest:
    """Unpack an archive and compare everything with its manifest.

    Args:
        path: The archive.
        folder: An empty folder; where this fails, what lies there is of no use.
        on_bytes: Told how many bytes of a file were read since it was told last.

    Raises:
        InputError: It cannot be read, is no backup, is cut off, or was altered.
        FullError: The disk is full.
        OSError: The folder cannot be written.
    """
    found: dict[str, Entry] = {}
    texts: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r|") as archive:
            for member in archive:
                source = archive.extractfile(member) if member.isreg() else None
                if source is None:
                    raise _refused(path, f"{member.name!r} is no plain file")
                if member.name in (_MANIFEST, _SUM):
                    texts[member.name] = source.read(_MOST_MANIFEST_BYTES)
                elif _is_ours(member.name) and member.name not in found:
                    found[member.name] = _extract(member.name, source, folder, on_bytes)
                else:
                    raise _refused(path, f"{member.name!r} does not belong into a backup")
    except (tarfile.TarError, EOFError) as error:
        raise _refused(path, str(error)) from error
    manifest = _manifest(path, texts)
    listed = {entry.name: entry for entry in manifest.files}
    for name in sorted(listed.keys() | found.keys()):
        if listed.get(name) != found.get(name):
            raise _refused(path, f"{name} is not what the manifest says")
    if STORE not in found:
        raise _refused(path, f"there is no {STORE}")
    return manifest


def _extract(name: str, source: IO[bytes], folder: Path, on_bytes: OnBytes) -> Entry:
    target = folder / name
    private_folder(target.parent)
    digest = hashlib.sha256()
    with new_file(target) as file:
        while data := source.read(_CHUNK):
            digest.update(data)
            file.write(data)
            on_bytes(len(data))
    return Entry(name=name, bytes=file.size, sha256=digest.hexdigest())


def _is_ours(name: str) -> bool:
    parts = PurePosixPath(name).parts
    plain = "/".join(parts) == name and not {"..", "."} & set(parts) and "\0" not in name
    return plain and (name in (STORE, CONFIG) or (len(parts) > 1 and parts[0] == FILES))


def _manifest(path: Path, texts: dict[str, bytes]) -> Manifest:
    if texts.keys() != {_MANIFEST, _SUM}:
        raise _refused(path, "it ends before its manifest, or is no backup of Sightline")
    data = texts[_MANIFEST]
    if texts[_SUM].split(b" ")[0].decode("latin-1") != hashlib.sha256(data).hexdigest():
        raise _refused(path, "its manifest was altered")
    try:
        return Manifest.model_validate_json(data)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        raise _refused(
            path, f"its manifest is of another version ({first['loc'][0]}: {first['msg']})"
        ) from None


def _refused(path: Path, reason: str) -> InputError:
    return InputError(f"{path} cannot be restored: {reason}; nothing was changed")
