"""Two servers of a test's own, a company, and the product's programs started on them one by one, to be killed."""

import contextlib
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request

import psycopg

from saas.kit import roles, servers
from tests import nursery
from tests.failures import counting
from tests.failures.copies import OURS, ROOT, until
from tests.servers import lay_cluster

WEB = (
    "granian",
    "--interface",
    "wsgi",
    "saas.wsgi:app",
    "--host",
    "127.0.0.1",
    "--blocking-threads",
    "4",
    "--no-ws",
    "--port",
)


class Ground:
    """Two servers, a company, and the programs that were started on them."""

    def __init__(self, folder, addresses):
        self.switches = folder / "switches"
        self.switches.mkdir()
        self.postgres = servers.Postgres(folder / "postgres")
        lay_cluster(addresses, self.postgres, migrated=True)
        self.postgres.start()
        self.valkey = servers.Valkey(folder / "valkey").start()
        self.urls = roles.prepare(
            self.postgres.url, passwords=dict.fromkeys((roles.OWNER, roles.APP, roles.ADMIN), "secret")
        )
        self.environment = {name: value for name, value in os.environ.items() if name not in OURS}
        self.environment |= self.urls.environment() | {
            "REDIS_URL": self.valkey.url, "ENVIRONMENT": "test", "SECRET_KEY": "a secret only for tests, long enough",
            "VAR_DIR": str(folder), "LOG_FORMAT": "json", counting.SWITCHES: str(self.switches), "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        self.log = open(folder / "programs.log", "ab")  # noqa: SIM115 - closed by stop()
        self.programs, self.webs, self.next = [], [], 1

    def start(self, *arguments, pipes=False):
        """This function will start a program that knows the counted reaction: announcer, relay, timetable, or a worker."""
        given = ("-m", counting.HERE, *arguments)
        self.programs.append(nursery.start(*given, environment=self.environment, output=self.log, pipes=pipes))
        return self.programs[-1]

    def start_web(self):
        """This function will start the web and wait until it can work."""
        port = servers.free_port()
        self.web = f"http://127.0.0.1:{port}"
        self.environment["PUBLIC_URL"] = self.web
        command = [os.path.join(os.path.dirname(sys.executable), WEB[0]), *WEB[1:], str(port)]
        web = subprocess.Popen(command, stdout=self.log, stderr=self.log, cwd=ROOT, env=self.environment)
        self.webs.append(web)
        self.programs.append(web)
        until(lambda: self.call("/readyz", missing=None) is not None)

    def found(self, company):
        """This function will found a company by the operators' command and return its ids and keys."""
        command = [
            "tenants",
            "create",
            "--json",
            "--plan",
            "scale",
            "--company",
            company,
            "--email",
            f"{company}@shop.example",
        ]
        done = nursery.run("-m", "saas", *command, "--password", "correct horse battery", environment=self.environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def call(self, path, *, key="", missing=..., **body):
        """This function will ask the web, or send it a JSON body; `missing` is returned where nobody answers."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        data = json.dumps(body).encode() if body else None
        try:
            with urllib.request.urlopen(
                urllib.request.Request(self.web + path, data=data, headers=headers), timeout=20
            ) as answer:
                return json.load(answer)
        except (urllib.error.URLError, OSError):
            if missing is ...:
                raise
            return missing

    def start_announcer(self):
        self.announcer = self.start("announcer", pipes=True)
        self.tenant_id = int(self.announcer.stdout.readline())

    def announce(self, many=1):
        """This function will announce so many numbers and return them."""
        first, self.next = self.next, self.next + many
        self.announcer.stdin.write(f"{first} {self.next - 1}\n")
        self.announcer.stdin.flush()
        assert self.announcer.stdout.readline() == "announced\n"
        return range(first, self.next)

    def ask(self, question, *values):
        with psycopg.connect(self.urls.admin, autocommit=True) as ledger:
            return ledger.execute(question, values).fetchall()

    def ask_superuser(self, question):
        """This function will ask what only the server itself may know of others' sessions."""
        with psycopg.connect(self.postgres.url, autocommit=True) as server:
            return server.execute(question).fetchall()

    def counted(self, numbers, action="test.counted"):
        """This function will return how often each of the numbers had its effect."""
        found = dict(self.ask("SELECT record_id, count(*) FROM audit_entries WHERE action = %s GROUP BY 1", action))
        return [found.get(str(number), 0) for number in numbers]

    def at_rest(self):
        """This function will tell whether all that was announced has had its effect; what is put off for later is not asked."""
        return self.ask("SELECT count(*) FROM outbox_doorbell WHERE attempts > 0 OR due_at <= now()") == [(0,)]

    def let_leases_pass(self):
        with psycopg.connect(self.urls.admin, autocommit=True) as ledger:
            ledger.execute("UPDATE outbox_doorbell SET due_at = now() WHERE attempts > 0")

    def stretch_leases(self):
        """This function will have everybody keep for an hour what they have in hand: who waits for a lease to end waits in vain."""
        with psycopg.connect(self.urls.admin, autocommit=True) as ledger:
            ledger.execute("UPDATE outbox_doorbell SET due_at = due_at + interval '1 hour' WHERE due_at > now()")

    def handed_out(self):
        """This function will tell whether the relay has rung for all that was announced."""
        return self.ask("SELECT count(*) FROM outbox_doorbell WHERE attempts = 0 AND due_at <= now()") == [(0,)]

    @contextlib.contextmanager
    def switched(self, name):
        """This function will have the reaction to a number halt or fail (`hold-3`, `fail-3`) for as long as the block lasts."""
        (self.switches / name).touch()
        try:
            yield
        finally:
            (self.switches / name).unlink()

    def until_held(self, number):
        until(lambda: (self.switches / f"held-{number}").exists())

    def end(self, *programs):
        for program in programs:
            program.kill()
            program.wait(30)
            for pipe in (program.stdin, program.stdout):
                if pipe:
                    pipe.close()

    def stop(self):
        for web in self.webs:
            web.terminate()  # killed it would leave its worker behind
            web.wait(30)
        self.end(*self.programs)
        self.log.close()
        self.valkey.stop()
        self.postgres.stop()
