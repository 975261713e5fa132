"""One image: who stands where, how it is framed, what is painted in which order."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from matchrcnn.data.sample import surroundings
from matchrcnn.data.sample.camera import Camera
from matchrcnn.data.sample.canvas import SUPERSAMPLING, Canvas
from matchrcnn.data.sample.curves import smooth
from matchrcnn.data.sample.figure import Pose, random_pose
from matchrcnn.data.sample.garment import Garment, put_on
from matchrcnn.data.sample.plan import ImagePlan
from matchrcnn.data.sample.tailor import pixels
from matchrcnn.data.sample.wearer import Person, draw_flat, draw_worn, random_person

SIZES = ((160, 208), (160, 208), (152, 216), (168, 208), (176, 176), (208, 160))
"""Width and height of images, before a jitter of a few pixels."""

FILLS = ((0.26, 0.46), (0.5, 0.9), (0.9, 1.35))
FILL_SHARES = {"shop": (0.38, 0.47, 0.15), "user": (0.36, 0.42, 0.22)}
"""How much of the image the garment in focus fills along its tighter side, and how often."""


@dataclass(frozen=True)
class Scene:
    """What was drawn.

    Attributes:
        picture: the finished image, RGB.
        canvas: who covers what, SUPERSAMPLING canvas pixels to an image pixel.
        camera: body units to canvas pixels.
        pose: of the wearer.
        garments: garment i is the canvas's item i + 1.
    """

    picture: Image.Image
    canvas: Canvas
    camera: Camera
    pose: Pose
    garments: tuple[Garment, ...]


def draw(seed: int, plan: ImagePlan) -> Scene:
    """Draw the image of a plan; it depends on nothing but the seed and the plan."""
    rng = plan.rng(seed, purpose=0)
    user = plan.source == "user"
    person, pose = random_person(rng), random_pose(rng, plan.view, 1.0 if user else 0.2)
    garments = tuple(put_on(worn.design, pose, person.heading) for worn in plan.garments)
    width, height = np.array(SIZES[rng.integers(len(SIZES))]) + rng.integers(-8, 9, 2)
    size = (int(width) * SUPERSAMPLING, int(height) * SUPERSAMPLING)
    camera = _frame(rng, plan, pose, person, garments, size)
    canvas = Canvas(surroundings.room(rng, size) if user else surroundings.studio(rng, size))
    if pose.worn:
        surroundings.floor_shadow(canvas, camera)
        draw_worn(canvas, camera, pose, person, garments)
    else:
        _lay_out(rng, canvas, camera, garments[0])
    _obstruct(rng, canvas, camera, plan, person, garments[plan.focus])
    return Scene(surroundings.develop(rng, canvas.picture, user), canvas, camera, pose, garments)


def _frame(
    rng: np.random.Generator,
    plan: ImagePlan,
    pose: Pose,
    person: Person,
    garments: tuple[Garment, ...],
    size: tuple[int, int],
) -> Camera:
    """A camera that shows the garment in focus at a chosen size, a little off the middle."""
    user = plan.source == "user"
    turn = {"side": rng.uniform(0.75, 1.0), "flat": 0.0}.get(pose.view, rng.uniform(0, 0.25))
    roll = rng.normal(0, 0.1 if user else 0.015) + (rng.uniform(-0.5, 0.5) if user and not pose.worn else 0)
    lean, keystone = rng.normal(0, 0.2 if user else 0.06), rng.normal(0, 0.025 if user else 0.004)
    loose = Camera(turn * person.heading, float(lean), float(roll), float(keystone), 1.0, (0.0, 3.0), (0.0, 0.0))
    focus = garments[plan.focus]
    points = loose(focus.points, focus.depth)
    low, high = points.min(0), points.max(0)
    fill = rng.uniform(*FILLS[rng.choice(3, p=FILL_SHARES[plan.source])])
    if not pose.worn:
        fill = 0.2 + 0.8 * fill
    scale = fill * float(np.min(np.array(size) / (high - low)))
    shift = rng.uniform(-1, 1, 2) * (0.1 + 0.18 * user) * np.array(size)
    origin = np.array(size) / 2 + shift * max(0.3, 1.2 - fill) - (low + high) / 2 * scale
    return Camera(
        loose.yaw, loose.lean, loose.roll, loose.keystone, scale, loose.centre, (float(origin[0]), float(origin[1]))
    )


def _lay_out(rng: np.random.Generator, canvas: Canvas, camera: Camera, garment: Garment) -> None:
    points = pixels(garment, camera)
    loops = garment.trunk + garment.sleeves
    surroundings.flat_shadow(canvas, [smooth(points[list(loop)]) for loop in loops], camera.scale)
    draw_flat(canvas, camera, garment, hanger=bool(rng.random() < 0.6))


def _obstruct(
    rng: np.random.Generator, canvas: Canvas, camera: Camera, plan: ImagePlan, person: Person, focus: Garment
) -> None:
    """Things that cover garments, above all in users' photos."""
    user = plan.source == "user"
    chance = rng.random(3)
    if plan.view != "flat" and chance[0] < (0.35 if user else 0.15):
        surroundings.bag(rng, canvas, camera)
    if plan.view == "front" and user and chance[1] < 0.2:
        surroundings.phone(rng, canvas, camera, person.skin)
    if user and chance[2] < 0.08:
        points = pixels(focus, camera)
        surroundings.post(rng, canvas, points.min(0), points.max(0))
    elif user and chance[2] < 0.16:
        surroundings.leaves(rng, canvas)
