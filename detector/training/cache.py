"""Files of pictures in memory that processes share."""

from __future__ import annotations

import ctypes
import multiprocessing
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from sightline.detector.training.examples import Image, read_bytes
from sightline.errors import InputError

__all__ = ["FileCache"]


class FileCache:
    """The bytes of files, still encoded, read once.

    Can be handed to a process that is being started; the bytes are shared, not copied.

    Args:
        paths: The files; those that cannot be read are tried again when they are asked for.
        most_bytes: Memory to use; files beyond it are read from the disk each time.
    """

    def __init__(self, paths: Iterable[Path], most_bytes: int = 2 << 30) -> None:
        files, total = [], 0
        for path in dict.fromkeys(paths):
            try:
                data = read_bytes(path)
            except InputError:
                continue
            if total + len(data) > most_bytes:
                break
            files.append((path, data))
            total += len(data)
        self._memory = multiprocessing.get_context("spawn").RawArray(ctypes.c_ubyte, max(total, 1))
        self._places: dict[Path, tuple[int, int]] = {}
        memory = self._bytes()
        end = 0
        for path, data in files:
            begin, end = end, end + len(data)
            memory[begin:end] = np.frombuffer(data, np.uint8)
            self._places[path] = (begin, end)

    def read(self, path: Path) -> bytes | Image:
        """The bytes of a file.

        Raises:
            InputError: The file is not in memory and cannot be read.
        """
        if path not in self._places:
            return read_bytes(path)
        begin, end = self._places[path]
        return self._bytes()[begin:end]

    def _bytes(self) -> Image:
        return np.frombuffer(memoryview(self._memory), np.uint8)
