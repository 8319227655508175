"""Things that shine: lamps, lanterns and candles, each in its own glow."""

from sandbox.demo.pictures import pen
from sandbox.demo.pictures.crockery import STEEL, TABLE, WOOD, turned

FLAME = "#f6b042"
WAX = "#f5ecd9"


def glow(sheet, cx, cy, size):
    for share, alpha in ((1.0, 0.16), (0.72, 0.2), (0.45, 0.26)):
        sheet.ellipse(cx, cy, size * share, size * share, "#fff3c9", alpha=alpha)


def table_lamp(sheet, c, look):
    glow(sheet, 240, 190, 170)
    turned(sheet, [(232, 14), (256, 22), (310, 62), (348, 60), (TABLE, 46)], c, look=look, rim=0)
    shade(sheet, [(110, 62), (170, 88), (236, 112)], pen.lighter(c.accent, 0.45))


def mushroom_lamp(sheet, c, look):
    glow(sheet, 240, 230, 180)
    turned(sheet, [(230, 30), (290, 30), (350, 52), (TABLE, 78)], c, look=look, rim=0)
    shade(sheet, [(128, 20), (140, 74), (180, 124), (236, 142), (244, 138)], c.main)


def pendant_light(sheet, c, look):
    glow(sheet, 240, 300, 150)
    sheet.line([(240, 0), (240, 130)], 5, c.dark)
    sheet.box(222, 122, 36, 34, WOOD, radius=6)
    sheet.ellipse(240, 292, 30, 26, "#fff1bd")
    profile = [(150, 22), (172, 60), (220, 104), (292, 142)]
    shade(sheet, profile, c.main)
    if look:
        sheet.lathe(240, profile, c.accent, top=268, bottom=280)


def reading_lamp(sheet, c, look):
    glow(sheet, 330, 240, 120)
    sheet.box(132, TABLE - 18, 148, 18, pen.darker(c.main, 0.2), radius=9)
    sheet.line([(206, TABLE - 14), (168, 224), (292, 138)], 10, STEEL)
    sheet.ellipse(168, 224, 14, 14, WOOD)
    sheet.polygon([(262, 118), (312, 108), (384, 196), (286, 236)], c.main)
    sheet.polygon([(300, 110), (312, 108), (384, 196), (350, 210)], "#1c1a17", alpha=0.14)
    sheet.ellipse(334, 218, 51, 15, "#fff1bd")


def lantern(sheet, c, look):
    sheet.line([(196, 146), (204, 74), (276, 74), (284, 146)], 8, c.dark)
    glow(sheet, 240, 270, 150)
    sheet.box(164, 160, 152, 212, "#fff6dc", radius=8, alpha=0.75)
    candle(sheet, 240, 300, TABLE - 16, 26, WAX)
    for x in (160, 232, 304) if look % 2 else (160, 304):
        sheet.box(x, 156, 15, 212, c.main)
    sheet.polygon([(148, 164), (190, 122), (290, 122), (332, 164)], pen.darker(c.main, 0.12))
    sheet.box(148, TABLE - 20, 184, 22, pen.darker(c.main, 0.12), radius=4)


def shade(sheet, profile, colour):
    sheet.lathe(240, profile, pen.lighter(colour, 0.1))
    sheet.lathe(240, profile, "#1c1a17", alpha=0.1, left=0.42)
    sheet.lathe(240, profile, "#fff8df", alpha=0.35, left=-0.72, right=-0.4)


def candle(sheet, cx, top, bottom, half, colour):
    sheet.box(cx - half, top, half * 2, bottom - top, colour, radius=min(8, half))
    sheet.box(cx + half * 0.35, top + 4, half * 0.65, bottom - top - 4, "#1c1a17", radius=min(6, half / 3), alpha=0.08)
    sheet.line([(cx, top + 3), (cx, top - 12)], 3.5, "#4a3a2c")
    sheet.blob([(cx, top - 54), (cx + 12, top - 26), (cx, top - 8), (cx - 12, top - 26)], FLAME)
    sheet.blob([(cx, top - 34), (cx + 6, top - 20), (cx, top - 11), (cx - 6, top - 20)], "#fff1bd")


def pillar_candle(sheet, c, look):
    glow(sheet, 240, 170, 130)
    for cx, top, half in ((156, 262, 42), (324, 292, 40), (240, 196, 50)):
        candle(sheet, cx, top, TABLE - 4, half, pen.mix(c.main, WAX, 0.15 if cx == 240 else 0.45))
    sheet.box(96, TABLE - 8, 288, 14, WOOD, radius=7)


def jar_candle(sheet, c, look):
    glow(sheet, 240, 190, 140)
    candle(sheet, 240, 222, 240, 12, WAX)
    turned(sheet, [(212, 82), (230, 86), (350, 84), (TABLE, 76)], c, look=look, inside=WAX)
    sheet.box(190, 268, 100, 64, c.pale, radius=5)
    sheet.box(206, 286, 68, 6, c.dark, radius=3)
    sheet.box(218, 304, 44, 5, c.dark, radius=2, alpha=0.6)
    sheet.blob([(240, 158), (251, 184), (240, 208), (229, 184)], FLAME)


def taper_candles(sheet, c, look):
    glow(sheet, 240, 130, 130)
    for cx, top, colour in ((172, 158, c.main), (240, 116, c.accent), (308, 176, pen.lighter(c.main))):
        candle(sheet, cx, top, 338, 13, colour)
        turned(sheet, [(318, 22), (336, 16), (352, 30), (TABLE, 44)], c, look=0, cx=cx, rim=0.2)


def candle_holder(sheet, c, look):
    glow(sheet, 240, 140, 120)
    sheet.line([(300, 326), (372, 300), (378, 346), (318, 356)], 13, pen.darker(c.main, 0.2))
    candle(sheet, 240, 150, 318, 22, WAX)
    turned(sheet, [(300, 34), (322, 30), (334, 44), (344, 112), (TABLE, 86)], c, look=look, rim=0.2)


def tealight_house(sheet, c, look):
    glow(sheet, 240, 280, 160)
    for x, top, wide, colour in ((116, 226, 112, pen.lighter(c.main, 0.25)), (216, 176, 148, c.main)):
        sheet.box(x, top, wide, TABLE - top, colour, radius=3)
        sheet.polygon([(x - 10, top + 4), (x + wide / 2, top - 66), (x + wide + 10, top + 4)], pen.darker(c.dark, 0.1))
        for row in range(int((TABLE - top - 40) // 58)):
            for column in (0.22, 0.6):
                sheet.box(x + wide * column, top + 26 + row * 58, wide * 0.2, 34, "#ffe3a0", radius=3 + look)
    sheet.box(272, TABLE - 52, 36, 52, "#ffe3a0", radius=16)
