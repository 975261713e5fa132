"""Draws garments: cloth, seams, collars, waistbands, buttons and folds."""

import numpy as np

from matchrcnn.data.sample.camera import Camera
from matchrcnn.data.sample.canvas import Canvas
from matchrcnn.data.sample.curves import ellipse, smooth, strip
from matchrcnn.data.sample.cuts import DRESSES, mirrored
from matchrcnn.data.sample.garment import Garment
from matchrcnn.data.sample.style import Colour, lightness, shaded, texture

STRAP = 0.075
"""Half the width of a strap in body units."""


def pixels(garment: Garment, camera: Camera) -> np.ndarray:
    """The garment's points on the canvas, (n, 2)."""
    return camera(garment.points, garment.depth)


def straps(garment: Garment, camera: Camera) -> list[np.ndarray]:
    """The straps of a sling on the canvas, polygons (n, 2)."""
    points = pixels(garment, camera)
    lines = [points[list(pair)] for pair in garment.design.category.straps]
    return [strip(line + (line - line.mean(0)) * 0.04, STRAP * camera.scale) for line in lines]


def draw_trunk(canvas: Canvas, camera: Camera, garment: Garment, item: int) -> None:
    """Paint what hangs from the shoulders or the waist."""
    points, ground = pixels(garment, camera), garment.design.style.colours[0]
    cloth, frame = texture(garment.design.style), _trunk_frame(garment, camera)
    if garment.lining:
        canvas.fill(smooth(points[list(garment.lining)]), shaded(ground, 0.45), item)
    for polygon in straps(garment, camera):
        canvas.cloth([polygon], cloth, frame, item)
    for loop in garment.trunk:
        polygon = smooth(points[list(loop)])
        canvas.cloth([polygon], cloth, frame, item)
        canvas.line(np.concatenate([polygon, polygon[:1]]), _ink(ground), 0.025 * camera.scale)
    _folds(canvas, camera, garment, points)
    _details(canvas, camera, garment, points)


def draw_sleeve(canvas: Canvas, camera: Camera, garment: Garment, side: int, item: int) -> None:
    """Paint one sleeve, if the garment has sleeves."""
    if not garment.sleeves:
        return
    loop, style = garment.sleeves[side], garment.design.style
    points = pixels(garment, camera)[list(loop)]
    half = len(loop) // 2
    cuff, root = points[half - 1 : half + 1].mean(0), points[[0, -1]].mean(0)
    polygon = smooth(points)[: 4 * (len(loop) - 1) + 1]
    shoulder = root + (root - cuff) / np.hypot(*(root - cuff)) * 0.2 * camera.scale
    rounded = np.concatenate([polygon, shoulder[None]])
    canvas.cloth([rounded], texture(style), _limb_frame(root, cuff, camera), item)
    canvas.line(polygon, _ink(style.colours[0]), 0.03 * camera.scale)
    hem = points[[half - 1, half]] + (points[[half - 2, half + 1]] - points[[half - 1, half]]) * 0.16
    canvas.line(hem, style.colours[2], 0.09 * camera.scale)


def _trunk_frame(garment: Garment, camera: Camera) -> np.ndarray:
    """The texture's origin lies in the middle of the longest garment of its kind."""
    y = 3.6 if garment.design.cut.is_lower else 2.4
    return camera(np.array([(0, y), (1, y), (0, y + 1)], float))


def _limb_frame(root: np.ndarray, end: np.ndarray, camera: Camera) -> np.ndarray:
    down = (end - root) / max(float(np.hypot(*(end - root))), 1e-6) * camera.scale
    across = np.array([down[1], -down[0]])
    return np.stack([root, root + across, root + down])


def _ink(ground: Colour) -> Colour:
    """The colour of seams on this ground: darker, or lighter on what is nearly black."""
    return shaded(ground, 0.55) if lightness(ground) > 60 else shaded(ground, 1.9)


def _folds(canvas: Canvas, camera: Camera, garment: Garment, points: np.ndarray) -> None:
    """Soft lines that rise from the hem."""
    cut = garment.design.cut
    if cut.leg:
        return
    hem = cut.anchors[-1][0]
    ends = points[[hem, int(garment.design.category.flip[hem])]]
    above = points[[hem - 1, int(garment.design.category.flip[hem - 1])]]
    for share in (0.16, 0.34, 0.62, 0.84):
        low, high = (pair[0] + share * (pair[1] - pair[0]) for pair in (ends, above))
        line = np.stack([low, low + (high - low) * (0.8 + share % 0.3)])
        widths = np.array([0.06, 0.01]) * camera.scale
        canvas.soft(strip(line, widths), (20, 16, 30), 0.34, max(1, round(0.03 * camera.scale)))


