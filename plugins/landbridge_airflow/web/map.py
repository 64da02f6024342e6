"""The map: what is read on the left, flows in the middle, what is written on the right. Plain numbers for an SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from landbridge.sync.company import Company

ROW = 34
WIDTH = 900
LEFT, MIDDLE, RIGHT = 10, 360, 680
BOX = {LEFT: 210, MIDDLE: 180, RIGHT: 210}


@dataclass(frozen=True)
class Node:
    name: str
    x: int
    y: int
    width: int
    state: str


@dataclass(frozen=True)
class Line:
    """`path` is the d of an SVG path."""

    path: str
    state: str


@dataclass(frozen=True)
class Map:
    nodes: tuple[Node, ...]
    lines: tuple[Line, ...]
    height: int
    width: int = WIDTH


def draw(company: Company, late: Iterable[str]) -> Map:
    """Sources that only give context (accounts, rooms) are left out: along a line something moves."""
    late = set(late)
    flows = list(company.flows.values())
    said = {flow.name: [source.stream for source in flow.says] or list(flow.sources) for flow in flows}
    sources = list(dict.fromkeys(stream for flow in flows for stream in said[flow.name]))
    targets = list(dict.fromkeys(target for flow in flows for target in flow.targets))
    height = ROW * max(len(sources), len(targets), len(flows), 1) + 10
    left = _column(sources, LEFT, height, late)
    middle = _column([flow.name for flow in flows], MIDDLE, height, ())
    right = _column(targets, RIGHT, height, ())
    lines = []
    for flow in flows:
        lines += [_line(left[stream], middle[flow.name]) for stream in said[flow.name]]
        lines += [_line(middle[flow.name], right[target]) for target in flow.targets]
    return Map((*left.values(), *middle.values(), *right.values()), tuple(lines), height)


def _column(names: Sequence[str], x: int, height: int, late: Iterable[str]) -> dict[str, Node]:
    step = height / max(len(names), 1)
    return {
        name: Node(name, x, int(step * number + (step - 26) / 2), BOX[x], "late" if name in late else "fresh")
        for number, name in enumerate(names)
    }


def _line(start: Node, end: Node) -> Line:
    x1, y1, x2, y2 = start.x + start.width, start.y + 13, end.x, end.y + 13
    bend = (x2 - x1) // 2
    return Line(f"M{x1},{y1} C{x1 + bend},{y1} {x2 - bend},{y2} {x2},{y2}", start.state)
