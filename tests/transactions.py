"""What tests do that read only what no transaction can come before any more: the feed of changes, the seals of the trace.

The oldest transaction that still writes is one of the whole server and not of a database, and other tests write to the same server.
"""

from sqlalchemy import func, select

from saas.kit import work
from saas.kit.db import db
from tests.failures.copies import until


def until_all_ended(company, *, seconds=120):
    """This function will wait until every transaction that has begun by now has ended."""

    def ask(function):
        with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
            return int(db.session.scalar(select(function(func.pg_current_snapshot()))))

    newest = ask(func.pg_snapshot_xmax)
    until(lambda: ask(func.pg_snapshot_xmin) >= newest, seconds=seconds)
