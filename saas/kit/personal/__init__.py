"""One person's data, wherever it lies: which columns hold it (`marks`), reading it out whole, and erasing it.

A room gathers who the person is (`Traces`); everything else follows from the list of columns.
"""

from saas.kit.personal.erasing import copies, erase, mentioned
from saas.kit.personal.marks import COMMON, TABLES, Marks
from saas.kit.personal.reading import holds, read, tables
from saas.kit.personal.traces import Traces
from saas.kit.personal.words import Finder

__all__ = ["COMMON", "TABLES", "Finder", "Marks", "Traces", "copies", "erase", "holds", "mentioned", "read", "tables"]
