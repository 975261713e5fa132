"""What is behind, before and around the wearer, and the light on the finished picture."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from matchrcnn.data.sample.camera import Camera
from matchrcnn.data.sample.canvas import SUPERSAMPLING, Canvas
from matchrcnn.data.sample.curves import ellipse, smooth, strip
from matchrcnn.data.sample.style import MUTED, Colour, shaded

STUDIOS: tuple[Colour, ...] = (
    (240, 240, 242),
    (232, 228, 222),
    (222, 230, 234),
    (238, 226, 222),
    (214, 216, 220),
    (230, 234, 222),
)
WALLS: tuple[Colour, ...] = (
    (192, 186, 178),
    (154, 162, 166),
    (172, 162, 152),
    (136, 142, 134),
    (206, 202, 198),
    (112, 110, 116),
)


def studio(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """A shop's plain background: a light wall that fades into the floor, canvas pixels RGB."""
    wall = np.array(STUDIOS[rng.integers(len(STUDIOS))], float)
    y = np.linspace(0, 1, 64)[:, None, None]
    x = np.linspace(-1, 1, 64)[None, :, None]
    light = 1.03 - 0.1 * y**2 - 0.06 * (x - rng.uniform(-0.5, 0.5)) ** 2 - 0.05 * (y > rng.uniform(0.8, 0.9))
    tile = Image.fromarray(np.clip(wall * light, 0, 255).astype(np.uint8))
    return tile.resize(size, Image.Resampling.BICUBIC)


