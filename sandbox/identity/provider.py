"""The provider: description, keys, sign-in page, tokens. It checks what a careful provider checks, and lies when told to.

A lie is set by a test: another nonce, another audience, a token that has run out, one that nobody signed.
"""

import base64
import hashlib
import html
import json
import secrets
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from joserfc import jwt
from joserfc.jwk import RSAKey

KEPT = ("state", "nonce", "redirect_uri", "code_challenge", "client_id", "max_age")


@dataclass
class Person:
    """Somebody with an account at the provider."""

    subject: str
    email: str
    name: str = ""
    email_verified: bool = True


@dataclass
class Lies:
    """What the provider gets wrong on purpose: claims that differ, how it signs, what it says of itself, what it leaves out."""

    claims: dict = field(default_factory=dict)
    without: tuple = ()
    key: RSAKey | None = None
    unsigned: bool = False
    shared_secret: bool = False
    description: dict = field(default_factory=dict)
    answer: dict = field(default_factory=dict)


def new_key():
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": secrets.token_hex(4)}, private=True)


class Provider:
    """One provider with its people and one client, which may be sent back to any address that begins as told."""

    def __init__(self, people, *, port=0, redirect_prefix="http"):
        self.people, self.redirect_prefix = {person.email: person for person in people}, redirect_prefix
        self.client_id, self.client_secret = "regulars", secrets.token_urlsafe(24)
        self.key, self.lies, self.codes, self.tokens, self.asked = new_key(), Lies(), {}, {}, []
        handler = type("Handler", (Requests,), {"provider": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_address[1]}"

    def serve(self):
        self.server.serve_forever(poll_interval=0.1)

    def start(self):
        """This function will serve in a thread until `stop`."""
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)

    def description(self):
        return {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize", "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys", "userinfo_endpoint": f"{self.issuer}/userinfo", "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"], "authorization_response_iss_parameter_supported": True,
        } | self.lies.description  # fmt: skip

    def approve(self, asked, email):
        """This function will return where the browser goes when somebody has signed in here."""
        code = secrets.token_urlsafe(24)
        self.codes[code] = {name: asked.get(name, "") for name in KEPT} | {"email": email, "at": int(time.time())}
        answer = {"code": code, "state": asked.get("state", ""), "iss": self.issuer} | self.lies.answer
        return f"{asked['redirect_uri']}?{urllib.parse.urlencode(answer)}"

    def exchange(self, form, authorization):
        """This function will return status and answer of the address for tokens."""
        given = "Basic " + base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        if authorization != given and form.get("client_secret") != self.client_secret:
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code", ""), None)
        proof = (
            base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
            .decode()
            .rstrip("=")
        )
        if not asked or asked["redirect_uri"] != form.get("redirect_uri") or asked["code_challenge"] != proof:
            return 400, {"error": "invalid_grant"}
        access = secrets.token_urlsafe(24)
        self.tokens[access] = self.people[asked["email"]]
        return 200, {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self.id_token(asked),
        }

    def id_token(self, asked):
        person, now = self.people[asked["email"]], int(time.time())
        claims = {
            "iss": self.issuer, "sub": person.subject, "aud": self.client_id, "exp": now + 300, "iat": now,
            "nonce": asked["nonce"], "email": person.email, "email_verified": person.email_verified, "name": person.name,
        }  # fmt: skip
        if asked["max_age"]:
            claims["auth_time"] = asked["at"]
        claims = {name: value for name, value in (claims | self.lies.claims).items() if name not in self.lies.without}
        if self.lies.unsigned:
            return ".".join((_part({"alg": "none", "typ": "JWT"}), _part(claims), ""))
        if self.lies.shared_secret:
            return _signed_by_secret(claims, self.key)
        key = self.lies.key or self.key
        return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)


class Requests(BaseHTTPRequestHandler):
    """The provider's addresses."""

    provider: Provider

    def do_GET(self):
        parts = urllib.parse.urlsplit(self.path)
        asked = dict(urllib.parse.parse_qsl(parts.query))
        provider = self.provider
        if parts.path == "/.well-known/openid-configuration":
            return self.answer(200, provider.description())
        if parts.path == "/keys":
            return self.answer(200, {"keys": [provider.key.as_dict(private=False)]})
        if parts.path == "/userinfo":
            person = provider.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
            if person is None:
                return self.answer(401, {"error": "invalid_token"})
            return self.answer(
                200, {"sub": person.subject, "email": person.email, "email_verified": person.email_verified}
            )
        if parts.path == "/favicon.ico":
            self.send_response(204)
            return self.end_headers()
        if parts.path == "/authorize":
            return self.authorize(asked)
        return self.answer(404, {"error": "not_found"})

    def do_POST(self):
        form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()))
        if self.path == "/token":
            return self.answer(*self.provider.exchange(form, self.headers.get("Authorization")))
        return self.answer(404, {"error": "not_found"})

    def authorize(self, asked):
        """This function will show who may sign in; a link stands for their password."""
        provider = self.provider
        good = asked.get("client_id") == provider.client_id and asked.get("redirect_uri", "").startswith(
            provider.redirect_prefix
        )
        if not good or asked.get("code_challenge_method") != "S256" or "openid" not in asked.get("scope", ""):
            self.answer(400, {"error": "invalid_request"})
            return
        provider.asked.append(asked)
        links = "".join(
            f'<p><a href="{html.escape(provider.approve(asked, email))}">{html.escape(email)}</a></p>'
            for email in provider.people
        )
        page = f"<!doctype html><html lang=en><title>Provider</title><h1>Who are you?</h1>{links}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def answer(self, status, told):
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        """Nothing is worth a line."""


def _part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _signed_by_secret(claims, key):
    """This function will sign with the public key as if it were a shared secret, the oldest trick there is."""
    import hmac

    text = ".".join((_part({"alg": "HS256", "kid": key.kid}), _part(claims)))
    signature = hmac.new(key.as_pem(private=False), text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
