"""The time axis of a waterfall: where a moment stands, round numbers to mark, bars in half character cells."""

from dataclasses import dataclass
from functools import cached_property

from rich.text import Text

_NICE = (1, 2, 5, 10)


def format_duration(ns: float, micro: str = "µs") -> str:
    """`850 µs`, `12.3 ms`, `1.23 s`: three significant digits."""
    for limit, unit_ns, unit in ((1e6, 1e3, micro), (1e9, 1e6, "ms")):
        if ns < limit * 0.9995:
            value = ns / unit_ns
            return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"
    return f"{ns / 1e9:.2f} s"


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Characters of a drawing."""

    line: str = "━"
    left_half: str = "╸"
    right_half: str = "╺"
    grid: str = "│"
    event: str = "◆"
    link: str = "↪"
    error: str = "✖"
    warning: str = "⚠"
    dot: str = "·"
    branch: str = "├ "
    last: str = "└ "
    through: str = "│ "
    micro: str = "µs"


ASCII = Glyphs("=", "-", "-", ":", "*", "~>", "x", "!", "-", "|-", "`-", "| ", "us")
"""For terminals that cannot show the others."""


@dataclass(frozen=True)
class Axis:
    """Maps times (ns) to `width` character cells."""

    start_ns: int
    end_ns: int
    width: int
    glyphs: Glyphs

    def _halves(self, time_ns: int) -> float:
        """Position in half cells from the left edge."""
        share = (time_ns - self.start_ns) / max(self.end_ns - self.start_ns, 1)
        return min(max(share, 0.0), 1.0) * self.width * 2

    def cell(self, time_ns: int) -> int:
        """The cell a moment falls into."""
        return min(int(self._halves(time_ns) / 2), self.width - 1)

    @cached_property
    def ticks(self) -> list[int]:
        """Round offsets from the start, in ns, about one per 12 cells."""
        total = max(self.end_ns - self.start_ns, 1)
        rough = total / max(self.width // 12, 1)
        power = 10 ** (len(str(int(rough))) - 1)
        step = next(int(nice * power) for nice in _NICE if nice * power >= rough)
        return list(range(0, total + 1, max(step, 1)))

    def header(self) -> Text:
        """Labels of the ticks, each beginning at its grid line."""
        line = Text()
        for tick in self.ticks:
            label = format_duration(tick, self.glyphs.micro) if tick else "0"
            cell = self.cell(self.start_ns + tick)
            if cell >= line.cell_len and cell + len(label) <= self.width:
                line.append(" " * (cell - line.cell_len))
                line.append(label + " ")
        line.truncate(self.width, pad=True)
        return line

    def empty(self, answered_ns: int | None = None) -> tuple[list[str], list[str]]:
        """Characters and styles of a row without a bar: the grid, and a line where the request was answered."""
        chars, styles = [" "] * self.width, [""] * self.width
        for tick in self.ticks:
            chars[self.cell(self.start_ns + tick)] = self.glyphs.grid
            styles[self.cell(self.start_ns + tick)] = "grey23"
        if answered_ns is not None:
            chars[self.cell(answered_ns)] = self.glyphs.grid
            styles[self.cell(answered_ns)] = "green4"
        return chars, styles

    def row(
        self,
        span_ns: tuple[int, int] | None,
        style: str,
        marks: list[tuple[int, str]],
        answered_ns: int | None = None,
    ) -> Text:
        """One row: a bar from start to end, at least half a cell long, and marks (time, style) on top of it."""
        chars, styles = self.empty(answered_ns)
        if span_ns is not None:
            begin = min(round(self._halves(span_ns[0])), self.width * 2 - 1)
            end = max(round(self._halves(span_ns[1])), begin + 1)
            for cell in range(begin // 2, (end + 1) // 2):
                left, right = begin <= cell * 2 < end, begin <= cell * 2 + 1 < end
                chars[cell] = (
                    self.glyphs.line if left and right else self.glyphs.left_half if left else self.glyphs.right_half
                )
                styles[cell] = style
        for time_ns, mark_style in marks:
            chars[self.cell(time_ns)] = self.glyphs.event
            styles[self.cell(time_ns)] = mark_style
        return Text.assemble(*zip(chars, styles, strict=True))
