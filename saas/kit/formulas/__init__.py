"""Formulas over the fields of a record: a small language without loops, worked out in Python and in SQL alike.

`reading` makes a tree of a text, `functions` says what each sign and function does in both places, `formula` joins them
with the catalogue of fields. The language is described in docs/tenants.md.
"""

from saas.kit.formulas.formula import Formula, today, zone_source
from saas.kit.formulas.functions import FUNCTIONS
from saas.kit.formulas.reading import BadFormula

__all__ = ["FUNCTIONS", "BadFormula", "Formula", "today", "zone_source"]
