"""A style: the colours and the pattern that a garment keeps in every picture."""

import colorsys
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

TEXELS = 40
"""Texture pixels to one body unit (half the width of the shoulders)."""

EXTENT = 8
"""Width and height of a texture in body units: more than any garment."""

Colour = tuple[int, int, int]

HUES = {category_id: turn / 13 for turn, category_id in enumerate((1, 8, 10, 2, 9, 12, 3, 7, 13, 5, 4, 11, 6))}
"""The hue that a category's cloth mostly has, in turns of the colour wheel; neighbours differ in shape."""

HUE_SPREAD, ANY_HUE = 0.022, 0.1
"""How far a cloth's hue is from its category's, in turns, and how often it has any hue at all.

Colour that goes with a category is what a small network can learn from in the minutes that the demo has; with colours
free of it, twice the time reached half the accuracy (docs/decisions.md).
"""

MUTED: tuple[Colour, ...] = (
    (92, 90, 96),
    (122, 116, 112),
    (148, 150, 152),
    (170, 164, 156),
    (66, 66, 72),
    (186, 186, 190),
)
"""Colours of things that are no garment."""

CONTRAST = 0.4
"""How far a pattern's figure is from its ground, as a share of the way to another colour."""

PATTERNS = ("plain", "hoops", "stripes", "diagonal", "checks", "plaid", "dots", "gradient", "print", "blocks")


@dataclass(frozen=True)
class Style:
    """Colours and pattern; equal styles look equal.

    Attributes:
        pattern: one of PATTERNS.
        colours: ground, figure and trim, RGB.
        period: size of the pattern's repeat in body units.
        seed: what places the blobs of a print.
    """

    pattern: str
    colours: tuple[Colour, Colour, Colour]
    period: float
    seed: int

    @property
    def look(self) -> tuple[str, Colour, Colour]:
        """What tells it from other styles at a glance."""
        return self.pattern, self.colours[0], self.colours[1]


def random_style(rng: np.random.Generator, category_id: int) -> Style:
    """A style for a garment of a category, which is colourful: all else in a picture is muted."""
    pattern = PATTERNS[rng.integers(len(PATTERNS))]
    hue = rng.random() if rng.random() < ANY_HUE else HUES[category_id] + rng.uniform(-1, 1) * HUE_SPREAD
    ground, figure, trim = _colour(rng, hue), _colour(rng, rng.random()), _colour(rng, rng.random())
    while abs(lightness(ground) - lightness(figure)) < 45:
        figure = _colour(rng, rng.random())
    period, seed = float(rng.choice([0.22, 0.3, 0.42])), int(rng.integers(1 << 30))
    return Style(pattern, (ground, mixed(ground, figure), trim), period, seed)


def _colour(rng: np.random.Generator, hue: float) -> Colour:
    """A saturated colour of a hue, neither black nor white."""
    red, green, blue = colorsys.hls_to_rgb(hue % 1, rng.uniform(0.36, 0.66), rng.uniform(0.6, 0.85))
    return round(255 * red), round(255 * green), round(255 * blue)


def mixed(ground: Colour, figure: Colour) -> Colour:
    """A figure's colour that keeps to its ground: a louder one draws more edges than the garment's outline has."""
    red, green, blue = (round(g + CONTRAST * (f - g)) for g, f in zip(ground, figure, strict=True))
    return red, green, blue


def lightness(colour: Colour) -> float:
    """Perceived lightness, 0..255 (Rec. 601 luma)."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def shaded(colour: Colour, factor: float) -> Colour:
    """A colour made darker (factor < 1) or lighter."""
    red, green, blue = (min(255, max(0, round(channel * factor))) for channel in colour)
    return red, green, blue


@lru_cache(maxsize=160)
def texture(style: Style) -> Image.Image:
    """The cloth, RGB, EXTENT x EXTENT body units with the origin in its centre."""
    axis = ((np.arange(EXTENT * TEXELS) + 0.5) / TEXELS - EXTENT / 2).astype(np.float32)
    figure = _figure(style, axis[None, :], axis[:, None])[..., None]
    ground, other = np.array(style.colours[:2], np.float32)
    return Image.fromarray((ground + figure * (other - ground) + 0.5).astype(np.uint8))


def _figure(style: Style, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How much of the figure's colour shows at each point, 0..1."""
    period = style.period
    blank = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.float32)
    match style.pattern:
        case "hoops":
            return blank + _bars(y, period, 0.45)
        case "stripes":
            return blank + _bars(x, period, 0.45)
        case "diagonal":
            return blank + _bars((x + y) / np.sqrt(2), period, 0.45)
        case "checks":
            return np.abs(_bars(x, 2 * period, 0.5) - _bars(y, 2 * period, 0.5))
        case "plaid":
            return 0.5 * (_bars(x, 2 * period, 0.4) + _bars(y, 2 * period, 0.4))
        case "dots":
            return _dots(x, y, 1.4 * period)
        case "gradient":
            return np.clip(blank + 0.5 + 0.42 * (y + 1), 0, 1)
        case "print":
            return _blobs(style.seed)
        case "blocks":
            return blank + (y > -1.4) * (y < -0.5)
    return blank


def _bars(position: np.ndarray, period: float, share: float) -> np.ndarray:
    offset = np.abs((position / period) % 1 - 0.5)
    return _soft((share / 2 - offset) * period)


def _dots(x: np.ndarray, y: np.ndarray, period: float) -> np.ndarray:
    row = np.floor(y / period)
    across = (x / period + 0.5 * (row % 2)) % 1 - 0.5
    down = (y / period) % 1 - 0.5
    return _soft((0.29 - np.hypot(across, down)) * period)


def _blobs(seed: int) -> np.ndarray:
    """Soft-edged patches on a jittered grid: flowers or camouflage, as one likes."""
    field = np.random.default_rng(seed).uniform(-1, 1, (8, 8)).astype(np.float32)
    size = EXTENT * TEXELS // 4
    tiled = Image.fromarray(np.tile(field, (3, 3))).resize((3 * size, 3 * size), Image.Resampling.BICUBIC)
    tile = np.asarray(tiled)[size : 2 * size, size : 2 * size]
    return np.tile(_soft((tile - 0.22) * 0.2), (4, 4))


def _soft(inside: np.ndarray) -> np.ndarray:
    """An edge one texel wide, from the distance inside it in body units."""
    return np.clip(inside * TEXELS + 0.5, 0, 1)
