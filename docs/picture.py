"""A terminal's text with its colours as an SVG: standard input to standard output; the command that printed it is the argument."""
import re
import sys
from xml.sax.saxutils import escape

COLUMNS, LINES, WIDTH, HEIGHT = 100, 27, 8.43, 19
COLOURS = {31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#56d4dd", 90: "#8b949e",
           91: "#ff7b72", 92: "#7ee787", 93: "#e3b341", 94: "#79c0ff", 95: "#d2a8ff", 96: "#56d4dd"}


def spans(line, style):
    """Text with its style, from escape to escape."""
    at = 0
    for found in re.finditer(r"\x1b\[([0-9;]*)m", line):
        yield line[at:found.start()], dict(style)
        for code in (int(code or 0) for code in found.group(1).split(";")):
            if code == 0:
                style.clear()
            elif code == 1:
                style["font-weight"] = "bold"
            elif code == 2:
                style["fill"] = "#8b949e"
            elif code in COLOURS:
                style["fill"] = COLOURS[code]
        at = found.end()
    yield line[at:], dict(style)


def cut(line):
    """A line that fits; what a terminal would put into the next one is left out."""
    shown, left = "", COLUMNS
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b"):
            shown += part
        elif left:
            shown += part if len(part) <= left else part[: left - 1] + "…"
            left = max(0, left - len(part))
    return shown


def main():
    style = {}
    lines = [f"\x1b[90m$\x1b[0m {sys.argv[1]}"] + sys.stdin.read().rstrip("\n").split("\n")
    if len(lines) > LINES:
        lines = lines[: LINES - 1] + ["\x1b[90m…\x1b[0m"]
    width, height = COLUMNS * WIDTH + 32, len(lines) * HEIGHT + 30
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" viewBox="0 0 {width:.0f} {height}" role="img">')
    print("<title>What hookgate prints of a receiver that accepts concurrent duplicates</title>")
    print('<rect width="100%" height="100%" rx="8" fill="#0d1117"/>')
    print('<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,\'DejaVu Sans Mono\',monospace" font-size="14" fill="#e6edf3">')
    for at, line in enumerate(lines):
        x, y = 16.0, 28 + at * HEIGHT
        for text, how in spans(cut(line), style):
            inner = text.strip()
            if inner:
                start = x + (len(text) - len(text.lstrip())) * WIDTH
                look = "".join(f' {name}="{value}"' for name, value in how.items())
                # Each piece says how wide it is, so that every font has the same columns.
                print(f'<text x="{start:.1f}" y="{y}" textLength="{len(inner) * WIDTH:.1f}"{look}>{escape(inner)}</text>')
            x += len(text) * WIDTH
    print("</g>\n</svg>")


main()
