"""Two transactions that meet: the second is begun while the first is open, and the first ends once the second waits for it."""

import threading

from sqlalchemy import func, select

from saas.kit import work
from saas.kit.db import db
from tests.failures.copies import until


def meet(company, first, second):
    """This function will do `first` and then `second` in transactions of two connections, the second waiting in the database for
    the first to commit, and return what both returned (or raised)."""
    found, second_is = {}, {}
    done, begun = threading.Event(), threading.Event()

    def run_first():
        with company.app.app_context():
            try:
                with work.unit(tenant_id=company.tenant_id):
                    found["first"] = first()
                    db.session.flush()
                    done.set()
                    assert begun.wait(120)
                    mine = db.session.scalar(select(func.pg_backend_pid()))
                    until(lambda: mine in db.session.scalar(select(func.pg_blocking_pids(second_is["pid"]))), 120)
            except Exception as error:
                found["first"] = error
            finally:
                done.set()

    def run_second():
        with company.app.app_context():
            try:
                assert done.wait(120)
                with work.unit(tenant_id=company.tenant_id):
                    second_is["pid"] = db.session.scalar(select(func.pg_backend_pid()))
                    begun.set()
                    found["second"] = second()
            except Exception as error:
                found["second"] = error

    threads = [threading.Thread(target=run) for run in (run_first, run_second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    return found["first"], found["second"]
