"""Backups that are really taken, brought back into another database, compared, and lived in."""

from __future__ import annotations

import os
import pathlib
import re

import psycopg
import pytest

from saas.app import create_app
from saas.kit import roles
from saas.kit.db import db
from tests import nursery, settings
from tests.companies import PASSWORD, drain_outbox, found_company
from tests.failures.copies import OURS
from tests.servers import new_database

pytestmark = pytest.mark.failure
KEY = "a key that lies elsewhere"
LIVE = """
import json, sys
from saas.app import create_app
from saas.kit import search, scope
from workers.jobs.search import load
app, (email, password, key, tenant) = create_app(), sys.argv[1:]
client = app.test_client()
page = client.get("/sign-in").text
token = page.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]
signed = client.post("/sign-in", data={"email": email, "password": password, "csrf_token": token})
home = client.get("/", follow_redirects=True)
with app.app_context(), scope.tenant(int(tenant)):
    search.write_pending(int(tenant), load)
    hits = search.find(int(tenant), "Wilhelmina")
listed = client.get("/api/v1/customers", headers={"Authorization": f"Bearer {key}"}).json
made = client.post("/api/v1/customers", headers={"Authorization": f"Bearer {key}"}, json={"email": "after@shop.example"})
print(json.dumps({"signed": signed.status_code, "home": home.status_code, "hits": len(list(hits)),
                  "customers": [one["email"] for one in listed["items"]], "made": made.status_code}))
"""


class Place:
    """A database and the commands that are run on it."""

    def __init__(self, urls, folder, redis_url, **more):
        self.urls = urls
        self.environment = {name: value for name, value in os.environ.items() if name not in OURS}
        self.environment |= urls.environment() | {
            "ENVIRONMENT": "test", "REDIS_URL": redis_url, "SECRET_KEY": "a secret only for tests, long enough", "VAR_DIR": str(folder),
            "BACKUP_KEY": KEY, "ARGON2_MEMORY_KIB": "64", "RATE_LIMITS": "0", "LOG_FORMAT": "json", **more,
        }  # fmt: skip

    def run(self, *command):
        return nursery.run(*command, environment=self.environment)

    def counts(self, where: str = "") -> dict[str, int]:
        with psycopg.connect(self.urls.admin) as admin:
            tables = admin.execute(
                "SELECT c.relname, EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id') FROM pg_class c "
                "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1"
            ).fetchall()
            return {name: admin.execute(f"SELECT count(*) FROM {name} {where}").fetchone()[0]
                    for name, theirs in tables if not name.startswith("search_") and (theirs or not where)}  # fmt: skip


@pytest.fixture(scope="module")
def own_urls(test_servers):
    """A database of this file's own: the others' holds thousands of companies by now, and all of it would be backed up."""
    return new_database(test_servers, name=f"regulars_backed_up_{os.getpid()}")


@pytest.fixture(scope="module")
def app(settings_in_environment, own_urls):
    with settings.entered(own_urls.environment()):
        made = create_app()
        yield made
        with made.app_context():
            for engine in db.engines.values():
                engine.dispose()


@pytest.fixture(scope="module")
def company(app):
    """A company with a customer, an order, a product, events in the outbox and a trace."""
    made = found_company(app)
    for number in range(3):
        made.api(
            "POST",
            "/customers",
            json={"email": f"c{number}@shop.example", "first_name": "Wilhelmina", "last_name": "王\t\\N\r\n"},
        )
    made.api(
        "POST",
        "/products/bulk",
        json={"items": [{"external_id": "p1", "name": "Tea", "price": "12.50", "currency": "EUR"}]},
    )
    order = {"external_id": "o1", "number": "1", "placed_at": "2026-11-01T10:00:00Z", "updated_at": "2026-11-01T10:00:00Z",
             "status": "paid", "currency": "EUR", "customer": {"email": "c1@shop.example"}, "total": "12.50",
             "lines": [{"position": 1, "product": "p1", "name": "Tea", "quantity": 1, "unit_price": "12.50"}]}  # fmt: skip
    made.api("POST", "/orders/bulk", json={"items": [order]})
    return made


@pytest.fixture(scope="module")
def home(app, company, own_urls, redis_url, tmp_path_factory):
    return Place(own_urls, tmp_path_factory.mktemp("home"), redis_url)


