"""Reads one raw mail the way a mail program does: its parts, its headers, and the links a provider acts on."""

import re
from email import message_from_bytes, policy


def read(raw):
    """This function will return the parsed mail; broken mails come out as far as they can be read."""
    return message_from_bytes(raw, policy=policy.default)


def body(mail, kind):
    """This function will return the text of the best part of `kind` ("html" or "plain"), or None."""
    part = mail.get_body(preferencelist=(kind,))
    if part is None:
        return None
    try:
        return part.get_content()
    except (LookupError, UnicodeError):
        return (part.get_payload(decode=True) or b"").decode("utf-8", "replace")


def headers(mail):
    """This function will return all headers as (name, value) in their order, with encoded words decoded."""
    return [(name, str(value)) for name, value in mail.items()]


def attachment(mail, content_id):
    """This function will return (type, bytes) of the part that the HTML calls `cid:content_id`, or None."""
    for part in mail.walk():
        if str(part.get("Content-ID", "")).strip().strip("<>") == content_id:
            return part.get_content_type(), part.get_payload(decode=True) or b""
    return None


def attachments(mail):
    """This function will return (name, type, size) of what hangs on the mail besides its bodies."""
    return [
        (part.get_filename() or "unnamed", part.get_content_type(), len(part.get_payload(decode=True) or b""))
        for part in mail.iter_attachments()
    ] if mail.is_multipart() else []  # fmt: skip


def one_click_address(mail):
    """This function will return the URL for one-click unsubscription (RFC 8058) if the mail offers it, or None."""
    if "one-click" not in str(mail.get("List-Unsubscribe-Post", "")).lower():
        return None
    found = re.search(r"<(https?://[^>]+)>", str(mail.get("List-Unsubscribe", "")))
    return found.group(1) if found else None
