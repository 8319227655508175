"""What hangs on a record: found in the tables' own foreign keys, taken out and put back, or moved to another record.

Deleting to a bin, undoing an import, merging and unmerging, the export and the erasure of one person walk this same
catalogue, so a new table belongs to all of them by its foreign key alone. What is taken or moved is written into a
journal inside the database by set-based statements; nothing of it passes through this process, so thousands of records
with millions of rows take no memory here.

    journal = belongings.take_out("customers", ids)          # and they are gone, with all that hangs on them
    belongings.put_back(journal)                             # and everything is as it was
    journal = belongings.move("customers", loser, winner)    # what hangs on the one hangs on the other
    belongings.move_back([journal], holder=winner, to=loser)
"""

from saas.kit.belongings.catalogue import Belonging, declare, declared, of, reached
from saas.kit.belongings.journals import counts, forget, journal, rows, taken
from saas.kit.belongings.moving import amend, hanging, lock, move, move_back, note_moved, remaining
from saas.kit.belongings.taking import Clash, Gone, clashes, put_back, take_out

__all__ = [
    "Belonging", "Clash", "Gone", "amend", "clashes", "counts", "declare", "declared", "forget", "hanging", "journal", "lock", "move", "move_back",
    "note_moved", "of", "put_back", "reached", "remaining", "rows", "take_out", "taken",
]  # fmt: skip
