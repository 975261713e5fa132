"""The body that wears the garments: pose and limbs, in body units."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

View = Literal["flat", "front", "side", "back"]

ARM_ROOT, ARM_LENGTH = (0.84, 0.26), 3.15
LEG_ROOT, LEG_LENGTH = (0.4, 2.95), 4.35


@dataclass(frozen=True)
class Pose:
    """How somebody stands; pairs are (left, right) in the picture, angles in radians.

    Attributes:
        view: `flat` is a garment without a wearer.
        arms: angle outwards from straight down.
        elbows: how far the forearm turns inwards.
        legs: angle outwards from straight down.
        knees: how far the shank turns inwards.
        swing: sideways displacement of a skirt's hem.
    """

    view: View
    arms: tuple[float, float]
    elbows: tuple[float, float]
    legs: tuple[float, float]
    knees: tuple[float, float]
    swing: float

    @property
    def worn(self) -> bool:
        """Whether somebody wears the garments."""
        return self.view != "flat"

    def arm(self, side: int) -> "Limb":
        """The arm at the picture's left (side 0) or right (1)."""
        return Limb(ARM_ROOT, ARM_LENGTH, side, self.arms[side], self.elbows[side])

    def leg(self, side: int) -> "Limb":
        """The leg at the picture's left (side 0) or right (1)."""
        return Limb(LEG_ROOT, LEG_LENGTH, side, self.legs[side], self.knees[side])


@dataclass(frozen=True)
class Limb:
    """An arm or a leg: a line from the body that bends smoothly in its middle."""

    root: tuple[float, float]
    length: float
    side: int
    angle: float
    bend: float

    def at(self, shares: np.ndarray, outwards: np.ndarray | float = 0.0) -> np.ndarray:
        """Points along the limb.

        Args:
            shares: (n,) of its length from the body, 0..1 (beyond: straight on).
            outwards: (n,) distance from its middle, away from the body.

        Returns:
            (n, 2).
        """
        grid = np.linspace(0, 1.3, 66)
        joint = np.clip((grid - 0.36) / 0.26, 0, 1)
        angles = self.angle - self.bend * joint**2 * (3 - 2 * joint)
        steps = np.stack([np.sin(angles), np.cos(angles)], 1) * self.length * (grid[1] - grid[0])
        path = np.array(self.root) + np.cumsum(steps, 0) - steps
        angle = np.interp(shares, grid, angles)
        normal = np.stack([np.cos(angle), -np.sin(angle)], 1)
        middle = np.stack([np.interp(shares, grid, path[:, axis]) for axis in (0, 1)], 1)
        points = middle + normal * np.broadcast_to(outwards, len(angle))[:, None]
        return points * (1 if self.side else -1, 1)


def random_pose(rng: np.random.Generator, view: View, lively: float) -> Pose:
    """A pose; `lively` 0 (a shop's model) .. 1 (anybody)."""
    if view == "flat":
        arms = np.full(2, rng.uniform(0.25, 1.0)) + rng.normal(0, 0.08, 2)
        elbows = rng.normal(0.1, 0.2, 2)
    else:
        arms = rng.uniform(0.12, 0.45 + 0.4 * lively, 2)
        elbows = np.where(rng.random(2) < 0.25 + 0.25 * lively, rng.uniform(0.8, 2.3, 2), rng.uniform(-0.1, 0.45, 2))
    legs = rng.uniform(0.04, 0.12 + 0.1 * lively) + rng.normal(0, 0.03, 2)
    knees = rng.normal(0.04, 0.05 + 0.07 * lively, 2)
    swing = rng.normal(0, 0.12 + 0.12 * lively)
    return Pose(view, _pair(arms), _pair(elbows), _pair(legs), _pair(knees), float(swing))


def _pair(values: np.ndarray) -> tuple[float, float]:
    return float(values[0]), float(values[1])
