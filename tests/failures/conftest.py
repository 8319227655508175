"""Starting copies, and making sure that none outlives its test."""

import contextlib
import shutil

import pytest

from tests.failures.copies import Copy, until


@pytest.fixture
def start(tmp_path):
    copies = []

    def begin(name="a folder", **environment):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
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