@pytest.fixture(scope="module")
def taken(home):
    assert home.run("-m", "saas", "audit", "seal").returncode == 0
    done = home.run("-m", "saas", "backup")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split(": ")[0]


@pytest.fixture
def elsewhere(test_servers, redis_url, tmp_path, request):
    """An empty database with nothing but its roles."""
    name = f"regulars_restored_{abs(hash(request.node.name)) % 10**8}"
    urls = roles.prepare(test_servers["postgres"], database=name, passwords=test_servers["passwords"])
    yield Place(urls, tmp_path, redis_url)
    with psycopg.connect(test_servers["postgres"], autocommit=True) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def live(place, company) -> dict:
    import json

    done = place.run("-c", LIVE, company.email, PASSWORD, company.api_key, str(company.tenant_id))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_everything_comes_back_and_can_be_lived_in(home, taken, elsewhere, company):
    assert home.run("-m", "saas", "restore", "--check", taken).returncode == 0
    before = home.counts()
    done = elsewhere.run("-m", "saas", "restore", taken)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "are back and verified" in done.stdout
    assert re.search(rf"tenant {company.tenant_id}: whole \([1-9]", done.stdout), "the history is whole, seals and all"
    after = elsewhere.counts()
    after["platform_acts"] -= 1  # verifying the histories is itself written down
    assert after == before and before["customers"] >= 3 and before["audit_entries"] > 0
    with psycopg.connect(elsewhere.urls.app) as stranger:
        assert stranger.execute("SELECT count(*) FROM customers").fetchone() == (0,), "the wall stands"
    lived = live(elsewhere, company)
    assert lived["signed"] in (302, 303) and lived["home"] == 200 and lived["made"] == 201
    assert {"c0@shop.example", "c1@shop.example", "c2@shop.example"} <= set(lived["customers"])
    assert lived["hits"] >= 3, "searches are built anew"
    with psycopg.connect(elsewhere.urls.admin) as admin:
        highest = admin.execute("SELECT max(id) FROM tenants").fetchone()[0]
    made = elsewhere.run(
        "-m", "saas", "tenants", "create", "--company", "Next", "--email", "next@shop.example", "--password", PASSWORD
    )
    assert f"tenant_id: {highest + 1}" in made.stdout, made.stdout + made.stderr


def test_who_was_erased_after_the_backup_is_erased_again(home, elsewhere, app):
    company = found_company(app)
    ids = {
        name: company.api("POST", "/customers", json={"email": f"{name}@gone.example"}).json["id"]
        for name in ("live", "binned", "stays")
    }
    assert company.api("DELETE", f"/customers/{ids['binned']}").status_code == 204
    taken = home.run("-m", "saas", "backup").stdout.split(": ")[0]
    [item] = company.api("GET", "/bin").json["items"]
    for path in (f"/customers/{ids['live']}/data/erase", f"/bin/{item['id']}/erase"):
        assert company.api("POST", path).status_code == 202
    drain_outbox(app, company)
    written = home.run("-m", "saas", "erasures", "write")
    assert written.returncode == 0 and "2 people" in written.stdout, written.stdout + written.stderr
    ledger = pathlib.Path(taken).parent / "erasures.ledger"
    assert b"gone.example" not in ledger.read_bytes()
    done = elsewhere.run("-m", "saas", "restore", taken)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 people of 1 companies were erased again" in done.stdout
    with psycopg.connect(elsewhere.urls.admin) as admin:
        theirs = "SELECT email FROM customers WHERE tenant_id = %s"
        assert admin.execute(theirs, [company.tenant_id]).fetchall() == [("stays@gone.example",)]
        for table in ("bin_items", "journal_rows"):
            assert admin.execute(
                f"SELECT count(*) FROM {table} WHERE tenant_id = %s", [company.tenant_id]
            ).fetchone() == (0,)
        assert admin.execute(
            "SELECT count(*) FROM erased_addresses WHERE tenant_id = %s", [company.tenant_id]
        ).fetchone() == (2,)
    assert "0 people" in elsewhere.run("-m", "saas", "erasures", "replay", str(ledger)).stdout
    ledger.unlink()


def test_without_a_ledger_it_says_so(taken, elsewhere):
    done = elsewhere.run("-m", "saas", "restore", taken)
    assert done.returncode == 0 and "no ledger of erasures" in done.stdout