def room(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """A user's cluttered background, out of focus: wall, floor and things, canvas pixels RGB."""
    width, height = size[0] // 3, size[1] // 3
    wall = WALLS[rng.integers(len(WALLS))]
    picture = Image.new("RGB", (width, height), wall)
    draw = ImageDraw.Draw(picture)
    floor = round(height * rng.uniform(0.68, 0.88))
    draw.rectangle([0, floor, width, height], fill=shaded(wall, rng.uniform(0.55, 0.8)))
    draw.line([0, floor, width, floor], fill=shaded(wall, 1.15), width=2)
    for _ in range(rng.integers(4, 10)):
        _thing(rng, draw, width, floor)
    picture = picture.filter(ImageFilter.BoxBlur(float(rng.uniform(0.3, 1.6))))
    return picture.resize(size, Image.Resampling.BILINEAR)


def _thing(rng: np.random.Generator, draw: ImageDraw.ImageDraw, width: int, floor: int) -> None:
    """A picture, a shelf, a cupboard or a lamp."""
    colour = shaded(MUTED[rng.integers(len(MUTED))], rng.uniform(0.6, 1.1))
    x, y = rng.uniform(-0.15, 1, 2) * (width, floor)
    w, h = rng.uniform(0.08, 0.4) * width, rng.uniform(0.06, 0.4) * floor
    if rng.random() < 0.3:
        y, h = floor - h, h * 1.15
    box = [float(x), float(y), float(x + w), float(y + h)]
    if rng.random() < 0.25:
        draw.ellipse(box, fill=colour)
        return
    draw.rectangle(box, fill=colour, outline=shaded(colour, 0.6))
    if rng.random() < 0.5:
        for share in (0.33, 0.66):
            draw.line([box[0], float(y + h * share), box[2], float(y + h * share)], fill=shaded(colour, 0.7))


def floor_shadow(canvas: Canvas, camera: Camera) -> None:
    """The wearer's shadow on the floor."""
    canvas.soft(
        camera(ellipse(np.array([0.15, 7.45]), (1.5, 0.3))), (30, 28, 40), 0.35, max(2, round(0.2 * camera.scale))
    )


def flat_shadow(canvas: Canvas, outlines: list[np.ndarray], scale: float) -> None:
    """The shadow of a garment, outlines of (n, 2) canvas pixels, that lies or hangs before a surface."""
    for outline in outlines:
        canvas.soft(outline + 0.12 * scale, (30, 28, 40), 0.4, max(2, round(0.1 * scale)))


def bag(rng: np.random.Generator, canvas: Canvas, camera: Camera) -> None:
    """A bag that hangs at one hip on a strap across the body or from the shoulder."""
    colour = shaded(MUTED[rng.integers(len(MUTED))], 0.8)
    side = rng.choice([-1, 1])
    centre = np.array([side * rng.uniform(0.5, 1.1), rng.uniform(2.3, 3.3)])
    start = np.array([-side * 0.6 if rng.random() < 0.5 else side * 0.75, 0.05])
    canvas.fill(camera(strip(np.stack([start, centre - (0, 0.3)]), 0.07)), shaded(colour, 0.7))
    half = np.array([rng.uniform(0.45, 0.8), rng.uniform(0.4, 0.65)])
    corners = np.array([(-0.9, -1), (0.9, -1), (1.1, 0.8), (0.8, 1), (-0.8, 1), (-1.1, 0.8)])
    canvas.fill(smooth(camera(centre + corners * half)), colour)
    flap = np.array([(-0.92, -1), (0.92, -1), (0.7, 0.1), (-0.7, 0.1)])
    canvas.fill(smooth(camera(centre + flap * half)), shaded(colour, 0.82))
    canvas.fill(camera(ellipse(np.add(centre, (0, 0.1 * half[1])), (0.07, 0.07), points=10)), (226, 196, 110))


def phone(rng: np.random.Generator, canvas: Canvas, camera: Camera, skin: Colour) -> None:
    """A hand that holds a telephone before the chest or the face: a photo taken in a mirror."""
    centre = np.array([rng.uniform(-0.5, 0.5), rng.uniform(-0.7, 0.9)])
    elbow = np.array([np.sign(centre[0] + 1e-3) * 1.25, centre[1] + 1.5])
    arm = np.stack([elbow, (elbow + centre) / 2 + (0, 0.15), centre])
    canvas.fill(camera(strip(smooth(arm, closed=False), 0.17)), skin)
    corners = np.array([(-0.26, -0.5), (0.26, -0.5), (0.26, 0.5), (-0.26, 0.5)])
    canvas.fill(camera(centre + corners), (30, 32, 38))
    canvas.fill(camera(centre + (-0.1, -0.34) + corners * 0.28), (70, 74, 84))
    canvas.fill(camera(ellipse(np.add(centre, (0.1, 0.2)), (0.34, 0.16), 0.3)), skin)


def post(rng: np.random.Generator, canvas: Canvas, low: np.ndarray, high: np.ndarray) -> None:
    """The edge of a door close to the camera, over a part of the box from `low` to `high` ((2,) canvas pixels)."""
    width, height = canvas.picture.size
    low, high = np.clip(low, 0, canvas.picture.size), np.clip(high, 0, canvas.picture.size)
    colour = shaded(WALLS[rng.integers(len(WALLS))], 0.7)
    share, tilt = rng.uniform(0.15, 0.42), rng.normal(0, 0.03) * width
    from_left = rng.random() < 0.5
    edge = low[0] + (high[0] - low[0]) * (share if from_left else 1 - share)
    side = 0 if from_left else width
    outline = np.array([(side, 0), (edge + tilt, 0), (edge - tilt, height), (side, height)], float)
    canvas.fill(outline, colour)
    canvas.line(outline[[1, 2]], shaded(colour, 1.25), 3)


def leaves(rng: np.random.Generator, canvas: Canvas) -> None:
    """A plant close to the camera."""
    width, height = canvas.picture.size
    root = np.array([rng.uniform(0.1, 0.9) * width, height * 1.05])
    for angle in rng.uniform(-1.2, 1.2, rng.integers(5, 9)):
        tip = root + rng.uniform(0.35, 0.75) * height * np.array([np.sin(angle), -np.cos(angle)])
        leaf = smooth(np.stack([root, (root + tip) / 2 + rng.normal(0, 0.04 * width, 2), tip]), closed=False)
        widths = np.sin(np.linspace(0.15, 1, len(leaf)) * np.pi) * rng.uniform(0.04, 0.07) * width
        canvas.fill(strip(leaf, widths), shaded((98, 116, 98), rng.uniform(0.6, 1.15)))


def develop(rng: np.random.Generator, picture: Image.Image, user: bool) -> Image.Image:
    """The finished picture: reduced from canvas to image pixels, with the light, blur and noise of its source."""
    picture = picture.reduce(SUPERSAMPLING)
    if user and rng.random() < 0.5:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.2, 0.8))))
    pixels = np.asarray(picture, np.float32)
    height, width = pixels.shape[:2]
    strength = 1.0 if user else 0.25
    cast = 1 + strength * rng.uniform(-0.08, 0.08, 3)
    slope = strength * rng.uniform(-0.16, 0.16, 2)
    ramp = slope[0] * np.linspace(-1, 1, width)[None, :] + slope[1] * np.linspace(-1, 1, height)[:, None]
    light = (1 + strength * rng.uniform(-0.2, 0.12) + ramp)[..., None] * cast
    noise = rng.standard_normal(pixels.shape, np.float32) * np.float32(rng.uniform(1, 6) * strength)
    return Image.fromarray(np.clip(pixels * light.astype(np.float32) + noise, 0, 255).astype(np.uint8))
