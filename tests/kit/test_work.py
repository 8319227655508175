"""The unit of work and the two walls."""

from __future__ import annotations

import pytest
from sqlalchemy import func, insert, select, text, update

from saas.kit import db as kit_db
from saas.kit import outbox, scope, work
from saas.kit.db import db
from saas.tenancy.models import ApiKey, Login, Member, TenantSettings


class TestUnit:
    def test_what_raises_is_rolled_back(self, company, context):
        with pytest.raises(RuntimeError), work.unit(tenant_id=company.tenant_id):
            db.session.execute(update(TenantSettings).values(address="changed"))
            raise RuntimeError
        with work.unit(tenant_id=company.tenant_id):
            assert db.session.scalar(select(TenantSettings.address)) == ""

    def test_hooks_run_after_the_commit_and_only_then(self, company, context):
        rung = []
        with work.unit(tenant_id=company.tenant_id):
            work.after_commit(lambda: rung.append(1), key="one")
            work.after_commit(lambda: rung.append(2), key="one")
            assert rung == []
        assert rung == [2]
        with pytest.raises(RuntimeError), work.unit(tenant_id=company.tenant_id):
            work.after_commit(lambda: rung.append(3))
            raise RuntimeError
        assert rung == [2]

    def test_a_unit_inside_a_unit_is_a_transaction_of_its_own(self, company, context):
        with pytest.raises(RuntimeError), work.unit(tenant_id=company.tenant_id):
            with work.unit(tenant_id=company.tenant_id):
                db.session.execute(update(TenantSettings).values(address="kept"))
            raise RuntimeError
        with work.unit(tenant_id=company.tenant_id):
            assert db.session.scalar(select(TenantSettings.address)) == "kept"

    def test_the_session_is_closed_outside_a_unit(self, context):
        with pytest.raises(kit_db.NoUnitOfWork):
            db.session.execute(text("SELECT 1"))


class TestWalls:
    """Each way to the data that a guard is known to have missed somewhere (entity, count, alias, Core, raw SQL)."""

    def test_the_orm_sees_only_the_bound_tenant(self, company, other_company, context):
        with work.unit(tenant_id=company.tenant_id):
            assert db.session.scalar(select(func.count()).select_from(Member)) == 1
            assert {m.email for m in db.session.scalars(select(Member))} == {company.email}
            assert db.session.scalars(select(Member.email).union(select(Member.email))).all() == [company.email]

    def test_core_and_raw_sql_see_only_the_bound_tenant(self, company, other_company, context):
        with work.unit(tenant_id=company.tenant_id):
            assert db.session.execute(text("SELECT count(*) FROM members")).scalar() == 1
            assert db.session.execute(select(func.count()).select_from(Member.__table__)).scalar() == 1
            assert db.session.connection().exec_driver_sql("SELECT count(*) FROM members").scalar() == 1

    def test_without_a_tenant_the_orm_raises_and_raw_sql_sees_nothing(self, company, context):
        with work.unit(tenant_id=None):
            for query in (select(Member), select(func.count()).select_from(Member), select(Member.email)):
                with pytest.raises(scope.NoTenant):
                    db.session.execute(query)
            assert db.session.execute(text("SELECT count(*) FROM members")).scalar() == 0

    def test_without_a_tenant_the_shared_tables_can_be_counted(self, company, context):
        with work.unit(tenant_id=None):
            assert db.session.scalar(select(func.count()).select_from(Login)) >= 1
            assert db.session.scalar(select(func.count()).select_from(select(Login.id).subquery())) >= 1

    def test_another_tenants_rows_cannot_be_changed(self, company, other_company, context):
        with work.unit(tenant_id=company.tenant_id):
            done = db.session.execute(
                text("UPDATE members SET name = 'x' WHERE tenant_id = :t"), {"t": other_company.tenant_id}
            )
            assert done.rowcount == 0

    def test_a_row_for_another_tenant_is_refused(self, company, other_company, context):
        with pytest.raises(kit_db.ForeignRow), work.unit(tenant_id=company.tenant_id):
            db.session.add(ApiKey(tenant_id=other_company.tenant_id, name="x", hint="x", digest="x"))
            db.session.flush()
        with pytest.raises(Exception, match="row-level security"), work.unit(tenant_id=company.tenant_id):
            db.session.execute(
                insert(TenantSettings.__table__).values(tenant_id=other_company.tenant_id, id=outbox.UUID(int=1))
            )

    def test_platform_work_sees_all_and_is_recorded(self, company, other_company, context):
        with work.platform_unit(reason="a test of platform work"):
            assert db.session.scalar(select(func.count()).select_from(Member)) >= 2
            assert db.session.execute(
                text("SELECT count(*) FROM platform_acts WHERE reason = 'a test of platform work'")
            ).scalar()
