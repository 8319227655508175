"""Things that grow, and the pots, vases and cans that keep them alive."""

import numpy as np

from sandbox.demo.pictures import pen
from sandbox.demo.pictures.crockery import LEAF, TABLE, WOOD, glaze, turned


def frond(sheet, x, y, lean, tall, colour=LEAF, leaves=7):
    """This function will draw one fern frond that grows from (x, y)."""
    stem = pen.through([(x, y), (x + lean * 0.35, y - tall * 0.6), (x + lean, y - tall)])
    sheet.line(stem[:: max(1, len(stem) // 6)], 5, pen.darker(colour, 0.25), taper=0.4)
    for share in np.linspace(0.25, 0.97, leaves):
        cx, cy = stem[int(share * (len(stem) - 1))]
        size = 34 * (1.15 - share)
        for way in (-1, 1):
            reach = way * size
            leaf = [(cx, cy), (cx + reach * 0.6, cy - size * 0.75), (cx + reach * 1.25, cy - size * 0.6),
                    (cx + reach * 0.7, cy - size * 0.1)]  # fmt: skip
            sheet.blob(leaf, colour if way > 0 else pen.lighter(colour, 0.14))


def footed_planter(sheet, c, look):
    for lean, tall in ((-92, 128), (88, 132), (-46, 172), (44, 176), (0, 196)):
        frond(sheet, 240 + lean * 0.16, 250, lean, tall)
    for x in (184, 296):
        sheet.line([(x, 340), (x + (x - 240) * 0.14, TABLE)], 15, WOOD)
    turned(sheet, [(244, 94), (270, 96), (320, 84), (350, 66)], c, look=look, inside="#4a3626")


def hanging_pot(sheet, c, look):
    for x in (-78, 0, 78):
        sheet.line([(240, 60), (240 + x, 226)], 3.5, pen.darker(c.raw, 0.2))
    turned(sheet, [(222, 84), (262, 86), (310, 62), (330, 34)], c, look=look, inside="#4a3626")
    for x, drop in ((176, 118), (204, 150), (272, 138), (304, 104)):
        sheet.line([(240 + (x - 240) * 0.7, 220), (x, 246), (x + (x - 240) * 0.16, 222 + drop)], 4, LEAF)
        for share in np.linspace(0.2, 1, 6):
            y, side = 236 + (drop - 14) * share, 1 if int(share * 10) % 2 else -1
            sheet.ellipse(
                x + (x - 240) * 0.14 * share + side * 9, y, 11, 8, LEAF if side > 0 else pen.lighter(LEAF, 0.2)
            )


def bud_vase(sheet, c, look):
    for lean, tall, petal in ((-46, 118, c.accent), (10, 150, "#e7c7b8"), (52, 104, c.pale)):
        sheet.line([(240, 210), (240 + lean * 0.4, 210 - tall * 0.6), (240 + lean, 210 - tall)], 5, LEAF)
        for turn in range(0, 360, 60):
            away = np.radians(turn + lean)
            sheet.ellipse(240 + lean + 14 * np.cos(away), 206 - tall + 14 * np.sin(away), 12, 12, petal)
        sheet.ellipse(240 + lean, 206 - tall, 9, 9, "#d9a036")
    turned(sheet, [(194, 26), (214, 20), (246, 26), (300, 78), (344, 78), (TABLE, 50)], c, look=look, rim=0.22)


def herb_trough(sheet, c, look):
    for x in range(132, 360, 38):
        frond(sheet, x, 288, (x - 240) * 0.22, 92 + (x * 7) % 36, pen.lighter(LEAF, (x % 3) * 0.12), leaves=5)
    profile = [(282, 140), (310, 136), (TABLE, 122)]
    sheet.lathe(240, profile, c.main)
    glaze(sheet, profile, c, look=look, cx=240)
    sheet.lathe(240, profile, "#1c1a17", alpha=0.1, left=0.55)
    sheet.box(94, 272, 292, 20, pen.lighter(c.main, 0.2), radius=8)


def watering_can(sheet, c, look):
    sheet.line([(300, 330), (362, 290), (416, 178)], 30, pen.darker(c.main, 0.16), taper=0.5)
    sheet.line([(396, 166), (440, 188)], 17, pen.darker(c.main, 0.3))
    sheet.line([(180, 214), (120, 196), (104, 270), (164, 334)], 14, WOOD)
    sheet.line([(188, 210), (216, 150), (282, 154), (300, 212)], 12, pen.darker(c.main, 0.2))
    turned(sheet, [(208, 76), (260, 86), (352, 92), (TABLE, 88)], c, look=look)
