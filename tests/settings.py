"""Having this process use other servers for a while, without a trace afterwards."""

import contextlib
import os


@contextlib.contextmanager
def entered(settings):
    """This function will have the settings hold for a block, and let go of what was connected before and in it."""
    before = {name: os.environ.get(name) for name in settings}
    _enter(settings)
    try:
        yield
    finally:
        _enter(before)


def _enter(settings):
    from saas import config
    from saas.kit import pool, valkey

    for name, value in settings.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    config.get.cache_clear()
    pool.close()
    valkey.close()
