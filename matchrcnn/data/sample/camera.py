"""From body units to pixels of the canvas."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Camera:
    """How the figure is seen.

    Attributes:
        yaw: turn of the body about its own axis, radians; its sign says to which side.
        lean: sideways displacement of the shoulders against the hips, body units.
        roll: turn of the camera, radians.
        keystone: growth of the width with y, per body unit (a camera held high or low).
        scale: canvas pixels to one body unit.
        centre: body point in the middle of `origin`.
        origin: canvas point.
    """

    yaw: float
    lean: float
    roll: float
    keystone: float
    scale: float
    centre: tuple[float, float]
    origin: tuple[float, float]

    def __call__(self, points: np.ndarray, depth: np.ndarray | float = 0.0) -> np.ndarray:
        """Canvas points, (n, 2), of body points, (n, 2), that lie `depth` before the body's middle plane."""
        return self.turned(points, depth) * self.scale + self.origin

    def turned(self, points: np.ndarray, depth: np.ndarray | float = 0.0) -> np.ndarray:
        """Return the same points, (n, 2), in body units about the origin."""
        x = points[:, 0] * np.cos(self.yaw) + depth * np.sin(self.yaw)
        x = x + self.lean * np.maximum(3 - points[:, 1], 0) ** 2 / 9 - self.centre[0]
        y = points[:, 1] - self.centre[1]
        x = x * (1 + self.keystone * y)
        cosine, sine = np.cos(self.roll), np.sin(self.roll)
        return np.stack([x * cosine - y * sine, x * sine + y * cosine], 1)
