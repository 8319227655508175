"""Long work goes on where it stopped, can be cancelled and undone, and nothing is done twice."""

from __future__ import annotations

import threading

import pytest

from saas.kit import errors, scope, work
from saas.kit.db import db
from saas.tenancy import members, operations
from saas.tenancy.models import UsageCount

SIZE, BATCH = 25, 10


def _count(by: int) -> None:
    from saas.tenancy import limits

    limits.count("test.counted", by=by)


@operations.kind("test.count", permission="customers.edit", title="Counting", undo=lambda operation: _undo(operation))
def _step(operation):
    """This function will count ten at a time, and remember which; `break_at` stops it once with a fault."""
    at = operation.cursor.get("at", 0)
    if operation.params.get("refuse_at") == at:
        raise errors.Invalid("This cannot go on.")
    batch = min(BATCH, SIZE - at)
    _count(batch)
    operations.note_failed(operation, [(at, {"number": at}, "An odd one")])
    if _faults and _faults[0] == at:
        _faults.pop()
        raise ZeroDivisionError
    operation.cursor = {"at": at + batch}
    operation.done += batch
    return at + batch < SIZE


def _undo(operation):
    _count(-operation.done)
    operation.undone = operation.done
    return False


_faults: list[int] = []


def counted(company) -> int:
    from sqlalchemy import func, select

    with work.unit(tenant_id=company.tenant_id):
        return int(
            db.session.scalar(
                select(func.coalesce(func.sum(UsageCount.used), 0)).where(UsageCount.name == "test.counted")
            )
        )


def started(company, **params):
    with work.unit(tenant_id=company.tenant_id):
        return operations.start(kind="test.count", params=params, total=SIZE).id


def read(company, operation_id):
    with work.unit(tenant_id=company.tenant_id):
        operation = operations.one(operation_id)
        db.session.expunge(operation)
        return operation


def run(company, operation_id, **kwargs):
    with scope.tenant(company.tenant_id):
        return operations.run(operation_id, **kwargs)


class TestRun:
    def test_steps_follow_each_other_to_the_end(self, company, context, drain):
        operation_id = started(company)
        drain(company)
        operation = read(company, operation_id)
        assert (operation.state, operation.done, operation.failed, counted(company)) == ("done", SIZE, 3, SIZE)
        with work.unit(tenant_id=company.tenant_id):
            failed = sorted(db.session.scalars(operations.failures(operation_id)), key=lambda one: one.position)
            assert [(one.position, one.reason) for one in failed] == [
                (0, "An odd one"),
                (10, "An odd one"),
                (20, "An odd one"),
            ]

    def test_a_step_that_breaks_has_no_effect_and_is_done_again(self, company, context):
        operation_id = started(company)
        _faults.append(10)
        assert run(company, operation_id) is False
        assert (read(company, operation_id).state, read(company, operation_id).done, counted(company)) == (
            "running",
            10,
            10,
        )
        run(company, operation_id)
        assert (read(company, operation_id).state, read(company, operation_id).failed, counted(company)) == (
            "done",
            3,
            SIZE,
        )

    def test_what_keeps_breaking_has_failed_and_says_so(self, company, context):
        operation_id = started(company)
        for _attempt in range(operations.ATTEMPTS):
            _faults.append(10)
            run(company, operation_id)
            _faults.clear()
        operation = read(company, operation_id)
        assert operation.state == "failed" and operation.done == 10 and operation.error

    def test_a_refusal_ends_it_with_its_sentence(self, company, context):
        operation_id = started(company, refuse_at=20)
        run(company, operation_id)
        operation = read(company, operation_id)
        assert (operation.state, operation.error, counted(company)) == ("failed", "This cannot go on.", 20)

    def test_a_slice_ends_after_its_time_and_says_that_there_is_more(self, company, context):
        operation_id = started(company)
        assert run(company, operation_id, seconds=0) is True
        assert read(company, operation_id).done == BATCH

    def test_many_workers_at_once_do_everything_once(self, company, app):
        with app.app_context():
            operation_id = started(company)

        def help_out():
            with app.app_context():
                run(company, operation_id)

        helpers = [threading.Thread(target=help_out) for _helper in range(4)]
        for helper in helpers:
            helper.start()
        for helper in helpers:
            helper.join()
        with app.app_context():
            run(company, operation_id)
            assert (read(company, operation_id).done, counted(company)) == (SIZE, SIZE)

    def test_what_nobody_touches_is_found_by_the_sweep(self, company, context, monkeypatch):
        from datetime import timedelta

        operation_id = started(company)
        monkeypatch.setattr(operations, "QUIET", timedelta(seconds=-5))
        with work.platform_unit(reason="test"):
            assert (company.tenant_id, operation_id) in operations.left_alone()


class TestCancel:
    def test_what_has_not_begun_is_cancelled_at_once(self, company, context):
        operation_id = started(company)
        with work.unit(tenant_id=company.tenant_id):
            operations.cancel(operation_id)
        run(company, operation_id)
        assert (read(company, operation_id).state, counted(company)) == ("cancelled", 0)

    def test_what_is_running_stops_after_its_step(self, company, context):
        operation_id = started(company)
        run(company, operation_id, seconds=0)
        with work.unit(tenant_id=company.tenant_id):
            operations.cancel(operation_id)
        run(company, operation_id)
        assert (read(company, operation_id).state, counted(company)) == ("cancelled", BATCH)


class TestUndo:
    def test_undoing_takes_back_what_was_done(self, company, context, drain):
        operation_id = started(company)
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            operations.undo(operation_id)
        drain(company)
        assert (read(company, operation_id).state, counted(company)) == ("undone", 0)

    def test_it_is_refused_the_second_time(self, company, context, drain):
        operation_id = started(company)
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            operations.undo(operation_id)
        with pytest.raises(operations.CannotUndo), work.unit(tenant_id=company.tenant_id):
            operations.undo(operation_id)

    def test_nothing_of_another_company_can_be_undone(self, company, other_company, context, drain):
        operation_id = started(company)
        drain(company)
        with pytest.raises(operations.NoSuchOperation), work.unit(tenant_id=other_company.tenant_id):
            operations.undo(operation_id)


class TestRights:
    def test_who_lost_the_right_meanwhile_has_it_stopped(self, app, company, context):
        from tests.companies import add_member

        add_member(app, company, role="read_only")
        with work.unit(tenant_id=company.tenant_id):
            reader = next(member for member in members.listed() if member.role == "read_only")
        with work.unit(tenant_id=company.tenant_id, actor=scope.Actor("member", str(reader.id), "Rita")):
            operation_id = operations.start(kind="test.count", params={}, total=SIZE).id
        run(company, operation_id)
        operation = read(company, operation_id)
        assert (operation.state, counted(company)) == ("failed", 0) and "does not allow" in operation.error
