"""Tracks as COCO JSON with the fields for video: `videos`, `video_id`, `track_id`.

Images and annotations grow side by side while a video is tracked, so the annotations wait in a
file without a name and are appended at the end: memory does not grow with the video.
Format: Lin et al., "Microsoft COCO: Common Objects in Context", 2014; the fields for video as in
TAO (Dave et al., 2020).
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from sightline.errors import InputError
from sightline.formats.sink import FileSink
from sightline.formats.table import TrackTable, VideoInfo
from sightline.geometry import ltwh_to_xyxy
from sightline.structures import Tracks

__all__ = ["CocoSink", "read_coco"]


class CocoSink(FileSink):
    """Writes images as they come, annotations and categories at the end."""

    def __init__(self, path: Path, info: VideoInfo) -> None:
        super().__init__(path, info)
        # Closed in _release.
        self._annotations = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115
        self._annotation_count = 0
        self._highest_class = -1

    def _begin(self) -> None:
        info = self.info
        video = {
            "id": 1,
            "name": info.source,
            "width": info.width,
            "height": info.height,
            "frame_rate": info.rate,
        }
        head = f'{{"info": {{"description": "tracks of {_text(info.source)}", "version": "1"}},\n'
        self._file.write(f'{head}"videos": [{json.dumps(video)}],\n"images": ['.encode())

    def _add(self, index: int, time: float, tracks: Tracks) -> None:
        stamp = "null" if math.isnan(time) else repr(float(time))
        image = (
            f'{{"id": {index + 1}, "video_id": 1, "frame_id": {index}, "time": {stamp}, '
            f'"file_name": "{index:06d}.jpg", "width": {self.info.width}, '
            f'"height": {self.info.height}}}'
        )
        separator = ",\n" if self.frame_count > 1 else "\n"
        self._file.write(f"{separator}{image}".encode())
        rows = []
        for identity, (x1, y1, x2, y2), score, number, detection in zip(
            tracks.ids.tolist(),
            tracks.boxes.tolist(),
            tracks.scores.tolist(),
            tracks.classes.tolist(),
            tracks.detections.tolist(),
            strict=True,
        ):
            self._annotation_count += 1
            self._highest_class = max(self._highest_class, number)
            width, height = x2 - x1, y2 - y1
            rows.append(
                f'{"" if self._annotation_count == 1 else ","}\n{{"id": {self._annotation_count}, '
                f'"image_id": {index + 1}, "video_id": 1, "track_id": {identity}, '
                f'"category_id": {number + 1}, '
                f'"bbox": [{x1:.2f}, {y1:.2f}, {width:.2f}, {height:.2f}], '
                f'"area": {width * height:.2f}, "iscrowd": 0, "score": {score:.4f}, '
                f'"predicted": {"true" if detection < 0 else "false"}}}'
            )
        self._annotations.write("".join(rows).encode())

    def _finish(self) -> None:
        self._file.write(b'],\n"annotations": [')
        self._annotations.seek(0)
        shutil.copyfileobj(self._annotations, self._file)
        count = max(len(self.info.class_names), self._highest_class + 1)
        categories = [
            {"id": number + 1, "name": self.info.class_name(number)} for number in range(count)
        ]
        self._file.write(f'],\n"categories": {json.dumps(categories)}}}\n'.encode())

    def _release(self) -> None:
        self._annotations.close()
        super()._release()


def read_coco(path: Path, info: VideoInfo | None = None) -> TrackTable:
    """Tracks of a COCO file of one video.

    Files of others are read as well: `frame_id` defaults to an image's place among the image
    ids, `track_id` to -1 and `score` to 1. Class indices are places in `categories` by id.

    Args:
        path: The file.
        info: Facts that the file does not name.

    Raises:
        InputError: The file is missing, is not COCO JSON, or holds several videos.
    """
    try:
        content = json.loads(path.read_bytes())
        return _table(path, content, info)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError, UnicodeError) as error:
        raise InputError(
            f"{path}: not COCO JSON ({type(error).__name__}: {error}); it has images, "
            "annotations and categories"
        ) from error


def _table(path: Path, content: dict[str, Any], info: VideoInfo | None) -> TrackTable:
    videos = content.get("videos", [])
    if len(videos) > 1:
        names = ", ".join(str(video.get("name")) for video in videos)
        raise InputError(f"{path}: holds {len(videos)} videos ({names}); a file holds one")
    images = sorted(content["images"], key=lambda image: image["id"])
    frames = {image["id"]: image.get("frame_id", place) for place, image in enumerate(images)}
    categories = sorted(content["categories"], key=lambda category: category["id"])
    classes = {category["id"]: place for place, category in enumerate(categories)}
    first = images[0] if images else {}
    video = videos[0] if videos else {}
    facts = VideoInfo(
        video.get("name", path.name.removesuffix(".coco.json")),
        video.get("width", first.get("width", 0)),
        video.get("height", first.get("height", 0)),
        video.get("frame_rate", 0.0),
        tuple(category["name"] for category in categories),
    )
    rows = content["annotations"]
    boxes = np.array([row["bbox"] for row in rows], dtype=np.float64).reshape(-1, 4)
    times = [image.get("time") for image in images]
    return TrackTable.from_columns(
        facts.completed_by(info),
        frame_indices=list(frames.values()),
        frame_times=[math.nan if time is None else time for time in times],
        frames=[frames[row["image_id"]] for row in rows],
        ids=[row.get("track_id", -1) for row in rows],
        boxes=ltwh_to_xyxy(boxes),
        scores=[row.get("score", 1.0) for row in rows],
        classes=[classes[row["category_id"]] for row in rows],
        predicted=[row.get("predicted", False) for row in rows],
    )


def _text(text: str) -> str:
    return json.dumps(text)[1:-1]
