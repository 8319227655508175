"""Reads a Procfile: one `name: command` a line, as every runner of such files understands it."""

import re

_LINE = re.compile(r"^([A-Za-z0-9_-]+):\s*(\S.*)$")


def read(path):
    """This function will return {name: command line} in the order of the file; raises ValueError naming a bad line."""
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.match(line.strip())
        if not match:
            raise ValueError(f"{path.name}, line {number}: not of the form `name: command`.")
        found[match[1]] = match[2]
    return found


def command(line):
    """This function will return the argument list that runs `line` without a shell left in between."""
    return ["/bin/sh", "-c", f"exec {line}"]
