"""Every setting of Regulars, once: its environment name, type, default and meaning.

Nothing else in the product reads the environment. `docs/operators.md` lists these settings and a test compares both.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from functools import lru_cache

DEVELOPMENT_SECRET = "regulars-development-secret-change-me"


OPTIONAL = ("bounce_secret", "metrics_token", "backup_key", "shopify_client_secret", "stripe_connect_webhook_secret")
"""Secrets that may be left out: what they open stays shut, or lies open only to whoever has the files."""


class Misconfigured(Exception):
    """The settings contradict each other or are not safe for production."""


def setting(default, meaning: str, *, secret: bool = False):
    return field(default=default, metadata={"meaning": meaning, "secret": secret})


@dataclass(frozen=True)
class Settings:
    """All settings; the environment name of each is its upper-case name."""

    environment: str = setting("development", "development, test or production; production refuses default secrets")
    secret_key: str = setting(DEVELOPMENT_SECRET, "signs cookies and links and seals stored secrets", secret=True)
    public_url: str = setting("http://127.0.0.1:8000", "the address people and shops reach this service at")
    trusted_hosts: tuple[str, ...] = setting((), "further host names that may be asked for, comma separated")
    proxy_hops: int = setting(0, "how many reverse proxies stand in front and set X-Forwarded-*")

    database_url: str = setting("", "PostgreSQL as the application's role, which row-level security binds", secret=True)
    database_owner_url: str = setting("", "PostgreSQL as the role that owns the tables and migrates them", secret=True)
    database_admin_url: str = setting("", "PostgreSQL as the role for platform work (BYPASSRLS)", secret=True)
    database_pool: int = setting(8, "connections each process may keep open")
    redis_url: str = setting("", "Valkey or Redis 6.2 and later", secret=True)
    var_dir: str = setting("var", "where files made at run time are kept (search indexes, logs)")

    search_engine: str = setting("auto", "auto, whoosh or postgres; auto moves large tenants to PostgreSQL")
    search_whoosh_limit: int = setting(50_000, "records above which auto takes PostgreSQL for a tenant's search")

    picture_fonts: tuple[str, ...] = setting(
        (),
        "font files for the words in pictures of offers in mails, comma separated; taken before those of the machine",
    )

    smtp_url: str = setting(
        "smtp://127.0.0.1:2525", "where mail is handed over: smtp[s]://user:password@host:port", secret=True
    )
    mail_domain: str = setting("mail.regulars.example", "domain of our envelope senders, Message-IDs and bounces")
    mail_from: str = setting("Regulars <hello@regulars.example>", "sender of the platform's own mails")
    bounce_secret: str = setting("", "shared with the mail relay: signs bounce and complaint reports", secret=True)

    stripe_secret_key: str = setting("sk_test_sandbox", "the key for Stripe's API", secret=True)
    stripe_webhook_secret: str = setting("whsec_sandbox", "verifies what Stripe sends us", secret=True)
    stripe_client_id: str = setting(
        "", "of our platform at Stripe (ca_...), to which shops let us read their account; without it they enter a key"
    )
    stripe_connect_webhook_secret: str = setting(
        "", "verifies what Stripe tells the platform of those accounts", secret=True
    )
    stripe_api_base: str = setting("", "another address than Stripe's own, for the sandbox")

    shopify_client_id: str = setting(
        "", "of our app at Shopify, which shops install by consent; without it they bring an app of their own"
    )
    shopify_client_secret: str = setting("", "of the same app: signs what Shopify sends us", secret=True)

    outgoing_private_hosts: bool = setting(False, "let connectors reach loopback addresses (the sandbox needs it)")
    page_image_hosts: tuple[str, ...] = setting((), "hosts besides https: that product pictures may come from")
    gallery: bool = setting(False, "show the page of all components at /_gallery")
    argon2_memory_kib: int = setting(19_456, "memory one password hash takes")
    rate_limits: bool = setting(True, "refuse too many attempts to sign in, sign up or guess a key")
    collect_per_minute: int = setting(60_000, "shopper events one site key may send in a minute")
    collect_per_visitor: int = setting(1_200, "shopper events one browser may send in a minute")
    tenant_share: int = setting(25, "percent of a web process' time that one company may use while others want some")
    log_level: str = setting("INFO", "DEBUG, INFO, WARNING or ERROR")
    log_format: str = setting("auto", "json, text, or auto: json in production")
    log_requests: bool = setting(False, "write a line for every request; slow ones and failures always have one")
    metrics_token: str = setting("", "lets a program from elsewhere read /metrics, as a Bearer token", secret=True)
    backup_dir: str = setting("", "where backups are written; empty means backups in VAR_DIR")
    backup_key: str = setting("", "encrypts backups; keep it elsewhere than them", secret=True)
    backup_keep: int = setting(14, "how many backups are kept; older ones are thrown away")
    browsing_months: int = setting(13, "months for which single shopper events are kept; 0 keeps them for good")

    @property
    def production(self) -> bool:
        return self.environment == "production"

    def check(self) -> None:
        """Refuse to start in production with a secret that everybody knows."""
        if not self.production:
            return
        for item in fields(self):
            if item.metadata["secret"] and getattr(self, item.name) == item.default and item.name not in OPTIONAL:
                raise Misconfigured(f"{item.name.upper()} still has its default; production needs its own.")
        if len(self.secret_key) < 32:
            raise Misconfigured("SECRET_KEY is shorter than 32 characters.")
        if not self.public_url.startswith("https://"):
            raise Misconfigured("PUBLIC_URL must be an https address in production.")


def _parse(kind, text: str):
    if kind == "bool":
        return text.strip().lower() in ("1", "true", "yes", "on")
    if kind == "int":
        return int(text)
    if kind.startswith("tuple"):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def load(environ: dict[str, str]) -> Settings:
    """Read the settings from an environment; raises Misconfigured naming the setting that cannot be read."""
    values = {}
    for item in fields(Settings):
        text = environ.get(item.name.upper())
        if text is None or (text == "" and not isinstance(item.default, str)):
            continue
        try:
            values[item.name] = _parse(str(item.type), text)
        except ValueError as error:
            raise Misconfigured(f"{item.name.upper()} cannot be read: {error}") from None
    if "public_url" in values:
        values["public_url"] = (
            values["public_url"].strip().rstrip("/")
        )  # paths are put behind it, each with its own slash
    settings = Settings(**values)
    settings.check()
    return settings


@lru_cache(maxsize=1)
def get() -> Settings:
    """Return this process's settings, read once."""
    return load(dict(os.environ))
