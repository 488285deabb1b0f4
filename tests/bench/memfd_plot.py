# SPDX-License-Identifier: GPL-2.0
"""Draw what carrying a memfd over costs against its size, for run-bench.

plot() makes an SVG of two panels, preserve beside retrieve with finish, both axes
logarithmic. The same figures give the same bytes. It follows the reader's choice of
a light or a dark page.
"""

import math

WIDTH, HEIGHT = 860, 400
TOP, BOTTOM = 64, 330                           # of both panels
PANELS = ((70, 370), (490, 790))                # left and right of each
NAMES = (("luosdk", "luosdk"), ("kernel", "mm/memfd_luo.c"))
STEPS = (("preserve", "preserve"), ("retrieve", "retrieve and finish"))

STYLE = """
text { font: 12px sans-serif; fill: #24292f }
.title { font-size: 15px; font-weight: bold }
.panel { font-size: 13px; font-weight: bold }
.paper { fill: #ffffff }
.grid { stroke: #d8dee4; stroke-width: 1 }
.frame { stroke: #57606a; stroke-width: 1; fill: none }
.line { stroke-width: 2; fill: none }
.luosdk { stroke: #0969da }
.kernel { stroke: #bc4c00 }
circle.luosdk { fill: #0969da }
circle.kernel { fill: #bc4c00 }
text.luosdk { fill: #0969da; stroke: none }
text.kernel { fill: #bc4c00; stroke: none }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.paper { fill: #0d1117 }
.grid { stroke: #30363d }
.frame { stroke: #8b949e }
.luosdk { stroke: #58a6ff }
.kernel { stroke: #f0883e }
circle.luosdk { fill: #58a6ff }
circle.kernel { fill: #f0883e }
text.luosdk { fill: #58a6ff; stroke: none }
text.kernel { fill: #f0883e; stroke: none }
}
"""


def short(number, unit):
    """4096 as '4K' with the unit 1024, 100000 as '100k' with the unit 1000."""
    letters = ("", "K", "M", "G", "T") if unit == 1024 else ("", "k", "M", "G", "T")
    power = 0
    while number >= unit and power < len(letters) - 1:
        number //= unit
        power += 1
    return f"{number}{letters[power]}"


class Panel:
    """One pair of axes."""

    def __init__(self, left, right, sizes, low, high):
        self.left, self.right = left, right
        self.sizes = sizes
        self.low, self.high = low, high     # powers of ten

    def x(self, size):
        """Where a size is."""
        first, last = math.log(self.sizes[0]), math.log(self.sizes[-1])
        return self.left + (math.log(size) - first) / (last - first) * (self.right - self.left)

    def y(self, cost):
        """Where a cost is."""
        part = (math.log10(cost) - self.low) / (self.high - self.low)
        return BOTTOM - part * (BOTTOM - TOP)

    def axes(self, title):
        """Everything but the figures."""
        yield (f'<text class="panel" x="{self.left}" y="{TOP - 10}">{title}</text>')
        for power in range(self.low, self.high + 1):
            y = self.y(10 ** power)
            yield f'<path class="grid" d="M{self.left} {y:.1f}H{self.right}"/>'
            yield (f'<text x="{self.left - 8}" y="{y + 4:.1f}" text-anchor="end">'
                   f'{short(10 ** power, 1000)}</text>')
        for number, size in enumerate(self.sizes):
            x = self.x(size)
            yield f'<path class="grid" d="M{x:.1f} {TOP}V{BOTTOM}"/>'
            if number % 2 == 0 or size == self.sizes[-1]:
                yield (f'<text x="{x:.1f}" y="{BOTTOM + 18}" text-anchor="middle">'
                       f'{short(size, 1024)}</text>')
        yield (f'<rect class="frame" x="{self.left}" y="{TOP}" '
               f'width="{self.right - self.left}" height="{BOTTOM - TOP}"/>')
        yield (f'<text x="{(self.left + self.right) / 2:.1f}" y="{BOTTOM + 38}" '
               'text-anchor="middle">size of the memfd, bytes</text>')

    def curve(self, who, name, costs):
        """One handler's figures, and its name where they end."""
        points = [(self.x(size), self.y(cost)) for size, cost in zip(self.sizes, costs)]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        yield f'<path class="line {who}" d="M{path}"/>'
        for x, y in points:
            yield f'<circle class="{who}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
        # The kernel's line is the upper one: its name is above it, the other below.
        x, y = points[-2] if who == "kernel" else points[-3]
        x, y = (x - 10, y - 8) if who == "kernel" else (x + 10, y + 16)
        anchor = "end" if who == "kernel" else "start"
        yield f'<text class="{who}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{name}</text>'


def plot(costs):
    """The SVG of @costs, which is {(step, handler): {size: instructions}}."""
    sizes = sorted(costs["preserve", "luosdk"])
    values = [cost for curve in costs.values() for cost in curve.values()]
    low = math.floor(math.log10(min(values)))
    high = math.ceil(math.log10(max(values)))
    out = ['<!-- SPDX-License-Identifier: GPL-2.0 -->',
           '<!-- Made by tests/bench/run-bench. -->',
           f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           f'width="{WIDTH}" height="{HEIGHT}" role="img">',
           '<title>Instructions to preserve and to retrieve a memfd, by its size</title>',
           f'<style>{STYLE}</style>',
           f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>',
           '<text class="title" x="70" y="28">Instructions for one memfd, written '
           'from its beginning to its end on a fresh system</text>']
    for (left, right), (step, title) in zip(PANELS, STEPS):
        panel = Panel(left, right, sizes, low, high)
        out += panel.axes(title)
        for who, name in NAMES:
            out += panel.curve(who, name, [costs[step, who][size] for size in sizes])
    return "\n".join(out) + "\n</svg>\n"
