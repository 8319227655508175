"""The secrets of one copy: made once, kept in a file only its owner can read, never printed."""

import os
import secrets


def load(path, names):
    """This function will return {name: secret} for `names`, making and saving those that are not in the file yet."""
    held = {}
    if path.exists():
        held = dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
    missing = [name for name in names if name not in held]
    if missing:
        # in hexadecimal, for one that begins with a hyphen reads as an option on a command line
        held |= {name: secrets.token_hex(32) for name in missing}
        write_private(path, "".join(f"{name}={value}\n" for name, value in held.items()))
    return {name: held[name] for name in names}


def write_private(path, text):
    """This function will write `text` so that only its owner can read it, and nobody ever sees half of it."""
    new = path.with_name(path.name + ".new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    new.rename(path)
