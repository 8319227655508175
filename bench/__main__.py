"""Run the benches: `python -m bench` for all, `python -m bench A` for a section, `python -m bench recommend` for one.

A bench is a module here with a SECTION ("A" quality, "B" speed), the DATA files it needs (may be empty) and `rows()`.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from types import ModuleType

import bench
from bench import data, table


def discover() -> dict[str, ModuleType]:
    """Import every module of this folder that has rows()."""
    names = sorted(module.name for module in pkgutil.iter_modules(bench.__path__) if not module.name.startswith("_"))
    modules = {name: importlib.import_module(f"bench.{name}") for name in names}
    return {name: module for name, module in modules.items() if hasattr(module, "rows")}


def main(wanted: list[str]) -> int:
    """Print one table; returns 1 when a limit is missed, 2 when nothing of that name exists."""
    benches = discover()
    chosen = {name: m for name, m in benches.items() if not wanted or name in wanted or section(m) in wanted}
    if not chosen:
        print(f"No bench or section {' '.join(wanted)}. There are: {' '.join(benches)}; sections A, B.")
        return 2
    rows, left_out = [], []
    for name, module in chosen.items():
        missing = [file for file in getattr(module, "DATA", ()) if not data.path(file).exists()]
        if missing:
            left_out.append(f"{name} is left out: {', '.join(missing)} not in {data.PLACE}.")
            continue
        for row in module.rows():
            if sys.stderr.isatty():  # a bench may take a minute: show that it lives
                print(f"  {name}: {row.what}", file=sys.stderr, flush=True)
            rows.append((f"{section(module)} {name}", row))
    if rows:
        print(table.render(rows))
    for sentence in left_out:
        print(sentence)
    return 1 if any(row.ok is False for _, row in rows) else 0


def section(module: ModuleType) -> str:
    return getattr(module, "SECTION", "-")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
