"""Tells the CRM what changed: signed webhooks (Standard Webhooks 1.0) from a queue in the book that outlives a crash.

A message keeps its id over all its tries, so that the CRM can tell a repetition from news.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time

import urllib3

LONGEST_PAUSE = 300
KEPT = 400  # finished deliveries stay this long for the owner to look at


def queue(book, kind, data):
    """This function will remember to tell of one change; call it in the same `book.change()` as the change."""
    body = json.dumps({"type": kind, "data": data}, ensure_ascii=False, separators=(",", ":"))
    now = time.time()
    book.rows(
        "INSERT INTO deliveries (message_id, type, body, created_at, next_at) VALUES (?, ?, ?, ?, ?)",
        f"msg_{secrets.token_hex(12)}", kind, body, now, now,
    )  # fmt: skip


def key_of(secret):
    """This function will return the bytes to sign with: a `whsec_` secret is base64, any other is used as it is."""
    return base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()


def signed_headers(message_id, body, *, secret, at):
    """This function will return the three headers of Standard Webhooks for one message."""
    digest = hmac.new(key_of(secret), f"{message_id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


class Messenger:
    """The thread that carries the queue to the CRM, for as long as it takes."""

    def __init__(self, book):
        self.book = book
        self.web = urllib3.PoolManager(timeout=10, retries=False, maxsize=1)
        self.news = threading.Event()
        self.stopped = False
        self.thread = threading.Thread(target=self.run, name="messenger", daemon=True)

    def start(self):
        self.thread.start()

    def stop(self):
        """This function will end the thread after the message that it is carrying."""
        self.stopped = True
        self.news.set()
        self.thread.join(timeout=15)

    def run(self):
        while not self.stopped:
            self.news.clear()
            if not self.carry():
                self.news.wait(self.pause())

    def carry(self):
        """This function will try what is due, and return how many messages that were."""
        url, secret = self.book.setting("hook_url"), self.book.setting("hook_secret")
        if not url:
            return 0
        due = self.book.rows(
            "SELECT * FROM deliveries WHERE done_at IS NULL AND next_at <= ? ORDER BY id LIMIT 50", time.time()
        )
        for delivery in due:
            if self.stopped or self.book.setting("hook_url") != url:
                break
            self.settle(delivery, self.post(delivery, url=url, secret=secret))
        return len(due)

    def post(self, delivery, *, url, secret):
        body = delivery["body"].encode()
        headers = signed_headers(delivery["message_id"], body, secret=secret, at=int(time.time()))
        try:
            answer = self.web.request("POST", url, body=body, headers=headers, redirect=False)
            return answer.status, answer.data[:300].decode("utf-8", "replace")
        except urllib3.exceptions.HTTPError as failure:
            return 0, str(failure)[:300]

    def settle(self, delivery, answer):
        status, text = answer
        tries, now = delivery["attempts"] + 1, time.time()
        if 200 <= status < 300:
            self.book.rows(
                "UPDATE deliveries SET attempts = ?, answer = ?, done_at = ? WHERE id = ?",
                tries, str(status), now, delivery["id"],
            )  # fmt: skip
            self.book.rows("DELETE FROM deliveries WHERE done_at IS NOT NULL AND id < ?", delivery["id"] - KEPT)
        else:
            self.book.rows(
                "UPDATE deliveries SET attempts = ?, answer = ?, next_at = ? WHERE id = ?",
                tries, f"{status or ''} {text}".strip(), now + min(2**tries, LONGEST_PAUSE), delivery["id"],
            )  # fmt: skip

    def pause(self):
        if not self.book.setting("hook_url"):
            return 60
        next_at = self.book.row("SELECT min(next_at) AS at FROM deliveries WHERE done_at IS NULL")["at"]
        return 60 if next_at is None else max(0.05, min(60, next_at - time.time()))


def try_again(book):
    """This function will make everything that waits due now."""
    book.rows("UPDATE deliveries SET next_at = ? WHERE done_at IS NULL", time.time())


def forget_waiting(book):
    """This function will drop what waits, because the owner has disconnected the shop."""
    book.rows("DELETE FROM deliveries WHERE done_at IS NULL")


def newest(book, limit=40):
    return book.rows("SELECT * FROM deliveries ORDER BY done_at IS NOT NULL, id DESC LIMIT ?", limit)


def counts(book):
    """This function will return how many messages wait and how many of them have failed before."""
    return book.row(
        "SELECT count(*) AS waiting, coalesce(sum(attempts > 0), 0) AS failing FROM deliveries WHERE done_at IS NULL"
    )
