"""What is special about files: other processes, kill -9, lost and foreign folders, few open files."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from saas.kit import search
from saas.kit.search import places, queries, terms
from saas.kit.search.whoosh_engine import NoIndex, WhooshEngine
from tests.kit.search_support import customer

ROOT = Path(__file__).parents[2]


def entries(*titles):
    return [terms.prepare(customer(title)) for title in titles]


def titles(engine, tenant_id, query):
    found = engine.candidates(None, tenant_id, queries.read(query), kinds=(), enough=20, most=200)
    return sorted(candidate.title for candidate in found)


@pytest.fixture
def engine(tmp_path):
    made = WhooshEngine(tmp_path / "search", open_searchers=3)
    yield made
    made.searchers.close()


WRITER = textwrap.dedent("""
    import sys, uuid
    from pathlib import Path
    from saas.kit.search import terms
    from saas.kit.search.whoosh_engine import WhooshEngine

    engine, how = WhooshEngine(Path(sys.argv[1])), sys.argv[2]
    def entry(title):
        return terms.prepare(terms.Record("customer", uuid.uuid4(), title))
    def endless():
        yield entry("anna half")
        print("writing", flush=True)
        sys.stdin.read()
    if how == "once":
        engine.put(None, 7, [entry("anna there")])
    elif how == "rebuild":
        engine.replace(None, 7, endless())
    else:
        for number in range(1_000_000):
            engine.put(None, 7, [entry(f"anna {number}")])
            print(number, flush=True)
