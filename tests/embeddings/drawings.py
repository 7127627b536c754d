"""Drawn pictures and their titles: what the image model can tell apart without photographs."""

import random
from dataclasses import dataclass
from io import BytesIO
from math import cos, pi, sin

from PIL import Image, ImageDraw

COLOURS = {
    "red": (200, 30, 30),
    "green": (30, 150, 50),
    "blue": (30, 60, 200),
    "yellow": (235, 205, 40),
    "black": (20, 20, 20),
    "pink": (245, 130, 180),
}
SHAPES = ("ball", "box", "star", "ring", "tent", "ladder")
_SIDE = 128


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture of a thing, and what a shop calls it."""

    title: str
    picture: Image.Image

    @property
    def png(self) -> bytes:
        buffer = BytesIO()
        self.picture.save(buffer, "PNG")
        return buffer.getvalue()


def drawings(count: int, seed: int = 7) -> list[Drawing]:
    """So many drawings, every shape and colour in turn; no two pictures are alike."""
    chance = random.Random(seed)
    kinds = [(shape, colour) for shape in SHAPES for colour in COLOURS]
    return [_drawing(*kinds[number % len(kinds)], chance) for number in range(count)]


def _drawing(shape: str, colour: str, chance: random.Random) -> Drawing:
    shade = 225 + chance.randrange(31)
    picture = Image.new("RGB", (_SIDE, _SIDE), (shade, shade, shade))
    radius = chance.uniform(30, 50)
    x, y = (chance.uniform(radius, _SIDE - radius) for _ in range(2))
    fill = tuple(min(255, max(0, part + chance.randrange(-20, 21))) for part in COLOURS[colour])
    _draw(ImageDraw.Draw(picture), shape, (x, y), radius, fill)
    return Drawing(f"{colour} {shape}", picture)


def _draw(
    pen: ImageDraw.ImageDraw,
    shape: str,
    centre: tuple[float, float],
    radius: float,
    fill: tuple[int, ...],
) -> None:
    x, y = centre
    box = (x - radius, y - radius, x + radius, y + radius)
    if shape == "ball":
        pen.ellipse(box, fill=fill)
    elif shape == "box":
        pen.rectangle(box, fill=fill)
    elif shape == "ring":
        pen.ellipse(box, outline=fill, width=round(radius / 4))
    elif shape == "ladder":
        for side in (box[0], box[2]):
            pen.line((side, box[1], side, box[3]), fill=fill, width=5)
        for rung in range(6):
            height = box[1] + rung * radius * 2 / 5
            pen.line((box[0], height, box[2], height), fill=fill, width=5)
    else:
        points = 3 if shape == "tent" else 10
        pen.polygon([_corner(centre, radius, corner, points) for corner in range(points)], fill)


def _corner(
    centre: tuple[float, float], radius: float, corner: int, corners: int
) -> tuple[float, float]:
    """Of a triangle, or of a star, whose every other corner is an inner one."""
    reach = radius / 2 if corners > 3 and corner % 2 else radius
    angle = 2 * pi * corner / corners - pi / 2
    return centre[0] + reach * cos(angle), centre[1] + reach * sin(angle)
