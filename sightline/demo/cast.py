"""Who walks over the plaza: clothes, pace and paths, with crossings, pairs and hidings."""

from __future__ import annotations

from sightline.demo.people import Look, Walker

__all__ = ["WALKERS"]

_LIGHT = (170, 196, 232)
_TAN = (128, 162, 206)
_BROWN = (74, 104, 152)
_BLACK_HAIR = (36, 32, 34)
_BROWN_HAIR = (44, 66, 96)
_FAIR_HAIR = (110, 172, 214)
_GREY_HAIR = (178, 178, 178)

WALKERS = (
    # Along the near promenade, left to right, past the advertising column's front.
    Walker(Look((66, 58, 196), (104, 74, 52), _BROWN_HAIR, _LIGHT), 1.78, 1.45, 0.3,
           ((-7.6, 12.1), (8.8, 12.4))),
    # A child who hurries after the first.
    Walker(Look((196, 110, 214), (166, 132, 74), _FAIR_HAIR, _LIGHT), 1.30, 1.6, 1.9,
           ((-7.2, 12.6), (9.0, 12.9))),
    # Right to left behind the column: hidden for a moment.
    Walker(Look((196, 150, 58), (74, 66, 62), _BLACK_HAIR, _TAN, bag=(52, 74, 128)), 1.74, 1.35,
           0.2, ((9.2, 15.9), (-9.6, 16.0))),
    # From the far left to the near right.
    Walker(Look((92, 178, 236), (126, 96, 74), _FAIR_HAIR, _LIGHT, dress=0.9, long_hair=True),
           1.66, 1.30, 0.0, ((-11.2, 20.6), (-3.4, 20.4), (-3.0, 10.6), (-1.0, 4.6))),
    # Along the far promenade.
    Walker(Look((120, 66, 128), (70, 62, 58), _GREY_HAIR, _LIGHT), 1.80, 1.30, 0.1,
           ((13.6, 22.4), (-14.5, 22.2))),
    # Up the middle, away from the camera.
    Walker(Look((70, 132, 62), (92, 92, 104), _BLACK_HAIR, _BROWN, bag=(46, 120, 214)), 1.84, 1.4,
           0.3, ((1.5, 5.2), (1.7, 16.0), (-1.2, 23.0))),
    # On the near promenade, right to left.
    Walker(Look((222, 214, 206), (150, 104, 58), _BROWN_HAIR, _TAN), 1.82, 1.3, 2.0,
           ((7.6, 10.2), (-8.0, 10.4))),
    # From the far right down to the near left.
    Walker(Look((52, 160, 210), (88, 70, 54), _BLACK_HAIR, _BROWN, dress=0.45), 1.76, 1.5, 3.0,
           ((6.0, 29.8), (4.4, 21.6), (4.0, 16.0), (2.6, 4.8))),
    # Stops at the bench and goes on.
    Walker(Look((150, 122, 66), (64, 60, 60), _GREY_HAIR, _LIGHT, dress=0.4), 1.70, 1.15, 3.6,
           ((-10.6, 19.0), (12.4, 19.0)), pause=5.2, pause_seconds=1.3),
    # A runner along the far promenade.
    Walker(Look((60, 220, 214), (60, 56, 58), _BROWN_HAIR, _TAN), 1.76, 2.7, 5.0,
           ((-15.2, 23.6), (15.5, 23.8))),
    # Close to the camera, right to left.
    Walker(Look((98, 90, 44), (92, 120, 158), _FAIR_HAIR, _LIGHT, bag=(60, 60, 66),
                long_hair=True), 1.72, 1.3, 5.4, ((6.4, 8.3), (-3.4, 8.0), (-7.0, 9.9))),
)  # fmt: skip
