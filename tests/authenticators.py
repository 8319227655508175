"""A passkey in software, which can also be told to lie: another origin, another counter, nobody verified."""

from __future__ import annotations

import hashlib
import json
import secrets

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, encode_cbor

ORIGIN = "http://localhost:8000"
PRESENT, VERIFIED, ATTACHED = 0x01, 0x04, 0x40


class SoftPasskey:
    """One key pair of one device."""

    def __init__(self, *, origin: str = ORIGIN, rp_id: str = "localhost", verified: bool = True):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id, self.count = secrets.token_bytes(16), 0
        self.origin, self.rp_id, self.user_handle = origin, rp_id, b""
        self.flags = PRESENT | (VERIFIED if verified else 0)

    def make(self, options: dict) -> str:
        """Answer what a page asks when a passkey is to be made."""
        self.user_handle = base64url_to_bytes(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        known = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + encode_cbor(public)
        attested = {"fmt": "none", "attStmt": {}, "authData": self._data(self.flags | ATTACHED) + known}
        client = self._client("webauthn.create", options)
        return self._written({"clientDataJSON": client, "attestationObject": encode_cbor(attested)}, ["internal"])

    def show(self, options: dict, *, count: int | None = None) -> str:
        """Answer what a page asks when a passkey is to be shown."""
        self.count = self.count + 1 if count is None else count
        client, data = self._client("webauthn.get", options), self._data(self.flags)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        parts = {"clientDataJSON": client, "authenticatorData": data, "signature": signature}
        return self._written(parts | {"userHandle": self.user_handle})

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, options: dict) -> bytes:
        told = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(told).encode()

    def _written(self, parts: dict[str, bytes], transports: list[str] | None = None) -> str:
        response: dict = {name: bytes_to_base64url(value) for name, value in parts.items()}
        if transports:
            response["transports"] = transports
        own = bytes_to_base64url(self.id)
        return json.dumps(
            {"id": own, "rawId": own, "type": "public-key", "response": response, "clientExtensionResults": {}}
        )
