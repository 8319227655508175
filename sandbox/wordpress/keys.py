"""Who may call the REST API: as WooCommerce decides it, with the answers it gives to whom it does not believe."""

import base64
import hashlib
import hmac
import time
from urllib.parse import quote

CANNOT_VIEW = (401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
WRONG = "woocommerce_rest_authentication_error"
NO_USER = (401, "invalid_username", "Unknown username. Check again or try your email address.")


class Refused(Exception):
    """A call that is not let in: a status, WordPress' code for it, and its sentence."""

    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def admitted(store, call):
    """This function will return the permissions of the key a call is made with; raises Refused."""
    key, secret = _readable(store, call)
    if key and key not in store.keys and store.application_passwords:
        raise Refused(*NO_USER)
    if key in store.keys:
        if not hmac.compare_digest(store.keys[key][0], secret or ""):
            raise Refused(401, WRONG, "Consumer secret is invalid.")
        permissions = store.keys[key][1]
    elif "oauth_consumer_key" in call.query:
        permissions = _signed(store, call)
    else:
        raise Refused(*CANNOT_VIEW)
    writes = call.method in ("POST", "PUT", "PATCH", "DELETE")
    if writes and permissions == "read":
        raise Refused(401, WRONG, store.says("The API key provided does not have write permissions."))
    if not writes and permissions == "write":
        raise Refused(401, WRONG, store.says("The API key provided does not have read permissions."))
    return permissions


def _readable(store, call):
    """Key and secret as they are, which only count where the store believes that it is spoken to over TLS."""
    if not store.tls:
        return None, None
    if call.query.get("consumer_key"):
        return call.query["consumer_key"], call.query.get("consumer_secret")
    given = "" if store.strips_header else call.headers.get("Authorization", "")
    if given.startswith("Basic "):
        key, _colon, secret = base64.b64decode(given.removeprefix("Basic ")).decode().partition(":")
        return key, secret
    return None, None


def _signed(store, call):
    """OAuth 1.0a with an empty token, over the address as WordPress knows itself."""
    given = dict(call.query)
    signature = given.pop("oauth_signature", "")
    secret, permissions = store.keys.get(given["oauth_consumer_key"], (None, None))
    if secret is None:
        raise Refused(401, WRONG, "Consumer key is invalid.")
    said = "%26".join(f"{_enc(_enc(name))}%3D{_enc(_enc(given[name]))}" for name in sorted(given))
    base = f"{call.method}&{_enc(store.home + call.path)}&{said}"
    method = given.get("oauth_signature_method", "").removeprefix("HMAC-").lower()
    if method not in ("sha1", "sha256"):
        raise Refused(401, WRONG, "Invalid signature - signature method is invalid.")
    wanted = hmac.new(f"{secret}&".encode(), base.encode(), getattr(hashlib, method)).digest()
    if not hmac.compare_digest(base64.b64encode(wanted).decode(), signature):
        raise Refused(401, WRONG, "Invalid signature - provided signature does not match.")
    if abs(time.time() + store.ahead - int(given.get("oauth_timestamp", "0"))) > 900:
        raise Refused(401, WRONG, store.says("Invalid timestamp."))
    if given.get("oauth_nonce") in store.nonces:
        raise Refused(401, WRONG, "Invalid nonce - nonce has already been used.")
    store.nonces.add(given.get("oauth_nonce"))
    return permissions


def _enc(text):
    return quote(text, safe="-._~")
