"""${message}"""

import sqlalchemy as sa
from alembic import op
from saas.kit import walls

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    raise NotImplementedError("data is not thrown away by going back; restore a backup instead")
