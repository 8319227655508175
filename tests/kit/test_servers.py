"""The servers that come along, and the roles in the database: what they do with what a crash or a stranger leaves."""

import os
import pathlib
import subprocess
import sys
import time

import psycopg
import pytest

from saas.kit import keychain, ports, procfile, roles, servers

DEBIAN = pathlib.Path("/usr/lib/postgresql/15/bin")


@pytest.fixture
def postgres(tmp_path):
    made = servers.Postgres(tmp_path / "a cluster", durable=False)
    yield made
    made.stop()


class TestPostgres:
    def test_a_pid_file_whose_number_belongs_to_another_program_is_no_obstacle(self, postgres):
        postgres.start().stop()
        (postgres.data_dir / "postmaster.pid").write_text(f"{os.getpid()}\n{postgres.data_dir}\n")
        with psycopg.connect(postgres.start().url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)

    def test_half_a_cluster_of_an_interrupted_start_is_made_anew(self, postgres):
        half = postgres.data_dir.with_name(postgres.data_dir.name + ".new")
        half.mkdir()
        (half / "PG_VERSION").write_text("18")
        assert postgres.start().answers()

    def test_it_listens_on_loopback_only_and_wants_a_password(self, postgres):
        url = postgres.start().url
        with psycopg.connect(url) as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url.replace(postgres.password, "guess"))

    def test_a_server_that_cannot_start_names_its_log(self, postgres, monkeypatch):
        postgres.prepare()
        monkeypatch.setattr(time, "sleep", lambda _: None)
        (postgres.data_dir / "postgresql.conf").write_text("no_such_setting = on\n")
        with pytest.raises(servers.ServerFailed, match="a cluster.log"):
            postgres.start()

    @pytest.mark.skipif(not DEBIAN.exists(), reason="needs Debian's own PostgreSQL 15")
    def test_debians_own_version_15_serves_as_well(self, tmp_path):
        old = servers.Postgres(tmp_path / "old", programs=DEBIAN, durable=False).start()
        try:
            with psycopg.connect(roles.prepare(old.url).app) as connection:
                assert connection.execute("SELECT lower('\u00c9')").fetchone() == ("\u00e9",)
        finally:
            old.stop()


class TestRoles:
    @pytest.fixture
    def urls(self, test_servers):
        return roles.prepare(test_servers["postgres"], database="roles_test", passwords=test_servers["passwords"])

    def test_the_application_can_neither_create_nor_truncate_nor_look_past_a_policy(self, urls):
        with psycopg.connect(urls.owner, autocommit=True) as owner:
            owner.execute("CREATE TABLE IF NOT EXISTS walled (tenant_id bigint)")
            owner.execute("ALTER TABLE walled ENABLE ROW LEVEL SECURITY")
            owner.execute("GRANT SELECT, INSERT ON walled TO regulars_app, regulars_admin")
        with psycopg.connect(urls.admin, autocommit=True) as admin:
            admin.execute("INSERT INTO walled VALUES (1)")
            assert admin.execute("SELECT count(*) FROM walled").fetchone()[0] > 0
        with psycopg.connect(urls.app, autocommit=True) as app:
            assert app.execute("SELECT count(*) FROM walled").fetchone() == (0,)
            for statement in ("TRUNCATE walled", "CREATE TABLE own (a int)", "SET ROLE regulars_admin"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    app.execute(statement)

    def test_preparing_twice_changes_nothing_but_the_passwords(self, urls, test_servers):
        again = roles.prepare(test_servers["postgres"], database="roles_test", passwords=test_servers["passwords"])
        assert again == urls

    def test_a_superusers_url_alone_is_enough_and_another_roles_is_not(self, urls, test_servers):
        by_name = test_servers["postgres"].rpartition("/")[0] + "/roles_test"
        assert roles.from_superuser(by_name, passwords=test_servers["passwords"]) == urls
        with pytest.raises(roles.NotSuperuser):
            roles.from_superuser(urls.app, passwords=test_servers["passwords"])

    def test_it_knows_whether_the_newest_migration_has_run(self, urls, tmp_path):
        (tmp_path / "0001_first.py").write_text('revision = "0001"\ndown_revision = None\n')
        (tmp_path / "0002_second.py").write_text('revision = "0002"\ndown_revision = "0001"\n')
        assert not roles.up_to_date(urls.owner, tmp_path)
        with psycopg.connect(urls.owner, autocommit=True) as owner:
            owner.execute("CREATE TABLE alembic_version AS SELECT '0001' AS version_num")
            assert not roles.up_to_date(urls.owner, tmp_path)
            owner.execute("UPDATE alembic_version SET version_num = '0002'")
            assert roles.up_to_date(urls.owner, tmp_path)
            owner.execute("DROP TABLE alembic_version")


class TestPorts:
    def test_a_port_claimed_by_another_process_is_not_given_out_though_nobody_listens_yet(self):
        wish = servers.free_port()
        code = f"from saas.kit import ports; print(ports.claim({wish}), flush=True); input()"
        other = subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True)
        try:
            assert int(other.stdout.readline()) == wish
            assert ports.claim(wish) != wish
            with pytest.raises(ports.PortTaken, match=str(wish)):
                ports.claim(wish, insist=True)
        finally:
            other.communicate("\n")


class TestFiles:
    def test_a_procfile_is_read_and_a_bad_line_is_named(self, tmp_path):
        file = tmp_path / "Procfile"
        file.write_text("# a remark\n\nweb: serve --port ${PORT:-1}\n")
        assert procfile.read(file) == {"web": "serve --port ${PORT:-1}"}
        file.write_text("web: serve\nnonsense\n")
        with pytest.raises(ValueError, match="line 2"):
            procfile.read(file)

    def test_secrets_are_made_once_and_a_new_one_joins_the_old(self, tmp_path):
        first = keychain.load(tmp_path / "secrets", ["ONE"])
        both = keychain.load(tmp_path / "secrets", ["ONE", "TWO"])
        assert both["ONE"] == first["ONE"] != both["TWO"]
        assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