def test_a_second_time_it_refuses(taken, elsewhere):
    assert elsewhere.run("-m", "saas", "restore", taken).returncode == 0
    again = elsewhere.run("-m", "saas", "restore", taken)
    assert again.returncode == 1 and "is not empty" in again.stderr


def test_a_damaged_file_leaves_nothing_behind(taken, elsewhere, tmp_path):
    bad = tmp_path / "bad.backup"
    data = bytearray(pathlib.Path(taken).read_bytes())
    data[-200] ^= 1
    bad.write_bytes(data)
    done = elsewhere.run("-m", "saas", "restore", str(bad))
    assert done.returncode == 1 and "Piece" in done.stderr
    assert set(elsewhere.counts().values()) <= {0, 1} and elsewhere.counts()["tenants"] == 0


def test_with_another_key_it_refuses(taken, elsewhere):
    elsewhere.environment["BACKUP_KEY"] = "another"
    assert elsewhere.run("-m", "saas", "restore", "--check", taken).returncode == 1


def test_one_company_comes_back_into_a_database_that_lives(app, test_servers, redis_url, elsewhere, home, tmp_path):
    gone, stays = found_company(app), found_company(app)
    for one in (gone, stays):
        one.api("POST", "/customers", json={"email": "c0@shop.example"})
    taken = home.run("-m", "saas", "backup").stdout.split(": ")[0]
    assert elsewhere.run("-m", "saas", "restore", taken).returncode == 0
    theirs = f"WHERE tenant_id = {gone.tenant_id}"
    before, others = elsewhere.counts(theirs), elsewhere.counts(f"WHERE tenant_id = {stays.tenant_id}")
    refused = elsewhere.run("-m", "saas", "restore", taken, "--tenant", str(gone.tenant_id))
    assert refused.returncode == 1 and "is in this database" in refused.stderr
    owner = test_servers["postgres"].rsplit("/", 1)[0] + "/" + elsewhere.urls.app.rsplit("/", 1)[1]
    with psycopg.connect(owner) as superuser:  # the company is deleted by mistake
        superuser.execute(f"DELETE FROM tenants WHERE id = {gone.tenant_id}")
    assert sum(elsewhere.counts(theirs).values()) == 0
    done = elsewhere.run("-m", "saas", "restore", taken, "--tenant", str(gone.tenant_id))
    assert done.returncode == 0, done.stdout + done.stderr
    after = elsewhere.counts(theirs)
    assert {name: many for name, many in after.items() if name != "login_sessions"} == {
        name: many for name, many in before.items() if name != "login_sessions"
    }
    assert elsewhere.counts(f"WHERE tenant_id = {stays.tenant_id}") == others
    assert live(elsewhere, gone)["customers"][0] == "c0@shop.example"


def test_a_backup_of_one_company_holds_nobody_elses_rows(app, home, elsewhere, company, tmp_path):
    other = found_company(app)
    file = str(tmp_path / "one.backup")
    assert home.run("-m", "saas", "backup", "--tenant", str(company.tenant_id), "--to", file).returncode == 0
    assert elsewhere.run("-m", "saas", "restore", file).returncode == 0
    with psycopg.connect(elsewhere.urls.admin) as admin:
        assert admin.execute("SELECT id FROM tenants").fetchall() == [(company.tenant_id,)]
        assert admin.execute("SELECT email FROM logins").fetchall() == [(company.email,)]
    assert other.tenant_id != company.tenant_id
    assert live(elsewhere, company)["home"] == 200


def test_only_the_newest_are_kept_and_nothing_else_is_touched(home, tmp_path):
    home.environment["BACKUP_DIR"] = str(tmp_path)
    try:
        (tmp_path / "mine.txt").touch()
        (tmp_path / "regulars-tenant-7-20200101T000000Z.backup").touch()
        for day in range(1, 6):
            (tmp_path / f"regulars-2026010{day}T000000Z.backup").touch()
        done = home.run("-m", "saas", "backup", "--keep", "3")
    finally:
        del home.environment["BACKUP_DIR"]
    assert done.returncode == 0, done.stderr
    left = sorted(path.name for path in tmp_path.iterdir())
    assert [name[:17] for name in left] == [
        "mine.txt",
        "regulars-20260104",
        "regulars-20260105",
        left[3][:17],
        "regulars-tenant-7",
    ]
