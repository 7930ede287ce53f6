from __future__ import annotations

import pytest

from sightline.detector.class_names import COCO_CLASSES, class_indices
from sightline.errors import InputError


def test_coco_has_its_eighty_classes_in_order() -> None:
    assert len(set(COCO_CLASSES)) == 80
    assert [COCO_CLASSES[index] for index in (0, 2, 7, 79)] == [
        "person",
        "car",
        "truck",
        "toothbrush",
    ]


def test_case_spaces_and_repetition_do_not_matter() -> None:
    assert class_indices([" Truck", "CAR", "car"], COCO_CLASSES) == [2, 7]


def test_an_unknown_class_is_answered_with_near_ones() -> None:
    with pytest.raises(InputError, match=r"'persn'.*did you mean person"):
        class_indices(["persn"], COCO_CLASSES)


def test_a_class_far_from_all_is_answered_with_what_there_is() -> None:
    with pytest.raises(InputError, match="it knows person, bicycle"):
        class_indices(["zzzzzz"], COCO_CLASSES)


def test_no_class_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="at least one"):
        class_indices([], COCO_CLASSES)
