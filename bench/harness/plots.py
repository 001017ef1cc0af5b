"""SVG plots as text: bars on a logarithmic axis, and curves over sizes.

They are drawn for the width of a phone and stretched from there; colours are names of the page's
style sheet, so that both light and dark pages suit them. No script, no fonts, nothing fetched.
"""

import math
from html import escape

import words

WIDTH = 400
ROW = 22
LEFT = 132
RIGHT = 66


def ticks(low, high):
    """1, 2 and 5 times powers of ten within a range; powers alone when that is many."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 300 else (1,)
    found = [step * 10.0 ** decade for decade in decades for step in steps]
    return [tick for tick in found if low * 0.999 <= tick <= high * 1.001]


class LogScale:
    """Values to positions."""

    def __init__(self, low, high, begin, end):
        self.low, self.high = low, max(high, low * 1.01)
        self.begin, self.end = begin, end

    def at(self, value):
        part = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return self.begin + part * (self.end - self.begin)


def text(x, y, content, anchor="start", kind=""):
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(content)}</text>'


def line(x1, y1, x2, y2, kind):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def svg(height, parts, title):
    return (f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">'
            f"{''.join(parts)}</svg>")


def bars(rows, unit, title):
    """`rows`: (name, kind, low, median, high). One bar each; the whisker joins the quartiles."""
    rows = [row for row in rows if row[3] > 0]
    if not rows:
        return ""
    low = min(row[2] or row[3] for row in rows)
    high = max(row[4] for row in rows)
    scale = LogScale(low / 2, high, LEFT, WIDTH - RIGHT)
    bottom = len(rows) * ROW + 6
    parts = []
    for tick in ticks(scale.low, scale.high):
        x = scale.at(tick)
        parts += [line(x, 2, x, bottom, "grid"),
                  text(x, bottom + 13, f"{tick:,g}", "middle", "small")]
    for position, (name, kind, first, median, third) in enumerate(rows):
        y = position * ROW + 4
        end = scale.at(median)
        parts += [text(LEFT - 6, y + 13, name, "end"),
                  f'<rect x="{LEFT}" y="{y}" width="{end - LEFT:.1f}" height="{ROW - 7}" '
                  f'rx="2" class="fill-{kind}"/>',
                  line(scale.at(first), y + 7.5, scale.at(third), y + 7.5, "whisker"),
                  text(max(end, scale.at(third)) + 5, y + 12,
                       f"{words.number(median)} {unit}".strip())]
    return svg(bottom + 18, parts, title)


def curves(series, unit, title):
    """`series`: (name, kind, [(size, value)]). Both axes are logarithmic."""
    series = [(name, kind, [point for point in points if point[1] > 0])
              for name, kind, points in series]
    series = [one for one in series if len(one[2]) > 1]
    if not series:
        return ""
    sizes = sorted({size for _, _, points in series for size, _ in points})
    values = [value for _, _, points in series for _, value in points]
    across = LogScale(sizes[0], sizes[-1], 46, WIDTH - 14)
    bottom = 190
    up = LogScale(min(values) / 1.2, max(values) * 1.2, bottom, 16)
    parts = [text(4, 10, unit, kind="small")]
    for tick in ticks(up.low, up.high):
        parts += [line(46, up.at(tick), WIDTH - 14, up.at(tick), "grid"),
                  text(42, up.at(tick) + 4, f"{tick:,g}", "end", "small")]
    for size in sizes:
        parts.append(text(across.at(size), bottom + 15, f"{size:,}", "middle", "small"))
    for number, (_, kind, points) in enumerate(series):
        places = " ".join(f"{across.at(size):.1f},{up.at(value):.1f}" for size, value in points)
        parts.append(f'<polyline points="{places}" class="line-{kind} dash-{number % 4}"/>')
    return svg(bottom + 40 + legend_height(series), parts + legend(series, bottom), title)


def legend_height(series):
    return (len(series) + 1) // 2 * 17


def legend(series, bottom):
    """Names with their lines, in two columns below a plot."""
    parts = []
    for number, (name, kind, _) in enumerate(series):
        x = 10 + number % 2 * WIDTH / 2
        y = bottom + 36 + number // 2 * 17
        parts += [line(x, y - 4, x + 24, y - 4, f"line-{kind} dash-{number % 4}"),
                  text(x + 30, y, name, kind="small")]
    return parts


def speed_up(series, title):
    """`series`: (name, kind, [(loops, times as fast)]). Both axes are linear and begin at 0."""
    series = [one for one in series if len(one[2]) > 1]
    if not series:
        return ""
    bottom = 190
    loops = sorted({size for _, _, points in series for size, _ in points})
    most = max(loops[-1] / loops[0], *(value for _, _, points in series for _, value in points))

    def across(size):
        return 46 + (size - loops[0]) / (loops[-1] - loops[0]) * (WIDTH - 60)

    def up(value):
        return bottom - value / most * (bottom - 16)

    parts = [text(4, 10, "×", kind="small"),
             line(across(loops[0]), up(1), across(loops[-1]), up(loops[-1] / loops[0]), "grid")]
    for tick in range(int(most) + 1):
        parts += [line(46, up(tick), WIDTH - 14, up(tick), "grid"),
                  text(42, up(tick) + 4, str(tick), "end", "small")]
    for size in loops:
        parts.append(text(across(size), bottom + 15, f"{size}", "middle", "small"))
    for number, (_, kind, points) in enumerate(series):
        places = " ".join(f"{across(size):.1f},{up(value):.1f}" for size, value in points)
        parts.append(f'<polyline points="{places}" class="line-{kind} dash-{number % 4}"/>')
    series = [(f"{name}, {words.number(points[-1][1])} ×", kind, points)
              for name, kind, points in series]
    return svg(bottom + 40 + legend_height(series), parts + legend(series, bottom), title)
