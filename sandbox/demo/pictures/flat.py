"""Flat things: cloth with its weave, prints in their frames, notebooks."""

import numpy as np

from sandbox.demo.pictures import pen
from sandbox.demo.pictures.crockery import LEAF, TABLE, WOOD
from sandbox.demo.pictures.greenery import frond


def cloth(sheet, x, y, width, height, c, look, radius=6.0):
    """This function will weave one piece of cloth: plain, striped, checked, dotted or with diamonds."""
    sheet.box(x, y, width, height, c.main, radius=radius)
    if look == 1:
        for share in np.linspace(0.1, 0.85, 6):
            sheet.box(x, y + height * share, width, height * 0.05, c.pale)
    elif look == 2:
        for share in np.linspace(0.06, 0.86, 5):
            sheet.box(x, y + height * share, width, height * 0.08, c.accent, alpha=0.55)
            sheet.box(x + width * share, y, width * 0.08, height, c.accent, alpha=0.55)
    elif look == 3:
        for row in range(6):
            for column in range(6):
                sheet.ellipse(x + width * (column + 0.5 + (row % 2) * 0.3 - 0.15) / 6, y + height * (row + 0.5) / 6,
                              width * 0.03, width * 0.03, c.pale)  # fmt: skip
    elif look == 4:
        for row in range(4):
            for column in range(4):
                cx, cy, half = x + width * (column + 0.5) / 4, y + height * (row + 0.5) / 4, width * 0.085
                sheet.polygon([(cx, cy - half), (cx + half, cy), (cx, cy + half), (cx - half, cy)], c.accent)


def wool_throw(sheet, c, look):
    for layer, colour in enumerate((pen.darker(c.main, 0.2), c.accent, c.pale)):
        sheet.box(108, TABLE - 46 - layer * 40, 264, 46, colour, radius=18)
        sheet.box(108, TABLE - 18 - layer * 40, 264, 18, "#1c1a17", radius=9, alpha=0.1)
    cloth(sheet, 138, 148, 170, 172, c, look, radius=14)
    sheet.box(282, 150, 26, 168, "#1c1a17", radius=12, alpha=0.1)
    for x in range(146, 306, 14):
        sheet.line([(x, 316), (x + 2, 344)], 4.5, c.main)


def linen_cushion(sheet, c, look):
    corners = [(104, 128), (240, 144), (376, 128), (362, 250), (376, TABLE), (240, 358), (104, TABLE), (118, 250)]
    sheet.blob(corners, pen.darker(c.main, 0.1))
    cloth(sheet, 128, 150, 224, 200, c, look, radius=26)
    sheet.blob([(300, 152), (352, 150), (346, 250), (352, 348), (300, 346), (318, 250)], "#1c1a17", alpha=0.09)
    sheet.line([(140, 168), (188, 160), (240, 162)], 6, "#fffaf0", alpha=0.3)


def tea_towel(sheet, c, look):
    sheet.line([(96, 110), (384, 110)], 15, WOOD)
    sheet.box(164, 104, 176, 218, pen.darker(c.pale, 0.12), radius=4)
    cloth(sheet, 150, 104, 172, 250, c, look)
    sheet.box(150, 320, 172, 9, c.pale)
    sheet.polygon([(222, 112), (240, 112), (230, 354), (214, 354)], "#1c1a17", alpha=0.07)
    sheet.polygon([(290, 112), (300, 112), (304, 354), (282, 354)], "#1c1a17", alpha=0.07)


def woven_rug(sheet, c, look):
    for x in range(92, 392, 14):
        sheet.line([(x, 116), (x, 364)], 4, c.raw)
    cloth(sheet, 84, 128, 312, 224, c, look or 4, radius=3)
    sheet.box(84, 144, 312, 9, c.pale)
    sheet.box(84, 328, 312, 9, c.pale)


def oven_mitt(sheet, c, look):
    sheet.blob([(176, TABLE - 44), (166, 200), (196, 114), (252, 104), (296, 150), (296, 220), (330, 196), (364, 212),
                (350, 266), (304, 300), (300, TABLE - 44)], c.main)  # fmt: skip
    if look:
        for y in range(150, 310, 26):
            sheet.line([(184, y), (284, y - 14)], 3, c.pale, alpha=0.8)
    sheet.box(164, TABLE - 66, 148, 52, c.accent, radius=12)
    sheet.line([(300, TABLE - 52), (338, TABLE - 78), (340, TABLE - 34)], 6, c.raw)


def framed(sheet, c):
    sheet.box(134, 70, 222, 294, "#1c1a17", radius=3, alpha=0.12)
    sheet.box(126, 62, 222, 294, c.frame, radius=3)
    sheet.box(138, 74, 198, 270, "#fdf9f0")


def botanical_print(sheet, c, look):
    framed(sheet, c)
    for lean in (-52, 0, 50) if look % 2 else (-30, 34):
        frond(sheet, 237 + lean * 0.15, 322, lean, 196 - abs(lean), c.main if lean <= 0 else c.accent, leaves=8)


def landscape_print(sheet, c, look):
    framed(sheet, c)
    sheet.box(150, 86, 174, 246, pen.lighter(c.pale, 0.3))
    sheet.ellipse(200 + look * 18, 150, 30, 30, c.accent)
    for base, colour, dip in ((206, pen.lighter(c.main, 0.45), 16), (246, c.main, -18), (286, c.dark, 12)):
        ridge = pen.through([(150, base), (196, base - dip), (240, base + dip * 0.6), (286, base - dip), (324, base)])
        sheet.polygon(np.vstack((ridge, [(324, 332), (150, 332)])), colour)


def abstract_print(sheet, c, look):
    framed(sheet, c)
    sheet.polygon(np.vstack((pen.arc(237, 236, 64, 84, 180, 360), [(301, 318), (173, 318)])), c.main)
    sheet.polygon(np.vstack((pen.arc(237, 258, 38, 54, 180, 360), [(275, 318), (199, 318)])), c.pale)
    sheet.ellipse(196 + look * 20, 128, 26, 26, c.accent)
    sheet.line([(168, 330), (308, 330)], 4, c.dark)


def still_life_print(sheet, c, look):
    framed(sheet, c)
    sheet.box(150, 256, 174, 76, c.pale)
    sheet.lathe(212, [(150, 12), (186, 10), (214, 34), (270, 38), (288, 24)], c.main)
    sheet.lathe(212, [(150, 12), (186, 10), (214, 34), (270, 38), (288, 24)], "#1c1a17", alpha=0.12, left=0.3)
    for x, y in ((268, 276), (292, 288), (276 - look * 3, 296)):
        sheet.ellipse(x, y, 17, 17, c.accent)
        sheet.line([(x, y - 15), (x + 4, y - 24)], 3, LEAF)


def notebook(sheet, c, look):
    sheet.box(158, 108, 190, 260, "#1c1a17", radius=8, alpha=0.12)
    sheet.box(150, 100, 190, 260, "#fdf9f0", radius=8)
    cloth(sheet, 140, 96, 190, 260, c, look, radius=8)
    sheet.box(140, 96, 26, 260, pen.darker(c.main, 0.25), radius=6)
    sheet.box(196, 148, 100, 46, "#fdf9f0", radius=4)
    sheet.box(210, 164, 72, 5, c.dark, radius=2)
    sheet.box(210, 176, 46, 5, c.dark, radius=2, alpha=0.5)
    sheet.box(304, 96, 9, 272, c.accent)
