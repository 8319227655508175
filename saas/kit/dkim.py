"""DKIM signatures (RFC 6376 relaxed/relaxed, RFC 8463 for Ed25519), fast enough to sign each mail of a mailing.

dkimpy signs about fifty mails a second with RSA-2048; OpenSSL through `cryptography` signs thousands. The tests
verify what is signed here with dkimpy, which shares no code with it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from saas.kit import clock, errors

# Named once more than they occur, so that nobody on the way can add a second one unseen (RFC 6376, section 8.15).
GUARDED = b"from to subject date message-id reply-to list-unsubscribe list-unsubscribe-post".split()
_SPACES = re.compile(rb"[ \t]+")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_RSA = (padding.PKCS1v15(), hashes.SHA256())


class KeyRefused(errors.Invalid):
    """The key, its selector or its domain cannot be used for DKIM."""

    code, message = "dkim_key_refused", "That key cannot sign mail."


@dataclass(frozen=True)
class Signer:
    """One key of one domain. `pem` is an unencrypted PKCS 8 private key as `create_key` makes it."""

    domain: str
    selector: str
    pem: str = field(repr=False)
    key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey = field(init=False, repr=False)
    algorithm: bytes = field(init=False)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.domain) or not _NAME.fullmatch(self.selector):
            raise KeyRefused("The domain and the selector of a DKIM key may hold letters, digits, dots and hyphens.")
        try:
            key = serialization.load_pem_private_key(self.pem.encode(), password=None)
        except (ValueError, TypeError):
            raise KeyRefused("The DKIM key is not a private key in PEM form.") from None
        if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 1024:
            object.__setattr__(self, "algorithm", b"rsa-sha256")
        elif isinstance(key, ed25519.Ed25519PrivateKey):
            object.__setattr__(self, "algorithm", b"ed25519-sha256")
        else:
            raise KeyRefused("A DKIM key is RSA of at least 1024 bits, or Ed25519.")
        object.__setattr__(self, "key", key)

    def signature(self, data: bytes) -> bytes:
        """This function will sign the canonical headers; Ed25519 signs their hash (RFC 8463, section 3)."""
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(hashlib.sha256(data).digest())
        return self.key.sign(data, *_RSA)


def sign(
    *, headers: Sequence[tuple[bytes, bytes]], body: bytes, signers: Iterable[Signer], at: datetime | None = None
) -> list[bytes]:
    """This function will return one `DKIM-Signature: ...` line (folded) per signer, covering every header given.

    `headers` are names with their folded values, `body` the encoded body with CRLF line ends, `at` the moment of
    signing (now, when missing). Two signers (RSA and Ed25519) share the hash of the body.
    """
    signers = list(signers)
    if not signers:
        return []
    moment = int((at or clock.now()).timestamp())
    body_hash = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest())
    # A verifier takes repeated headers from the bottom up, so they are hashed in that order.
    canonical = [relaxed_header(name, value) for name, value in reversed(headers)]
    present = [name.lower() for name, _ in reversed(headers)]
    names = present + [name for name in GUARDED if name in present or name == b"reply-to"]
    covered = b"".join(canonical)
    return [_line(signer, covered, names, body_hash, moment) for signer in signers]


def _line(signer: Signer, covered: bytes, names: list[bytes], body_hash: bytes, moment: int) -> bytes:
    value = b"v=1; a=%s; c=relaxed/relaxed; d=%s; s=%s;\r\n t=%d; h=%s;\r\n bh=%s;\r\n b=" % (
        signer.algorithm, signer.domain.encode(), signer.selector.encode(), moment, _folded(names), body_hash,
    )  # fmt: skip
    own = b"dkim-signature:" + value.replace(b"\r\n ", b" ")
    made = base64.b64encode(signer.signature(covered + own))
    return b"DKIM-Signature: " + value + b"\r\n ".join(made[at : at + 72] for at in range(0, len(made), 72))


def _folded(names: list[bytes]) -> bytes:
    lines, line = [], b""
    for name in names:
        if line and len(line) + len(name) > 56:
            lines.append(line)
            line = b""
        line += name + b":"
    lines.append(line)
    return b"\r\n ".join(lines)[:-1]


def relaxed_header(name: bytes, value: bytes) -> bytes:
    """This function will canonicalise one header (RFC 6376, section 3.4.2)."""
    flat = value.replace(b"\r\n", b"")
    if b"\t" in flat or b"  " in flat:
        flat = _SPACES.sub(b" ", flat)
    return name.lower() + b":" + flat.strip(b" \t") + b"\r\n"


def relaxed_body(body: bytes) -> bytes:
    """This function will canonicalise a body (RFC 6376, section 3.4.4); a body from our own frame passes untouched."""
    if b"\t" in body:
        body = body.replace(b"\t", b" ")
    while b"  " in body:  # a few passes in C cost a tenth of one regular expression
        body = body.replace(b"  ", b" ")
    if b" \r\n" in body:
        body = body.replace(b" \r\n", b"\r\n")
    body = body[:-1] if body.endswith(b" ") else body
    bare = body.rstrip(b"\r\n") if body.endswith((b"\r\n\r\n", b"\n\n")) or body == b"\r\n" else body
    if not bare:
        return b""
    return bare if bare.endswith(b"\r\n") else bare + b"\r\n"


def create_key(kind: str = "rsa2048") -> str:
    """This function will make a private key, `rsa2048` or `ed25519`, as PEM text; keep it sealed."""
    if kind == "ed25519":
        key = ed25519.Ed25519PrivateKey.generate()
    elif kind == "rsa2048":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    else:
        raise KeyRefused("A DKIM key is rsa2048 or ed25519.")
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


def record_name(signer: Signer) -> str:
    """This function will name the DNS entry that holds the public key."""
    return f"{signer.selector}._domainkey.{signer.domain}"


def record(signer: Signer) -> str:
    """This function will write the text of the DNS TXT entry that holds the public key (RFC 6376, section 3.6.1)."""
    public = signer.key.public_key()
    if isinstance(public, ed25519.Ed25519PublicKey):
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return "v=DKIM1; k=ed25519; p=" + base64.b64encode(raw).decode()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return "v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode()


def record_strings(signer: Signer) -> str:
    """This function will write the entry as a zone file wants it: quoted strings of at most 255 characters."""
    value = record(signer)
    return " ".join(f'"{value[at : at + 255]}"' for at in range(0, len(value), 255))
