"""Starting copies, and making sure that none outlives its test."""

import contextlib
import shutil

import pytest

from saas.kit import servers
from tests.failures.copies import Copy, until
from tests.servers import lay_cluster


@pytest.fixture
def start(tmp_path, test_servers):
    """Start a copy in a folder: with `fresh` as a newcomer does, else with the files of a PostgreSQL that never ran."""
    copies = []

    def begin(name="a folder", *, fresh=False, **environment):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        postgres = servers.Postgres(folder / "var" / "postgres")
        if not fresh and not postgres.data_dir.exists():
            lay_cluster(test_servers, postgres, migrated=False)
        copies.append(Copy(folder, **environment))
        return copies[-1]

    yield begin
    for copy in copies:
        with contextlib.suppress(ProcessLookupError):
            copy.process.kill()
        copy.process.wait(60)
    for copy in copies:
        until(lambda copy=copy: not copy.left())
        shutil.rmtree(copy.folder, ignore_errors=True)
