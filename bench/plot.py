"""A plot of points and a line as SVG, for a page in light or dark."""

import math

WIDTH, HEIGHT = 680, 440
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 14, 46
INK, MARK, LINE = "#7d8590", "#2f81f7", "#d29922"


def powers(low, high):
    """1, 2 and 5 times the powers of ten between."""
    found = [digit * 10.0 ** power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
             for digit in (1, 2, 5)]
    return [value for value in found if low <= value <= high]


def scatter(points, line, across, along):
    """Points (name, x, y) on logarithmic axes, and the line y = line(x).

    Names of points that are near another one are left out; all are told when one
    points at them. `across` and `along` say what the axes are."""
    xs, ys = [x for _, x, _ in points], [y for _, _, y in points]
    low_x, high_x, low_y, high_y = min(xs) / 1.3, max(xs) * 1.5, min(ys) / 1.5, max(ys) * 1.5

    def at(x, y):
        part = math.log(x / low_x) / math.log(high_x / low_x), math.log(y / low_y) / math.log(high_y / low_y)
        return LEFT + part[0] * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - part[1] * (HEIGHT - TOP - BOTTOM)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
           f'font-size="12" fill="{INK}" stroke-width="1">', f"<title>{along} by {across}</title>"]
    for x in powers(low_x, high_x):
        left, bottom = at(x, low_y)
        out.append(f'<path d="M{left:.1f} {TOP}V{bottom:.1f}" stroke="{INK}" opacity="0.25"/>'
                   f'<text x="{left:.1f}" y="{bottom + 17:.1f}" text-anchor="middle">{x:g}</text>')
    for y in powers(low_y, high_y):
        left, bottom = at(low_x, y)
        out.append(f'<path d="M{left:.1f} {bottom:.1f}H{WIDTH - RIGHT}" stroke="{INK}" opacity="0.25"/>'
                   f'<text x="{left - 7:.1f}" y="{bottom + 4:.1f}" text-anchor="end">{y:g}</text>')
    steps = [low_x * (high_x / low_x) ** (part / 60) for part in range(61)]
    path = [at(x, line(x)) for x in steps if low_y < line(x) < high_y]
    out.append(f'<path d="M{" L".join(f"{x:.1f} {y:.1f}" for x, y in path)}" fill="none" stroke="{LINE}" '
               f'stroke-width="2"/>')
    named = []
    for name, x, y in sorted(points, key=lambda point: -point[2]):
        left, top = at(x, y)
        out.append(f'<circle cx="{left:.1f}" cy="{top:.1f}" r="4" fill="{MARK}">'
                   f"<title>{name}: {x:.1f}, {y:.0f}</title></circle>")
        if all(abs(left - other[0]) > 62 or abs(top - other[1]) > 13 for other in named):
            end = left > WIDTH - 90
            out.append(f'<text x="{left + (-8 if end else 8):.1f}" y="{top + 4:.1f}" '
                       f'text-anchor="{"end" if end else "start"}">{name}</text>')
            named.append((left, top))
    out.append(f'<text x="{(LEFT + WIDTH) / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">{across}</text>'
               f'<text transform="translate(14 {HEIGHT / 2:.0f}) rotate(-90)" text-anchor="middle">{along}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"
