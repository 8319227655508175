"""The page and the JSON of the mailbox: what a person and a test look at after something was sent."""

import hashlib
import hmac
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime

from flask import Blueprint, Flask, Response, abort, current_app, flash, redirect, render_template, request, url_for

from sandbox import web
from sandbox.mailbox import mime

TABS = ("html", "text", "headers", "source")
PAGE = 50
# A mail may show pictures and bring its own style, and nothing else; its links open beside the mailbox.
MAIL_CSP = (
    "default-src 'none'; img-src http: https: data: 'self'; style-src 'unsafe-inline'; font-src data:; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
PAGE_CSP = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
bp = Blueprint("mailbox", __name__)
# A mail's links open real pages, and such a page must not be able to empty the mailbox.
bp.before_request(web.refuse_other_sites)


def create_app(*, letters, complaint_url=None, complaint_secret=""):
    """This function will build the web side over `letters`; complaints are posted to `complaint_url`, signed."""
    app = Flask(__name__)
    app.config.update(LETTERS=letters, COMPLAINT_URL=complaint_url, COMPLAINT_SECRET=complaint_secret)
    app.config.update(SECRET_KEY="only flashes in a sandbox")
    app.json.ensure_ascii = False
    app.register_blueprint(bp)
    app.add_template_filter(ago)
    app.add_template_filter(size)
    return app


@bp.after_request
def protect(response):
    response.headers.setdefault("Content-Security-Policy", PAGE_CSP)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@bp.get("/")
def index():
    return show()


@bp.get("/messages/<int:letter_id>")
def message(letter_id):
    return show(letter_or_404(letter_id))


def show(letter=None):
    letters = current_app.config["LETTERS"]
    query, before = request.args.get("q", ""), request.args.get("before", type=int)
    found = letters.find(text=query, before=before, limit=PAGE + 1)
    shown = {"letters": found[:PAGE], "older": found[PAGE - 1]["id"] if len(found) > PAGE else None}
    if request.headers.get("X-Part") == "list":
        return render_template("list.html", q=query, open_id=request.args.get("open", type=int), **shown)
    opened = opened_letter(letter) if letter else {"tab": None}
    return render_template("page.html", q=query, before=before, letter=letter, total=letters.count(), **shown, **opened)


def opened_letter(letter):
    mail = mime.read(letter["raw"])
    html, text = mime.body(mail, "html"), mime.body(mail, "plain")
    tab = request.args.get("tab") or ("html" if html is not None else "text")
    return {
        "tab": tab if tab in TABS else "text",
        "html": html,
        "text": text,
        "headers": mime.headers(mail),
        "source": letter["raw"].decode("utf-8", "replace"),
        "attachments": mime.attachments(mail),
        "one_click": mime.one_click_address(mail),
        "complaints": bool(current_app.config["COMPLAINT_URL"]),
        "open_id": letter["id"],
    }


@bp.get("/messages/<int:letter_id>/html")
def html_part(letter_id):
    html = mime.body(mime.read(letter_or_404(letter_id)["raw"]), "html") or ""
    html = html.replace("cid:", url_for(".inline_part", letter_id=letter_id, content_id=""))
    answer = Response('<base target="_blank">' + html, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = MAIL_CSP
    return answer


@bp.get("/messages/<int:letter_id>/parts/", defaults={"content_id": ""})
@bp.get("/messages/<int:letter_id>/parts/<path:content_id>")
def inline_part(letter_id, content_id):
    found = mime.attachment(mime.read(letter_or_404(letter_id)["raw"]), content_id)
    if not found or not found[0].startswith("image/"):
        abort(404)
    answer = Response(found[1], mimetype=found[0])
    answer.headers["Content-Security-Policy"] = MAIL_CSP
    return answer


@bp.post("/messages/<int:letter_id>/spam")
def mark_spam(letter_id):
    """This function will do what a provider's feedback loop does after a click on "spam": tell the sender's system."""
    letter = letter_or_404(letter_id)
    current_app.config["LETTERS"].mark_spam(letter_id)
    if not current_app.config["COMPLAINT_URL"]:
        flash("Marked as spam. Nobody is told, because the mailbox was started without --complaint-url.")
    for recipient in letter["recipients"] if current_app.config["COMPLAINT_URL"] else ():
        complaint = {"message_id": letter["message_id"], "recipient": recipient}
        flash("Complaint sent: " + post(current_app.config["COMPLAINT_URL"], complaint))
    return redirect(url_for(".message", letter_id=letter_id))


@bp.post("/messages/<int:letter_id>/unsubscribe")
def unsubscribe(letter_id):
    """This function will press the one-click unsubscription of RFC 8058, as a provider's own button would."""
    address = mime.one_click_address(mime.read(letter_or_404(letter_id)["raw"]))
    if not address:
        abort(404)
    if urllib.parse.urlsplit(address).hostname not in ("127.0.0.1", "localhost", "::1"):
        flash("This sandbox calls only addresses on this machine.")
    else:
        flash("One-click unsubscribe: " + post(address, "List-Unsubscribe=One-Click"))
    return redirect(url_for(".message", letter_id=letter_id))


@bp.post("/clear")
def clear():
    current_app.config["LETTERS"].clear()
    return redirect(url_for(".index"))


@bp.get("/api/messages")
def api_list():
    limit = min(max(request.args.get("limit", 50, type=int), 1), 1000)
    found = current_app.config["LETTERS"].find(
        to=request.args.get("to", ""), subject=request.args.get("subject", ""),
        before=request.args.get("before", type=int), limit=limit + 1,
    )  # fmt: skip
    return {"items": found[:limit], "next": found[limit - 1]["id"] if len(found) > limit else None}


@bp.delete("/api/messages")
def api_clear():
    current_app.config["LETTERS"].clear()
    return "", 204


@bp.get("/api/messages/<int:letter_id>")
def api_one(letter_id):
    letter = letter_or_404(letter_id)
    mail = mime.read(letter["raw"])
    headers = {}
    for name, value in mime.headers(mail):
        headers[name] = f"{headers[name]}\n{value}" if name in headers else value
    return {
        **letter,
        "headers": headers,
        "text": mime.body(mail, "plain"),
        "html": mime.body(mail, "html"),
        "raw": letter["raw"].decode("utf-8", "replace"),
    }


@bp.get("/api/messages/<int:letter_id>/raw")
def api_raw(letter_id):
    """This function will return the bytes as they came, which a DKIM check needs."""
    return Response(letter_or_404(letter_id)["raw"], mimetype="message/rfc822")


@bp.get("/healthz")
def healthz():
    return {"ok": True, "letters": current_app.config["LETTERS"].count()}


def letter_or_404(letter_id):
    return current_app.config["LETTERS"].one(letter_id) or abort(404)


def post(address, body):
    """This function will post JSON (a dict) or a form (a string) and return in words what came of it."""
    as_json = isinstance(body, dict)
    data = (json.dumps(body) if as_json else body).encode()
    headers = {"Content-Type": "application/json" if as_json else "application/x-www-form-urlencoded"}
    secret = current_app.config["COMPLAINT_SECRET"]
    if as_json and secret:
        headers["X-Regulars-Signature"] = hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()
    try:
        with urllib.request.urlopen(  # noqa: S310 - an address given on the command line, or on this machine
            urllib.request.Request(address, data=data, headers=headers), timeout=10
        ) as answer:
            return f"answered {answer.status}"
    except urllib.error.HTTPError as refusal:
        with refusal:
            return f"refused with {refusal.code}"
    except (OSError, http.client.HTTPException) as failure:
        return f"failed ({failure})"


def ago(moment):
    """This function will say an ISO time as "just now", "5 min", "3 h" or a date."""
    then = datetime.fromisoformat(moment)
    seconds = (datetime.now(UTC) - then).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min"
    return f"{seconds // 3600:.0f} h" if seconds < 86_400 else f"{then.day} {then:%b}"


def size(count):
    """This function will say a number of bytes for people."""
    return f"{count} B" if count < 1000 else f"{count / 1000:.1f} kB" if count < 1e6 else f"{count / 1e6:.1f} MB"