def _details(canvas: Canvas, camera: Camera, garment: Garment, points: np.ndarray) -> None:
    """Bands, collars, buttons and pockets: what shows where the inner landmarks are."""
    design, unit = garment.design, camera.scale
    if design.cut.is_lower:
        _waistband(canvas, garment, points, unit)
        return
    if 0 not in garment.covered:
        canvas.line(smooth(points[[1, 0, 5]], closed=False), design.style.colours[2], 0.1 * unit)
    if design.cut.edges:
        _coat(canvas, garment, points, unit)
    elif 3 not in garment.covered:
        _neckband(canvas, garment, points, unit)
    if design.category_id in DRESSES:
        _belt(canvas, garment, points, unit)


def _neckband(canvas: Canvas, garment: Garment, points: np.ndarray, unit: float) -> None:
    trim = garment.design.style.colours[2]
    canvas.line(smooth(points[[1, 2, 3, 4, 5]], closed=False), trim, 0.1 * unit)
    if garment.design.hem > 0.6:
        for share in (0.2, 0.48, 0.76):
            button = points[3] + (0, share * unit)
            canvas.fill(ellipse(button, (0.05 * unit, 0.05 * unit), points=8), trim, None)


def _coat(canvas: Canvas, garment: Garment, points: np.ndarray, unit: float) -> None:
    """Front edges, collar points and pockets; from behind a yoke and a vent."""
    ink, trim = _ink(garment.design.style.colours[0]), garment.design.style.colours[2]
    edges = garment.design.cut.edges
    others = mirrored(edges, garment.design.category)
    if 3 in garment.covered:
        canvas.line(points[[6, int(garment.design.category.flip[6])]] + (0, 0.32 * unit), ink, 0.04 * unit)
        low, high = points[[edges[-1], others[-1]]].mean(0), points[[edges[1], others[1]]].mean(0)
        canvas.line(np.stack([low, low + 0.6 * (high - low)]), ink, 0.05 * unit)
        return
    for front, neck, fold, sign in ((edges, 1, 2, -1), (others, 5, 4, 1)):
        canvas.line(smooth(points[list(front)], closed=False), trim, 0.07 * unit)
        wing = points[fold] + (sign * 0.42 * unit, 0.3 * unit)
        canvas.fill(np.stack([points[neck], wing, points[front[0]], points[fold]]), trim, None)
        canvas.line(np.stack([points[neck], wing, points[front[0]]]), ink, 0.03 * unit)
        pocket = points[front[2]] + (sign * 0.52 * unit, 0)
        slit = np.array([(-0.2, 0.0), (0.2, 0.0)]) * unit
        canvas.line(pocket + slit, trim, 0.1 * unit)


def _waistband(canvas: Canvas, garment: Garment, points: np.ndarray, unit: float) -> None:
    """A band, and on trousers and shorts a fly seam and pockets."""
    category, ink = garment.design.category, _ink(garment.design.style.colours[0])
    down = np.array([0, 0.14 * unit])
    canvas.line(smooth(points[[0, 1, 2]] + 0.5 * down, closed=False), garment.design.style.colours[2], 0.16 * unit)
    if not garment.design.cut.leg:
        return
    crotch = np.flatnonzero(category.flip == np.arange(category.count))[-1]
    canvas.line(np.stack([points[1] + down, points[crotch]]), ink, 0.03 * unit)
    for corner, side in ((0, 3), (2, int(category.flip[3]))):
        inner = points[corner] + 0.3 * (points[1] - points[corner]) + 1.2 * down
        canvas.line(np.stack([inner, points[corner] + 0.6 * (points[side] - points[corner])]), ink, 0.03 * unit)


def _belt(canvas: Canvas, garment: Garment, points: np.ndarray, unit: float) -> None:
    waist = garment.design.cut.anchors[-2][0]
    left, right = points[waist], points[int(garment.design.category.flip[waist])]
    middle = (left + right) / 2 + (0, 0.08 * unit)
    canvas.line(smooth(np.stack([left, middle, right]), closed=False), garment.design.style.colours[2], 0.11 * unit)
