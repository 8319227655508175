"""How far off a counted share may be: few cases say little, and a page says so."""

from __future__ import annotations

import math

Z = 1.959963984540054  # 95%, two-sided


def wilson(successes: int, total: int) -> tuple[float, float]:
    """This function will return the score interval of a share at 95% (Wilson 1927, JASA 22, 209-212); 0 to 1 without a case."""
    if not total:
        return 0.0, 1.0
    p, z2 = successes / total, Z * Z
    middle = p + z2 / (2 * total)
    spread = Z * math.sqrt(p * (1 - p) / total + z2 / (4 * total * total))
    low, high = (middle - spread) / (1 + z2 / total), (middle + spread) / (1 + z2 / total)
    return (0.0 if successes == 0 else low, 1.0 if successes == total else high)
