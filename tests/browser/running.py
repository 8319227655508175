"""A whole running product for browser tests: started by its own launcher as `make run` does, once for all of them.

Its demo company is a small one (a twentieth of the usual past), sent through the same doors, so that it is there within a
minute. `shopfront` beside this file stands in for the product where only a shop's scripts matter.
"""

import contextlib
import json
import secrets
import shutil
import subprocess
import time
import urllib.parse
import urllib.request

import psycopg

from sandbox.shop import hooks
from tests import nursery
from tests.failures.copies import Copy, until

SCALE = "0.05"


class Product(Copy):
    """The running product: where its parts are, and what waits in its outbox."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder, whole=True, ENVIRONMENT="test", RATE_LIMITS="0", ARGON2_MEMORY_KIB="64")
        self.until_ready(seconds=300)  # the whole of it, on a machine that is busy with other things
        self.urls = self.state["urls"]
        self.told = json.loads((self.var / "environment.json").read_text())

    def found(self, *, company, email, password, plan="scale"):
        """This function will found a company by the command an operator uses, and return its ids and keys."""
        return json.loads(self.command("saas", "tenants", "create", "--json", "--company", company, "--email", email,
                                       "--password", password, "--plan", plan))  # fmt: skip

    def make_demo(self):
        """This function will make the small demo company and return who signs in and how its shop is connected."""
        output = self.var / "small_demo.json"
        self.command("sandbox.demo", "--crm-url", self.urls["web"], "--shop-url", self.urls["shop"], "--output", str(output),
                     "--scale", SCALE)  # fmt: skip
        return json.loads(output.read_text())

    def command(self, module, *arguments):
        """This function will run a command beside the product, as in a second terminal, and return what it prints."""
        done = nursery.run("-m", module, *arguments, environment=self.environment)
        assert done.returncode == 0, f"{module} {arguments[:2]}: {done.stderr[-3000:]}"
        return done.stdout

    def settle(self, seconds=300):
        """This function will wait until everything that was announced has had its effect."""
        with psycopg.connect(self.told["DATABASE_ADMIN_URL"], autocommit=True) as ledger:
            waiting = "SELECT count(*) FROM outbox_doorbell WHERE attempts > 0 OR due_at <= now()"
            until(lambda: ledger.execute(waiting).fetchone()[0] == 0, seconds)

    def mails(self, to, subject=""):
        """This function will return the mails to an address, newest first."""
        query = urllib.parse.urlencode({"to": to, "subject": subject})
        return read_json(f"{self.urls['mailbox']}/api/messages?{query}")["items"]

    def mail(self, to, subject="", seconds=240):
        """This function will wait for a mail to an address and return it with its parts."""
        until(lambda: self.mails(to, subject), seconds)
        return read_json(f"{self.urls['mailbox']}/api/messages/{self.mails(to, subject)[0]['id']}")

    def stop(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.end()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(60)
        until(lambda: not self.left())
        shutil.rmtree(self.folder, ignore_errors=True)

    def last_words(self):
        """This function will return the ends of all logs, for whoever wonders why a test failed."""
        logs = sorted((self.var / "log").glob("*.log"))
        return "\n".join(f"== {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in logs)


def read_json(url, *, key="", **options):
    """This function will ask an address for JSON; `key` is an API key, `data` a body to send."""
    if "data" in options:
        options["data"] = json.dumps(options["data"]).encode()
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers, **options), timeout=30) as answer:
        return json.load(answer)


def deliver(shop, body, *, message_id=""):
    """This function will deliver a signed message as a generic shop does and return the status; `shop` has hook_url and hook_secret."""
    raw, message_id = json.dumps(body).encode(), message_id or f"msg_{secrets.token_hex(8)}"
    headers = hooks.signed_headers(message_id, raw, secret=shop["hook_secret"], at=int(time.time()))
    with urllib.request.urlopen(
        urllib.request.Request(shop["hook_url"], data=raw, headers=headers), timeout=30
    ) as answer:
        return answer.status
