"""The servers that come along: a PostgreSQL and a Valkey from wheels, so that one command is enough to begin.

Only the programs inside the wheels are used, never the packages around them (those add users, change the rights of
folders and give up after ten seconds). What a database must contain for Regulars is in `kit.roles`.
"""

from saas.kit.servers.postgres import Postgres
from saas.kit.servers.server import ServerFailed, free_port
from saas.kit.servers.valkey import Valkey

__all__ = ["Postgres", "ServerFailed", "Valkey", "free_port"]
