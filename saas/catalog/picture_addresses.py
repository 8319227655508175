"""Where small pictures are shown: addresses that only we can make and that always show the same."""

from __future__ import annotations

from saas import config
from saas.kit import crypto

PATH = "/pictures"


def made(tenant_id: int, digest: str) -> str:
    """Return where anybody can see a small picture; who changes a sign of it sees nothing."""
    return f"{config.get().public_url}{PATH}/{tenant_id:x}-{digest}-{_sealed(tenant_id, digest)}.jpg"


def read(name: str) -> tuple[int, str] | None:
    """Return the company and the digest in an address's last part, or None where we did not make it."""
    company, _dash, rest = name.removesuffix(".jpg").partition("-")
    digest, _dash, seal = rest.partition("-")
    try:
        tenant_id = int(company, 16)
    except ValueError:
        return None
    good = f"{tenant_id:x}" == company and crypto.same(seal.encode(), _sealed(tenant_id, digest).encode())
    return (tenant_id, digest) if good else None


def _sealed(tenant_id: int, digest: str) -> str:
    return crypto.mac("picture", f"{tenant_id}:{digest}".encode(), length=8).hex()
