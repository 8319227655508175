"""Finding a WooCommerce store behind what somebody pasted: the address of a page, of the admin, without a scheme, with a redirect.

WordPress tells where its REST API is by a Link header on every page; the index there tells what it is called, in which zone it
lives, and whether WooCommerce is there. Nothing of it needs keys.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import orjson

from saas import config
from saas.commerce.connectors.found import Bad, Found
from saas.kit import http_out, text

MOST, SECONDS, HOPS = 6 * 1024 * 1024, 15.0, 5
CUT = re.compile(r"/(wp-admin|wp-login\.php|wp-json|wp-content|wp-cron\.php|wc-auth|wc-api|index\.php)(/|$).*")
LINK = re.compile(r'<([^>]+)>;\s*rel="?https://api\.w\.org/"?')
MADE_BY = re.compile(rb'content="WooCommerce (\d+[\d.]*)')
LOOPBACK = re.compile(r"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d{1,5})?", re.IGNORECASE)
BY_STATUS = {401: "closed_page", 403: "firewall", 407: "closed_page", 429: "busy", 503: "maintenance"}


@dataclass(frozen=True)
class Page:
    """What came back in the end: the address it came from, the status, the headers by small names, and the body."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes


def understood(given: str) -> str:
    """Return the address of a site from what somebody pasted, with a scheme and without the parts that every WordPress has."""
    word = text.clean(given, most=500).split("?")[0].split("#")[0].strip()
    scheme, colon, rest = word.partition("://")
    if not colon:
        scheme, rest = "", word
    host, slash, path = rest.strip("/").partition("/")
    path = CUT.sub("", f"/{path}") if slash else ""
    local = LOOPBACK.fullmatch(host) and config.get().outgoing_private_hosts
    return f"{scheme.lower() or ('http' if local else 'https')}://{host.lower()}{path.rstrip('/')}"


def look(given: str) -> Found:
    """Return what is at an address: where the API is, what the store is called, its zone and version. Raises Bad with the reason."""
    url = understood(given)
    _require_safe(url)
    first = _fetch(url)
    if first.status >= 400 and first.status != 404:
        raise Bad(BY_STATUS.get(first.status, "page_status"), host=_host(first.url), status=first.status)
    _require_safe(first.url)
    index, root = _index(first)
    spaces = index.get("namespaces") or []
    if "wc/v3" not in spaces:
        raise Bad(
            "woocommerce_old" if any(str(one).startswith("wc/") for one in spaces) else "no_woocommerce",
            host=_host(first.url),
        )
    if "rest_route=" in root:
        raise Bad("plain_permalinks", host=_host(first.url))
    home = str(index.get("home") or index.get("url") or first.url).rstrip("/")
    _require_safe(home)
    _require_safe(root)
    version = MADE_BY.search(first.body)
    return Found(
        "address_good", host=_host(home), url=home, root=root.rstrip("/"), name=text.clean(str(index.get("name") or ""), most=120),
        site=_site(index, home), zone=str(index.get("timezone_string") or index.get("gmt_offset") or "")[:60], version=version[1].decode() if version else "",
    )  # fmt: skip


def _site(index: dict[str, Any], home: str) -> str:
    """Return where WordPress lies itself, whose admin and clock are there; it may be a folder below its pages, or beside them."""
    told = str(index.get("url") or "").rstrip("/")
    return told if _host(told) and told.startswith(("http://", "https://")) else home


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def _led(url: str, to: str) -> str:
    """Return the address that a page leads to; raises Bad where it is none."""
    try:
        return urljoin(url, to)
    except ValueError:
        raise Bad("not_an_address", host=to[:80]) from None


def _require_safe(url: str) -> None:
    """Plain http is for a machine's own address while developing: keys and customers' data must not be readable on the way."""
    if not url.startswith(("https://", "http://")) or not _host(url):
        raise Bad("not_an_address", host=url[:80])
    if url.startswith("https://"):
        return
    if not (config.get().outgoing_private_hosts and _is_here(url)):
        raise Bad("no_https", host=_host(url))


def _is_here(url: str) -> bool:
    """Tell whether a name leads to this machine and nowhere else, such as one in its hosts file."""
    if LOOPBACK.fullmatch(_host(url)):
        return True
    try:
        return all(ipaddress.ip_address(one).is_loopback for one in http_out.judge(url))
    except http_out.Unreachable:
        return False


def _fetch(url: str, **more: Any) -> Page:
    """Call an address and whatever it leads to, each hop judged like the first; raises Bad."""
    for _hop in range(HOPS):
        try:
            answer = http_out.call(
                "GET", url, headers={"Accept": "text/html, application/json"}, most=MOST, seconds=SECONDS, **more
            )
        except http_out.Unreachable as refusal:
            raise unreachable(url, refusal) from None
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if answer.status not in (301, 302, 303, 307, 308) or not headers.get("location"):
            return Page(url, answer.status, headers, answer.body)
        url = _led(url, headers["location"])
    raise Bad("redirects", host=_host(url))


def unreachable(url: str, refusal: http_out.Unreachable) -> Bad:
    """Return what an address that does not answer comes to, by the kind of its silence."""
    said = refusal.message
    kinds = (("leads nowhere", "no_host"), ("private network", "private"), ("SSLError", "certificate"), ("ports 80", "port"),
             ("too large", "too_large"), ("is not an address", "not_an_address"), ("must", "not_an_address"))  # fmt: skip
    code = next((code for part, code in kinds if part in said), "silent")
    return Bad(code, host=_host(url) or url[:80])


def _index(page: Page) -> tuple[dict[str, Any], str]:
    """Return WordPress' index of its API and where that is; raises Bad."""
    told = LINK.search(page.headers.get("link", ""))
    base = page.url.split("?")[0].rstrip("/")
    roots = (
        [_led(page.url, told[1])]
        if told
        else [f"{base}/wp-json/", f"{base}/index.php/wp-json/", f"{base}/?rest_route=/"]
    )
    last: Page | None = None
    for root in roots:
        last = _fetch(root)
        found = _json(last.body)
        if last.status == 200 and "namespaces" in found:
            return found, (last.url if not told else root)
        if last.status in (401, 403):
            raise Bad("api_closed" if found.get("code") else "firewall", host=_host(page.url), status=last.status)
        if last.status >= 500:
            raise Bad("api_broken", host=_host(page.url), status=last.status)
    wordpress = told or b"/wp-content/" in page.body or b"/wp-includes/" in page.body
    raise Bad("no_api" if wordpress else "no_wordpress", host=_host(page.url))


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body.lstrip(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