""")


def start(folder, how):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), how],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


class TestOtherProcesses:
    def test_their_commits_are_seen_at_once(self, engine):
        engine.replace(None, 7, entries("Anna Here"))
        assert titles(engine, 7, "anna") == ["Anna Here"]
        with start(engine.folder, "once") as other:
            other.communicate(timeout=60)
        assert titles(engine, 7, "anna") == ["Anna Here", "anna there"]

    def test_a_new_generation_is_seen_at_once(self, engine):
        engine.replace(None, 7, entries("Anna Old"))
        assert titles(engine, 7, "anna") == ["Anna Old"]
        WhooshEngine(engine.folder).replace(None, 7, entries("Anna New"))
        assert titles(engine, 7, "anna") == ["Anna New"]
        assert len(list((engine.folder / "7").glob("v*"))) == 1

    def test_a_forked_child_opens_its_own_files(self, engine):
        engine.replace(None, 7, entries("Anna"))
        assert titles(engine, 7, "anna") == ["Anna"]
        child = os.fork()
        if child == 0:
            os._exit(0 if titles(engine, 7, "anna") == ["Anna"] else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert titles(engine, 7, "anna") == ["Anna"]


class TestKilled:
    @pytest.mark.failure
    def test_a_writer_killed_between_or_in_commits_leaves_a_whole_index(self, engine):
        engine.replace(None, 7, entries("Anna First"))
        for _ in range(3):
            with start(engine.folder, "many") as writer:
                for line in writer.stdout:
                    if int(line) >= 3:
                        break
                writer.send_signal(signal.SIGKILL)
            found = titles(engine, 7, "anna")
            assert {"Anna First", "anna 0", "anna 3"} <= set(found)
            engine.put(None, 7, entries("Anna Later"))
            assert "Anna Later" in titles(engine, 7, "anna")

    @pytest.mark.failure
    def test_a_rebuild_that_is_killed_leaves_the_old_index_and_no_rubbish_for_long(self, engine):
        engine.replace(None, 7, entries("Anna Old"))
        with start(engine.folder, "rebuild") as writer:
            assert writer.stdout.readline() == "writing\n"
            writer.send_signal(signal.SIGKILL)
        assert titles(engine, 7, "anna") == ["Anna Old"]
        engine.replace(None, 7, entries("Anna New"))
        assert titles(engine, 7, "anna") == ["Anna New"]
        assert sorted(path.name[:2] for path in (engine.folder / "7").iterdir()) == ["cu", f"v{terms.VERSION}"]


class TestLost:
    @pytest.mark.filterwarnings(
        "ignore::pytest.PytestUnraisableExceptionWarning"
    )  # Whoosh forgets to close what it cannot read
    @pytest.mark.parametrize("harm", ["remove", "empty", "garbage", "truncate", "point nowhere", "other version"])
    def test_a_damaged_index_is_noticed_and_built_anew_by_the_next_job(self, search_engines, tenant_id, harm):
        search.rebuild(tenant_id, [customer("Anna")], engine="whoosh")
        home = search_engines["whoosh"].folder / str(tenant_id)
        (generation,) = home.glob("v*")
        for file in list(generation.iterdir()):
            if harm == "remove":
                file.unlink()
            elif harm in ("empty", "garbage"):
                file.write_bytes(b"" if harm == "empty" else os.urandom(300))
            elif harm == "truncate":
                file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        if harm == "point nowhere":
            (home / "current").write_text(f"v{terms.VERSION}-../../etc")
        elif harm == "other version":
            (home / "current").write_text(generation.name.replace(f"v{terms.VERSION}-", f"v{terms.VERSION - 1}-"))
        assert search.find(tenant_id, "anna") == []
        assert search.write_pending(tenant_id, lambda keys: [customer("Anna Again")] if keys is None else []) == 1
        assert [hit.title for hit in search.find(tenant_id, "anna")] == ["Anna Again"]
        gc.collect()

    def test_a_lost_index_is_noticed_by_writing_too(self, search_engines, tenant_id):
        search.rebuild(tenant_id, [customer("Anna")], engine="whoosh")
        search.forget(tenant_id)
        search.index(tenant_id, [customer("Anna")])
        search.remove(tenant_id, [("customer", uuid4())])
        assert search.write_pending(tenant_id, lambda keys: [customer("Anna")] if keys is None else []) == 1
        assert len(search.find(tenant_id, "anna")) == 1

    def test_a_folder_others_may_write_to_is_not_trusted(self, engine):
        engine.replace(None, 7, entries("Anna"))
        os.chmod(engine.folder / "7", 0o777)
        with pytest.raises(NoIndex, match="not to be trusted"):
            titles(engine, 7, "anna")

    def test_a_reader_that_remembers_whoosh_follows_a_tenant_that_moved(self, search_engines, tenant_id):
        search.rebuild(tenant_id, [customer("Anna Old")], engine="whoosh")
        search.find(tenant_id, "anna")
        assert places.remembered.whoosh(tenant_id)
        search.rebuild(tenant_id, [customer("Anna New")], engine="postgres")
        assert [hit.title for hit in search.find(tenant_id, "anna")] == ["Anna New"]


class TestThreads:
    def test_many_search_while_one_writes_and_searchers_are_closed_underneath(self, engine):
        for tenant in range(1, 7):
            engine.replace(None, tenant, entries(f"Anna {tenant}"))

        def look(turn):
            tenant = turn % 6 + 1
            if turn % 10 == 0:
                engine.put(None, tenant, entries(f"Berta {turn}"))
            return titles(engine, tenant, "anna") == [f"Anna {tenant}"]

        with ThreadPoolExecutor(6) as threads:
            assert all(threads.map(look, range(240)))


class TestOpenFiles:
    def test_stay_few_however_many_tenants_search(self, engine):
        for tenant in range(1, 13):
            engine.replace(None, tenant, entries(f"Anna {tenant}"))
        assert titles(engine, 1, "anna") == ["Anna 1"]
        before = len(os.listdir("/proc/self/fd"))
        for tenant in (*range(1, 13), 1):
            assert titles(engine, tenant, "anna") == [f"Anna {tenant}"]
        assert len(engine.searchers) == 3
        assert len(os.listdir("/proc/self/fd")) - before < 3 * 10

    def test_many_commits_leave_few_segments(self, engine):
        engine.replace(None, 7, entries("Anna"))
        for number in range(40):
            engine.put(None, 7, entries(f"Anna {number}"))
        assert len(titles(engine, 7, "anna")) == 41
        with engine.searchers.use(7) as opened:
            assert len(opened.searcher.reader().leaf_readers()) < 12
