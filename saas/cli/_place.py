"""The folder one running copy keeps its files in: its lock, ports and secrets, and what it tells others about itself.

`up` decides what runs; this is where it runs and with which settings. A copy has its folder to itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import sys
import time
from collections.abc import Iterator

from saas.kit import descendants, keychain, ports, supervisor

SECRETS = (
    "SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "BOUNCE_SECRET",
    "REGULARS_OWNER_PASSWORD",
    "REGULARS_APP_PASSWORD",
    "REGULARS_ADMIN_PASSWORD",
)
PORTS = {
    "PORT": 8000,
    "SHOP_PORT": 8001,
    "MAILBOX_PORT": 8002,
    "STRIPE_PORT": 8003,
    "SMTP_PORT": 8025,
    "POSTGRES_PORT": 8054,
    "VALKEY_PORT": 8063,
}


class Place:
    """The folder `var`, and the settings of the copy that runs in it. `run.json` is there while all is ready."""

    def __init__(self, var: pathlib.Path):
        self.var = var
        self.launcher = os.getpid()
        self.state = var / "run.json"
        self.environment = var / "environment.json"  # for commands in other terminals; holds passwords
        self.ports: dict[str, int] = {}
        self.secrets: dict[str, str] = {}
        self.urls: dict[str, str] = {}

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """One copy per folder; the one before may need a moment to leave. Ends the program if it does not."""
        for folder in (self.var, self.var / "log", self.var / "sandbox", self.var / "figures"):
            folder.mkdir(parents=True, exist_ok=True)
        with open(self.var / "lock", "w") as lock:
            deadline = time.monotonic() + 2 * supervisor.GRACE
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if self.taken() or time.monotonic() > deadline:
                        sys.exit(f"Regulars already runs with the files in {self.var}; VAR= chooses another folder.")
                    time.sleep(0.1)
            for figure in (self.var / "figures").iterdir():
                figure.unlink()  # counted by processes that are gone
            yield

    def taken(self) -> bool:
        """This function will tell whether the copy that wrote the state file still runs."""
        try:
            return descendants.lives(json.loads(self.state.read_text())["pids"]["launcher"])
        except (OSError, ValueError, KeyError):
            return False

    def choose_settings(self) -> dict[str, str]:
        """This function will return the environment for all programs.

        What is set outside wins over what was chosen last time, and that over the defaults.
        """
        given = os.environ
        remembered = self.var / "ports.json"
        last = json.loads(remembered.read_text()) if remembered.exists() else {}
        for name, default in PORTS.items():
            wish = given.get(name)
            self.ports[name] = ports.claim(int(wish or last.get(name, default)), insist=bool(wish))
        remembered.write_text(json.dumps(self.ports))
        self.secrets = keychain.load(self.var / "secrets", SECRETS)
        address = {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}
        self.urls["web"] = given.get("PUBLIC_URL", address["PORT"])
        self.urls |= {name: address[f"{name.upper()}_PORT"] for name in ("shop", "mailbox", "stripe")}
        settings = {
            "PATH": f"{os.path.dirname(sys.executable)}{os.pathsep}{given.get('PATH', os.defpath)}",
            "PYTHONUNBUFFERED": "1",
            "PROMETHEUS_MULTIPROC_DIR": str(self.var / "figures"),
            "VAR_DIR": str(self.var),
            "PUBLIC_URL": self.urls["web"],
            "SHOP_URL": self.urls["shop"],
            "SMTP_URL": given.get("SMTP_URL", f"smtp://127.0.0.1:{self.ports['SMTP_PORT']}"),
            "OUTGOING_PRIVATE_HOSTS": given.get("OUTGOING_PRIVATE_HOSTS", "1"),
            "PAGE_IMAGE_HOSTS": given.get("PAGE_IMAGE_HOSTS", self.urls["shop"]),
            **{name: str(port) for name, port in self.ports.items()},
            **{name: given.get(name, value) for name, value in self.secrets.items() if "PASSWORD" not in name},
            **{name: given[name] for name in given if name.startswith("DATABASE_") or name == "REDIS_URL"},
        }
        if "STRIPE_SECRET_KEY" not in given:
            settings["STRIPE_API_BASE"] = self.urls["stripe"]
        return settings

    def tell(self, *, settings: dict[str, str], pids: dict[str, int]) -> None:
        """This function will write the state file that others wait for, and the settings for commands elsewhere."""
        pids = {"launcher": self.launcher, "supervisor": os.getpid(), **pids}
        ours = {name: value for name, value in settings.items() if name not in ("PATH", "PYTHONUNBUFFERED")}
        keychain.write_private(self.environment, json.dumps(ours) + "\n")
        keychain.write_private(self.state, json.dumps({"urls": self.urls, "pids": pids}) + "\n")
        self.state.chmod(0o644)

    def forget(self) -> None:
        """This function will take back what `tell` told, unless that was another copy."""
        with contextlib.suppress(OSError, ValueError):
            if json.loads(self.state.read_text())["pids"]["launcher"] == self.launcher:
                self.state.unlink()
                self.environment.unlink()
