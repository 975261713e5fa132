"""Draws a wearer, a hanger, and the garments on them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matchrcnn.data.sample.camera import Camera
from matchrcnn.data.sample.canvas import Canvas
from matchrcnn.data.sample.curves import ellipse, smooth, strip
from matchrcnn.data.sample.figure import Limb, Pose
from matchrcnn.data.sample.garment import Garment
from matchrcnn.data.sample.style import Colour, shaded
from matchrcnn.data.sample.tailor import draw_sleeve, draw_trunk

SKINS: tuple[Colour, ...] = ((236, 230, 224), (224, 218, 212), (212, 207, 203), (200, 194, 190), (188, 183, 180))
HAIRS: tuple[Colour, ...] = ((44, 42, 46), (72, 68, 70), (98, 92, 92), (126, 120, 116), (84, 76, 72))
"""The wearers are mannequins."""


@dataclass(frozen=True)
class Person:
    """What a wearer looks like; lengths in body units."""

    skin: Colour
    hair: Colour
    shoes: Colour
    hair_length: float
    heading: int


def random_person(rng: np.random.Generator) -> Person:
    """Somebody."""
    shoes = shaded(HAIRS[rng.integers(5)], rng.uniform(0.6, 2.2))
    length = float(rng.choice([0.0, 0.5, 1.5], p=[0.45, 0.3, 0.25]))
    return Person(SKINS[rng.integers(5)], HAIRS[rng.integers(5)], shoes, length, int(rng.choice([-1, 1])))


def draw_worn(canvas: Canvas, camera: Camera, pose: Pose, person: Person, garments: Sequence[Garment]) -> None:
    """Paint a person and the garments, innermost first; item i + 1 of the canvas is garment i."""
    far = {1: 1, -1: 0}[person.heading] if pose.view == "side" else None
    for side in (0, 1):
        _leg(canvas, camera, pose.leg(side), person)
    if far is not None:
        _arm_and_sleeves(canvas, camera, pose, person, garments, far)
    _trunk_and_neck(canvas, camera, person)
    if pose.view != "back":
        _head(canvas, camera, pose, person)
    for item, garment in enumerate(garments, 1):
        draw_trunk(canvas, camera, garment, item)
    if pose.view == "back":
        _head(canvas, camera, pose, person)
    for side in (0, 1):
        if side != far:
            _arm_and_sleeves(canvas, camera, pose, person, garments, side)
    if pose.view != "back":
        _locks(canvas, camera, pose, person)


def draw_flat(canvas: Canvas, camera: Camera, garment: Garment, hanger: bool) -> None:
    """Paint a garment that nobody wears, as item 1, on a hanger or lying flat."""
    if hanger:
        _hanger(canvas, camera, garment)
    draw_trunk(canvas, camera, garment, 1)
    for side in (0, 1):
        draw_sleeve(canvas, camera, garment, side, 1)


def _arm_and_sleeves(
    canvas: Canvas, camera: Camera, pose: Pose, person: Person, garments: Sequence[Garment], side: int
) -> None:
    arm = pose.arm(side)
    sleeved = any(garment.sleeves for garment in garments)
    _limb(canvas, camera, arm, person.skin, (0.21, 0.13), start=0.12 if sleeved else 0.0)
    hand = arm.at(np.array([1.04]))[0]
    canvas.fill(camera(ellipse(hand, (0.14, 0.2))), person.skin)
    for item, garment in enumerate(garments, 1):
        draw_sleeve(canvas, camera, garment, side, item)


def _limb(
    canvas: Canvas, camera: Camera, limb: Limb, skin: Colour, widths: tuple[float, float], start: float = 0.0
) -> None:
    shares = np.linspace(start, 1, 15)
    outline = camera(strip(limb.at(shares), np.linspace(*widths, 15)))
    canvas.fill(outline, skin)
    canvas.line(np.concatenate([outline, outline[:1]]), shaded(skin, 0.8), camera.scale * 0.02)


def _leg(canvas: Canvas, camera: Camera, leg: Limb, person: Person) -> None:
    _limb(canvas, camera, leg, person.skin, (0.36, 0.15))
    foot = leg.at(np.array([1.02]), np.array([0.1]))[0]
    canvas.fill(camera(ellipse(foot, (0.28, 0.17))), person.shoes)


def _trunk_and_neck(canvas: Canvas, camera: Camera, person: Person) -> None:
    side = np.array(
        [(0.24, -0.5), (0.27, -0.04), (0.9, 0.12), (0.98, 0.4), (0.7, 1.0), (0.55, 2.1), (0.66, 2.8), (0.4, 3.4)]
    )
    body = np.concatenate([side * (-1, 1), side[::-1]])
    canvas.fill(smooth(camera(body)), person.skin)
    shadow = np.array([(-0.25, -0.36), (0.25, -0.36), (0.2, -0.12), (0.0, -0.02), (-0.2, -0.12)])
    canvas.fill(smooth(camera(shadow)), shaded(person.skin, 0.82))


def _head(canvas: Canvas, camera: Camera, pose: Pose, person: Person) -> None:
    turn = 0.16 * person.heading if pose.view == "side" else 0.0
    centre = np.array([turn / max(np.cos(camera.yaw), 0.3), -0.95])
    squeeze = 1 / max(np.cos(camera.yaw), 0.3)
    hair, face = (0.56 * squeeze, 0.68), (0.46 * squeeze, 0.6)
    canvas.fill(camera(ellipse(centre - (turn * squeeze, 0.08), hair)), person.hair)
    if pose.view == "back":
        end = -0.3 + person.hair_length
        half = np.array([(0.55, -0.95), (0.58, (end - 0.9) / 2), (0.52, end - 0.2), (0.3, end), (0.0, end + 0.06)])
        canvas.fill(smooth(camera(np.concatenate([half, half[-2::-1] * (-1, 1)]))), person.hair)
        return
    canvas.fill(camera(ellipse(np.add(centre, (0, 0.06)), face)), person.skin)
    for side in (-1, 1):
        eye = np.add(centre, ((side * 0.17 + turn) * squeeze, 0.02))
        canvas.fill(camera(ellipse(eye, (0.05 * squeeze, 0.06), points=10)), (50, 40, 40))
    mouth = centre + np.array([(-0.14, 0.32), (0.0, 0.37), (0.14, 0.32)]) * (squeeze, 1) + (turn * squeeze, 0)
    canvas.line(camera(smooth(mouth, closed=False)), shaded(person.skin, 0.62), 0.05 * camera.scale)
    fringe = np.array(
        [(-0.5, -0.15), (-0.45, -0.5), (0.0, -0.7), (0.45, -0.5), (0.5, -0.15), (0.2, -0.36), (-0.2, -0.3)]
    )
    canvas.fill(smooth(camera(centre + fringe * (squeeze, 1))), person.hair)


def _locks(canvas: Canvas, camera: Camera, pose: Pose, person: Person) -> None:
    """Long hair falls over the shoulders."""
    if person.hair_length:
        for side in (-person.heading,) if pose.view == "side" else (-1, 1):
            end = 0.15 + person.hair_length
            line = smooth(np.array([(0.48, -1.1), (0.56, -0.45), (0.5, end / 2), (0.4, end)]) * (side, 1), closed=False)
            widths = np.interp(np.linspace(0, 1, len(line)), [0, 0.45, 0.8, 1], [0.05, 0.15, 0.17, 0.03])
            canvas.fill(camera(strip(line, widths)), person.hair)


def _hanger(canvas: Canvas, camera: Camera, garment: Garment) -> None:
    top, wood = np.array([0.0, -0.32]), (120, 92, 66)
    width = 0.75 if not garment.design.cut.is_lower else 0.6
    if garment.design.cut.is_lower:
        top[1] += 2.1
    hook = top + np.array([(0.0, 0.0), (0.02, -0.25), (0.16, -0.42), (0.0, -0.58), (-0.14, -0.46)])
    canvas.line(camera(smooth(hook, closed=False)), (110, 112, 118), 0.06 * camera.scale)
    bar = top + np.array([(-width, 0.5), (0.0, 0.0), (width, 0.5)])
    canvas.fill(camera(strip(bar, 0.07)), wood)
