"""The security headers of every page, and the nonce that alone lets a script run.

A view that needs other headers sets them itself; what is set already stays.
"""

from __future__ import annotations

import secrets

from flask import Response, current_app, g, request

YEAR = 365 * 24 * 3600


def nonce() -> str:
    """Return this response's nonce, which alone lets a script of the page run."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return g.nonce


def secure(response: Response) -> Response:
    """Set the security headers that a view has not set itself."""
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    if response.mimetype != "text/html":
        return response
    frame = current_app.extensions["frame"]
    headers.setdefault(
        "Content-Security-Policy",
        "; ".join((
            "default-src 'self'",
            f"script-src 'nonce-{nonce()}' 'strict-dynamic'",
            f"style-src 'self' 'nonce-{nonce()}'",
            " ".join(("img-src 'self' data: blob: https:", *frame.image_sources)),
            "object-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            " ".join(("form-action 'self'", *frame.form_targets)),
        )),
    )  # fmt: skip
    headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
    headers.setdefault("X-Frame-Options", "DENY")
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}; includeSubDomains")
    response.vary.update(("HX-Request", "HX-Request-Type", "Cookie", "Accept-Language"))
    return response
