"""Copies what the pages need from node_modules into static/vendor, so that there is no build chain.

`python -m tenant_admin.vendor` is run by `make setup` after `npm ci`. It copies ready-made files, draws one sprite
out of the icons the templates really use, and compiles the translations. Templates address the files through
`asset()`, which adds a hash of the content, so browsers may keep them for ever.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree

from tenant_admin import words

HERE = Path(__file__).parent
MODULES = HERE.parent / "node_modules"
TARGET = HERE / "static" / "vendor"

COPIES = {
    "tabler.css": "@tabler/core/dist/css/tabler.min.css",
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "hx-csp.js": "htmx.org/dist/ext/hx-csp.min.js",
    "echarts.js": "echarts/dist/echarts.min.js",
    "inter-latin.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "inter-latin-ext.woff2": "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2",
}
SOURCE_MAP = re.compile(rb"\n?(//# sourceMappingURL=\S+|/\*# sourceMappingURL=\S+ \*/)\s*$")
ICON_USES = (
    re.compile(r"""\bicon\(\s*["']([a-z0-9-]+)["']"""),
    re.compile(r"""\bicon["']?\s*[=:]\s*["']([a-z0-9-]+)["']"""),
    re.compile(r"""\bicon=["']?[^"'\n]*\bif\b[^\n]*?\belse\s+["']([a-z0-9-]+)["']"""),
    re.compile(r"""\b(?:empty|icon_button)\(\s*["']([a-z0-9-]+)["']"""),
    re.compile(r"""data-icon=["']([a-z0-9-]+)["']"""),
)


class VendorMissing(Exception):
    """A file that should come from npm is not there."""


def used_icons(root: Path = HERE) -> set[str]:
    """Return the names of the icons that templates, Python and scripts mention, and those listed in icons.txt."""
    names = set((root / "icons.txt").read_text(encoding="utf-8").split())
    for pattern in ("*.py", "templates/**/*.html", "static/js/*.js"):
        for path in root.rglob(pattern):
            text = path.read_text(encoding="utf-8")
            for use in ICON_USES:
                names.update(use.findall(text))
    return names


def draw_sprite(names: set[str], *, modules: Path = MODULES) -> str:
    """Return one SVG with a symbol per icon; raises VendorMissing naming an icon that Tabler does not have."""
    symbols = []
    for name in sorted(names):
        source = modules / "@tabler" / "icons" / "icons" / "outline" / f"{name}.svg"
        if not source.exists():
            raise VendorMissing(f"There is no icon called {name}.")
        shapes = []
        for shape in ElementTree.fromstring(source.read_text(encoding="utf-8")):
            if shape.get("stroke") == "none":
                continue  # the invisible frame every icon starts with
            tag = shape.tag.rpartition("}")[2]
            attributes = "".join(f' {key}="{value}"' for key, value in shape.attrib.items())
            shapes.append(f"<{tag}{attributes}/>")
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{"".join(shapes)}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def copy_all(*, modules: Path = MODULES, target: Path = TARGET) -> list[str]:
    """Copy every needed file, draw the sprite and return the names written; raises VendorMissing before writing."""
    missing = [source for source in COPIES.values() if not (modules / source).exists()]
    if missing:
        raise VendorMissing(f"Run npm ci first: {', '.join(missing)} cannot be found.")
    sprite = draw_sprite(used_icons(), modules=modules)
    target.mkdir(parents=True, exist_ok=True)
    for name, source in COPIES.items():
        if name.endswith((".js", ".css")):
            # maps are not served, and a pointer to one would be a 404 in every opened console
            (target / name).write_bytes(SOURCE_MAP.sub(b"\n", (modules / source).read_bytes()))
        else:
            shutil.copyfile(modules / source, target / name)
    (target / "icons.svg").write_text(sprite, encoding="utf-8")
    return [*COPIES, "icons.svg"]


def main() -> int:
    try:
        written = copy_all()
    except VendorMissing as error:
        print(error, file=sys.stderr)
        return 1
    compiled = words.compile_all()
    print(f"static/vendor: {len(written)} files; translations: {compiled} sentences")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
