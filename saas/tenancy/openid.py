"""OpenID Connect as a company's sign-in speaks it: authorization code with PKCE, and an ID token read with suspicion.

Every address here was given by a tenant, so each call goes through the guarded client. Nothing is kept between sign-ins:
keys are fetched each time, so a key that was withdrawn is good for nobody. Signatures are by the provider's key pair only;
a shared secret or none would let whoever knows the client sign for anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from saas import config
from saas.kit import addresses, clock, crypto, errors, http_out
from saas.kit.text import gettext as _

SCOPES = "openid email profile"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY, OLDEST = 60, 600  # seconds that clocks may differ, and that a token may be old
MOST_BYTES, SECONDS = 512 * 1024, 10.0


class BadProvider(errors.Refusal):
    """The provider does not answer as it should; the sentence says what is wrong, for whoever sets it up."""

    status, code, message = 422, "bad_provider", "The sign-in of your company did not answer as it should."


class BadToken(errors.NotSignedIn):
    """What came back is not a genuine, fresh answer to what we asked. The sentence is for whoever sets it up."""

    code = "bad_token"
    message = "The answer of your company’s sign-in is not genuine."


@dataclass(frozen=True)
class Provider:
    """What a provider says of itself."""

    issuer: str
    authorization: str
    token: str
    keys: str
    userinfo: str
    algorithms: tuple[str, ...]
    basic: bool
    names_itself: bool


@dataclass(frozen=True)
class Client:
    """Who we are to the provider."""

    id: str
    secret: str
    redirect: str


@dataclass(frozen=True)
class Claims:
    """What the provider says of a person, after every check."""

    issuer: str
    subject: str
    email: str
    email_verified: bool
    name: str
    authenticated_at: int | None


def discover(issuer: str) -> Provider:
    """Ask a provider what it is; raises BadProvider or Unreachable in words."""
    _require_address(issuer, _("the issuer"))
    told = _fetch(issuer.rstrip("/") + "/.well-known/openid-configuration", _("The provider’s description"))
    if told.get("issuer") != issuer:
        raise BadProvider(_("The provider calls itself “%(theirs)s”, not “%(ours)s”. The issuer must be written exactly like that.",
                            theirs=str(told.get("issuer"))[:200], ours=issuer))  # fmt: skip
    for name, label in (("authorization_endpoint", _("the address for signing in")), ("token_endpoint", _("the address for tokens")),
                        ("jwks_uri", _("the address of its keys"))):  # fmt: skip
        _require_address(told.get(name), label)
    algorithms = tuple(item for item in _texts(told, "id_token_signing_alg_values_supported") if item in ALGORITHMS)
    if not algorithms:
        raise BadProvider(_("The provider signs in no way we trust (RS256 or ES256, for example)."))
    flows, proofs = _texts(told, "response_types_supported"), _texts(told, "code_challenge_methods_supported")
    if (flows and "code" not in flows) or (proofs and "S256" not in proofs):
        raise BadProvider(_("The provider does not offer the authorization code flow with PKCE (S256)."))
    ways = _texts(told, "token_endpoint_auth_methods_supported")
    return Provider(
        issuer=issuer, authorization=told["authorization_endpoint"], token=told["token_endpoint"], keys=told["jwks_uri"],
        userinfo=str(told.get("userinfo_endpoint") or ""), algorithms=algorithms,
        basic=not ways or "client_secret_basic" in ways or "client_secret_post" not in ways,
        names_itself=told.get("authorization_response_iss_parameter_supported") is True,
    )  # fmt: skip


def address(
    provider: Provider, client: Client, *, state: str, nonce: str, verifier: str, hint: str = "", again: bool = False
) -> str:
    """Return where the browser is sent; `again` has the person asked for their password there."""
    more = {"nonce": nonce, "code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256"}
    if hint:
        more["login_hint"] = hint
    if again:
        more |= {"prompt": "login", "max_age": "0"}
    return prepare_grant_uri(
        provider.authorization, client_id=client.id, response_type="code", redirect_uri=client.redirect, scope=SCOPES,
        state=state, **more,
    )  # fmt: skip


def read_answer(provider: Provider, answer: Mapping[str, str]) -> str:
    """Return the code from what came back with the browser; raises BadToken."""
    if answer.get("error"):
        said = (answer.get("error_description") or answer["error"])[:200]
        raise BadToken(_("The provider said: %(said)s", said=said))
    named = answer.get("iss")
    if named != provider.issuer and (named is not None or provider.names_itself):
        raise BadToken(_("The answer came from another provider than we asked."))
    if not answer.get("code"):
        raise BadToken(_("The provider sent no code."))
    return answer["code"]


def exchange(provider: Provider, client: Client, *, code: str, verifier: str, nonce: str) -> Claims:
    """Return who the code stands for; raises BadProvider, BadToken or Unreachable."""
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": client.redirect, "code_verifier": verifier,
        "client_id": client.id,
    }  # fmt: skip
    auth = None
    if client.secret and provider.basic:
        auth = (quote(client.id, safe=""), quote(client.secret, safe=""))
    elif client.secret:
        form["client_secret"] = client.secret
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    answer = http_out.call("POST", provider.token, body=urlencode(form).encode(), auth=auth, headers=headers,
                           most=MOST_BYTES, seconds=SECONDS)  # fmt: skip
    told = _read(answer.body) if answer.status in (200, 400, 401) else None
    if told is None:
        raise BadProvider(_("The address for tokens answered with status %(status)s.", status=answer.status))
    if answer.status != 200:
        why = {"invalid_client": _("Client id or secret are wrong."), "invalid_grant": _("The code was refused.")}
        said = str(told.get("error", ""))[:60]
        raise BadProvider(why.get(said) or _("The provider refused: %(said)s", said=said))
    claims = read_id_token(provider, client, str(told.get("id_token", "")), nonce=nonce)
    if not claims.email and provider.userinfo and told.get("access_token"):
        return _with_userinfo(provider, claims, str(told["access_token"]))
    return claims


def read_id_token(provider: Provider, client: Client, token: str, *, nonce: str) -> Claims:
    """Return what an ID token says after checking who signed it, for whom, when, and for which question of ours.

    OpenID Connect Core 1.0, 3.1.3.7. Raises BadToken.
    """
    keys = keys_of(provider)
    try:
        told = jwt.decode(token, keys, algorithms=list(provider.algorithms)).claims
    except (JoseError, ValueError, KeyError, TypeError):
        raise BadToken(_("The ID token is not signed with a key the provider publishes.")) from None
    now = int(clock.now().timestamp())
    audience = told["aud"] if isinstance(told.get("aud"), list) else [told.get("aud")]
    if told.get("iss") != provider.issuer:
        raise BadToken(_("The ID token was made by somebody else than the provider."))
    if client.id not in audience or told.get("azp", client.id) != client.id or len(audience) > 1 and "azp" not in told:
        raise BadToken(_("The ID token was made for another program than us."))
    if not _seconds(told.get("exp")) or told["exp"] < now - LEEWAY:
        raise BadToken(_("The ID token has run out. Are the clocks right?"))
    if not _seconds(told.get("iat")) or not now - OLDEST - LEEWAY <= told["iat"] <= now + LEEWAY:
        raise BadToken(_("The ID token is too old or from the future. Are the clocks right?"))
    if not nonce or not crypto.same(str(told.get("nonce", "")), nonce):
        raise BadToken(_("The ID token answers another question than ours."))
    subject = told.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise BadToken(_("The ID token names nobody."))
    moment = told.get("auth_time")
    return _claims(provider.issuer, subject, told, moment if _seconds(moment) else None)


def keys_of(provider: Provider) -> KeySet:
    """Return the keys a provider publishes now; raises BadProvider."""
    told = _fetch(provider.keys, _("The provider’s keys"))
    try:
        return KeySet.import_key_set(told)
    except (JoseError, ValueError, KeyError, TypeError):
        raise BadProvider(_("The provider’s keys cannot be read.")) from None


def _with_userinfo(provider: Provider, claims: Claims, access_token: str) -> Claims:
    """Return the claims with what the provider says of the person elsewhere, if it is the same person."""
    _require_address(provider.userinfo, _("the address for details"))
    told = _fetch(provider.userinfo, _("The provider’s details"), {"Authorization": f"Bearer {access_token}"})
    if told.get("sub") != claims.subject:
        raise BadToken(_("The provider’s details are of somebody else."))
    return _claims(claims.issuer, claims.subject, told, claims.authenticated_at)


def _claims(issuer: str, subject: str, told: Mapping[str, Any], moment: int | None) -> Claims:
    return Claims(
        issuer=issuer, subject=subject, email=str(told.get("email") or "")[:320], name=str(told.get("name") or "")[:120],
        email_verified=told.get("email_verified") in (True, "true"), authenticated_at=moment,
    )  # fmt: skip


def _seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _texts(told: Mapping[str, Any], name: str) -> list[str]:
    listed = told.get(name)
    return [item for item in listed if isinstance(item, str)] if isinstance(listed, list) else []


def _fetch(url: str, what: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    answer = http_out.call("GET", url, headers={"Accept": "application/json", **(headers or {})}, most=MOST_BYTES,
                           seconds=SECONDS)  # fmt: skip
    if answer.status != 200:
        raise BadProvider(_("%(what)s: the address answered with status %(status)s.", what=what, status=answer.status))
    told = _read(answer.body)
    if told is None:
        raise BadProvider(_("%(what)s: the answer is not JSON.", what=what))
    return told


def _read(body: bytes) -> dict[str, Any] | None:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return told if isinstance(told, dict) else None


def _require_address(value: object, label: str) -> None:
    """Raise BadProvider unless this is an https address; plain http only on one's own machine in development."""
    parts = addresses.split(value) if isinstance(value, str) else None
    local = config.get().outgoing_private_hosts and parts and parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not parts or not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and local)):
        raise BadProvider(_("%(what)s must be an https address.", what=label[:1].upper() + label[1:]))
    if parts.fragment or parts.username:
        raise BadProvider(_("%(what)s must be a plain address.", what=label[:1].upper() + label[1:]))
