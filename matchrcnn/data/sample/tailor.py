"""Draws garments: cloth, seams, collars, waistbands, buttons and folds."""

import numpy as np

from matchrcnn.data.sample.camera import Camera
from matchrcnn.data.sample.canvas import Canvas
from matchrcnn.data.sample.curves import ellipse, smooth, strip
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
    """The texture's origin lies on the chest, or on the thighs for what hangs from the waist."""
    y = 3.6 if garment.design.cut.is_lower else 1.3
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
    trim, unit = garment.design.style.colours[2], camera.scale
    ink = _ink(garment.design.style.colours[0])
    if garment.design.cut.is_lower:
        _waistband(canvas, garment, points, trim, ink, unit)
        return
    if garment.design.cut.edges and 0 in garment.covered:
        _lapels(canvas, garment, points, trim, ink, unit)
    else:
        _neckband(canvas, garment, points, trim, unit)
    if garment.design.category_id >= 10:
        _belt(canvas, garment, points, trim, unit)


def _neckband(canvas: Canvas, garment: Garment, points: np.ndarray, trim: Colour, unit: float) -> None:
    worn, behind = 0 in garment.covered, 3 in garment.covered
    if not worn:
        canvas.line(smooth(points[[1, 0, 5]], closed=False), trim, 0.1 * unit)
    if not behind:
        canvas.line(smooth(points[[1, 2, 3, 4, 5]], closed=False), trim, 0.1 * unit)
    if behind or garment.design.cut.edges:
        return
    if garment.design.hem > 0.6:
        for share in (0.12, 0.3, 0.48):
            button = points[3] + share * 1.6 * unit * np.array([0, 1])
            canvas.fill(ellipse(button, (0.05 * unit, 0.05 * unit), points=8), trim, None)


def _lapels(canvas: Canvas, garment: Garment, points: np.ndarray, trim: Colour, ink: Colour, unit: float) -> None:
    category = garment.design.category
    for neck, fold, low, edge in ((1, 2, 3, garment.design.cut.edges[2]),):
        for left in (True, False):
            names = [i if left else int(category.flip[i]) for i in (neck, fold, low, edge)]
            corner = points[names[0]], points[names[1]], points[names[2]]
            out = points[names[2]] + (points[names[0]] - points[names[3]]) * 0.0
            out = out + np.array([-0.34 if left else 0.34, 0.0]) * unit
            canvas.line(np.stack([corner[0], out, points[names[2]]]), ink, 0.03 * unit)
            canvas.line(np.stack([points[names[2]], points[names[3]]]), trim, 0.06 * unit)


def _waistband(canvas: Canvas, garment: Garment, points: np.ndarray, trim: Colour, ink: Colour, unit: float) -> None:
    down = np.array([0, 0.14 * unit])
    canvas.line(smooth(points[[0, 1, 2]] + 0.5 * down, closed=False), trim, 0.16 * unit)
    if not garment.design.cut.leg:
        return
    crotch = garment.design.category.outline[len(garment.design.category.outline) // 2 - 0]
    crotch = {7: 6, 8: 8}[garment.design.category_id]
    canvas.line(points[[1, crotch]] + [down, (0, 0)], ink, 0.03 * unit)
    for corner, side in ((0, 3), (2, int(garment.design.category.flip[3]))):
        inner = points[corner] + 0.3 * (points[1] - points[corner]) + 1.2 * down
        canvas.line(np.stack([inner, points[corner] + 0.6 * (points[side] - points[corner])]), ink, 0.03 * unit)


def _belt(canvas: Canvas, garment: Garment, points: np.ndarray, trim: Colour, unit: float) -> None:
    waist = {10: 14, 11: 18, 12: 9, 13: 9}[garment.design.category_id]
    ends = points[[waist, int(garment.design.category.flip[waist])]]
    middle = np.add(ends.mean(0), (0, 0.08 * unit))
    canvas.line(smooth(np.stack([ends[0], middle, ends[1]]), closed=False), trim, 0.11 * unit)
