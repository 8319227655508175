"""Things that are turned on a wheel: cups, pots, bowls. A profile, a strip of light and a strip of shade."""

import numpy as np

from sandbox.demo.pictures import pen

TABLE = 372  # where things stand
STEEL = "#c4c3bd"
WOOD = "#c08f5c"
LEAF = "#4f7a52"


def turned(sheet, profile, colours, *, look, cx=240, rim=0.12, inside=None):
    """This function will draw a body with its glaze, light, shade and, where `rim` is not 0, its open top."""
    top, bottom = profile[0][0], profile[-1][0]
    sheet.lathe(cx, profile, colours.main)
    glaze(sheet, profile, colours, look=look, cx=cx)
    sheet.lathe(cx, profile, "#1c1a17", alpha=0.13, left=0.38)
    sheet.lathe(cx, profile, "#1c1a17", alpha=0.08, left=0.7)
    sheet.lathe(cx, profile, "#fffaf0", alpha=0.28, left=-0.78, right=-0.62, top=top + 12, bottom=bottom - 18)
    if rim:
        half = profile[0][1]
        sheet.ellipse(cx, top, half, half * rim, pen.lighter(colours.main, 0.3))
        sheet.ellipse(cx, top + 1, half - 6, half * rim - 3, inside or pen.darker(colours.main, 0.35))


def glaze(sheet, profile, colours, *, look, cx):
    top, bottom = profile[0][0], profile[-1][0]
    tall = bottom - top
    if look == 1:
        sheet.lathe(cx, profile, colours.pale, top=top, bottom=top + tall * 0.42)
    elif look == 2:
        for share in (0.22, 0.34, 0.46):
            sheet.lathe(cx, profile, colours.accent, top=top + tall * share, bottom=top + tall * (share + 0.055))
    elif look == 3:
        sheet.lathe(cx, profile, colours.raw, top=bottom - tall * 0.28, bottom=bottom)
    elif look == 4:
        y, half = pen.swept(profile)
        spots = np.random.default_rng(int(top * 7 + bottom))
        for _ in range(34):
            at = spots.uniform(top + tall * 0.1, bottom - 8)
            aside = spots.uniform(-0.82, 0.82) * np.interp(at, y, half)
            size = spots.uniform(1.2, 3.4)
            sheet.ellipse(cx + aside, at, size, size * 0.9, pen.darker(colours.main, 0.5), alpha=0.55)


def handle(sheet, x, top, bottom, reach, colour, width=17):
    """This function will draw an ear at the side of a body; it goes behind, so draw it first."""
    ear = pen.arc(x - reach * 0.3, (top + bottom) / 2, reach * 1.3, (bottom - top) / 2, -90, 90, steps=9)
    sheet.line(ear, width, pen.darker(colour, 0.18))


def steam(sheet, cx, top):
    for aside, tall in ((-26, 58), (4, 82), (32, 54)):
        sheet.line([(cx + aside, top), (cx + aside - 10, top - tall * 0.35), (cx + aside + 10, top - tall * 0.7),
                    (cx + aside, top - tall)], 7, "#fffaf0", alpha=0.55, taper=0.4)  # fmt: skip


def stoneware_mug(sheet, c, look):
    handle(sheet, 322, 222, 326, 58, c.main)
    steam(sheet, 234, 170)
    turned(sheet, [(196, 88), (230, 90), (340, 88), (TABLE, 74)], c, look=look, inside="#5b3a26")


def espresso_cup(sheet, c, look):
    sheet.ellipse(240, TABLE - 8, 132, 16, pen.darker(c.main, 0.25))
    sheet.ellipse(240, TABLE - 13, 132, 15, pen.lighter(c.main, 0.2))
    handle(sheet, 296, 256, 318, 40, c.main, width=14)
    steam(sheet, 240, 218)
    turned(sheet, [(242, 74), (276, 72), (330, 54), (TABLE - 12, 34)], c, look=look, inside="#43281a")


def breakfast_mug(sheet, c, look):
    handle(sheet, 338, 226, 318, 58, c.main, width=19)
    turned(sheet, [(194, 92), (226, 106), (300, 112), (350, 92), (TABLE, 62)], c, look=look, inside="#c59a6b")


def travel_tumbler(sheet, c, look):
    turned(sheet, [(154, 76), (250, 70), (350, 62), (TABLE, 58)], c, look=look, rim=0)
    sheet.lathe(240, [(232, 73.5), (290, 69)], c.raw)
    sheet.lathe(240, [(232, 73.5), (290, 69)], "#1c1a17", alpha=0.12, left=0.4)
    sheet.box(158, 136, 164, 26, pen.darker(c.dark, 0.1), radius=10)
    sheet.box(176, 122, 128, 18, pen.darker(c.dark, 0.3), radius=8)


def latte_bowl(sheet, c, look):
    turned(sheet, [(238, 122), (270, 118), (330, 88), (356, 52), (358, 46), (TABLE, 50)], c, look=look, rim=0.15,
           inside="#e6cfae")  # fmt: skip
    sheet.blob([(196, 240), (226, 232), (262, 235), (280, 242), (250, 248), (214, 247)], "#fff6e4", alpha=0.8)


def round_teapot(sheet, c, look):
    spout(sheet, [(300, 316), (362, 296), (376, 240), (412, 214)], c, 44)
    handle(sheet, 148, 232, 330, -74, c.main, width=18)
    lid(sheet, c, top=176, half=52, knob=16)
    turned(sheet, [(196, 56), (214, 84), (270, 116), (330, 102), (360, 76), (TABLE, 70)], c, look=look, rim=0)


def coffee_pot(sheet, c, look):
    spout(sheet, [(292, 250), (338, 224), (344, 176), (376, 150)], c, 34)
    handle(sheet, 182, 182, 330, -76, c.main, width=17)
    lid(sheet, c, top=124, half=48, knob=14)
    turned(sheet, [(144, 52), (190, 60), (280, 82), (350, 84), (TABLE, 76)], c, look=look, rim=0)


def stovetop_kettle(sheet, c, look):
    sheet.line([(152, 216), (160, 120), (240, 88), (320, 120), (328, 216)], 13, STEEL)
    sheet.line([(186, 106), (240, 88), (294, 106)], 22, WOOD)
    spout(sheet, [(312, 300), (366, 270), (398, 232)], c, 44)
    lid(sheet, c, top=196, half=58, knob=15)
    turned(sheet, [(214, 62), (240, 104), (300, 128), (350, 126), (TABLE, 116)], c, look=look, rim=0)


def gooseneck_kettle(sheet, c, look):
    sheet.line([(310, 336), (372, 330), (366, 236), (392, 176), (424, 178)], 17, pen.darker(c.main, 0.18), taper=0.6)
    handle(sheet, 168, 204, 338, -84, WOOD, width=18)
    lid(sheet, c, top=176, half=58, knob=14)
    turned(sheet, [(194, 62), (214, 68), (300, 92), (352, 104), (TABLE, 102)], c, look=look, rim=0)


def tea_caddy(sheet, c, look):
    turned(sheet, [(190, 92), (206, 94), (356, 94), (TABLE, 88)], c, look=look, rim=0)
    sheet.box(186, 250, 108, 62, c.pale, radius=6)
    sheet.line([(216, 296), (238, 272), (264, 266)], 5, c.dark)
    sheet.blob([(240, 276), (246, 262), (268, 262), (262, 276)], c.dark)
    sheet.box(142, 160, 196, 36, WOOD, radius=9)
    sheet.box(142, 182, 196, 14, pen.darker(WOOD, 0.2), radius=6)
    sheet.ellipse(240, 152, 20, 12, WOOD)


def spout(sheet, points, c, width):
    sheet.line(points, width, pen.darker(c.main, 0.14), taper=0.42)


def lid(sheet, c, *, top, half, knob):
    sheet.ellipse(240, top - knob * 0.7, knob, knob, pen.darker(c.accent, 0.1))
    sheet.lathe(240, [(top, knob), (top + 8, half * 0.8), (top + 26, half + 6)], pen.lighter(c.main, 0.12))


def serving_bowl(sheet, c, look):
    turned(sheet, [(248, 158), (280, 150), (336, 108), (362, 64), (TABLE, 58)], c, look=look, rim=0.16,
           inside=pen.lighter(c.main, 0.5))  # fmt: skip


def utensil_jar(sheet, c, look):
    for aside, length, lean in ((-34, 150, -16), (0, 172, 4), (36, 140, 22)):
        sheet.line([(240 + aside, 250), (240 + aside + lean, 250 - length)], 11, WOOD)
        sheet.ellipse(240 + aside + lean, 240 - length, 21, 31, pen.mix(WOOD, "#fffaf0", 0.15 + aside / 300))
    turned(sheet, [(214, 76), (240, 80), (340, 80), (TABLE, 72)], c, look=look)


def butter_dish(sheet, c, look):
    sheet.ellipse(240, TABLE - 12, 156, 18, pen.darker(c.accent, 0.2))
    sheet.ellipse(240, TABLE - 18, 156, 17, pen.lighter(c.accent, 0.25))
    turned(sheet, [(262, 92), (276, 108), (350, 116), (358, 116)], c, look=look, rim=0)
    sheet.box(150, 256, 180, 24, pen.lighter(c.main, 0.12), radius=12)
    sheet.ellipse(240, 244, 24, 15, pen.darker(c.main, 0.2))


def pepper_mill(sheet, c, look):
    turned(sheet, [(176, 44), (200, 52), (250, 34), (330, 52), (356, 60), (TABLE, 60)], c, look=look, rim=0)
    sheet.lathe(240, [(128, 22), (142, 44), (164, 46), (178, 36)], WOOD)
    sheet.lathe(240, [(128, 22), (142, 44), (164, 46), (178, 36)], "#1c1a17", alpha=0.14, left=0.35)
    sheet.ellipse(240, 120, 15, 15, STEEL)


def oak_board(sheet, c, look):
    grain = pen.mix(WOOD, c.main, 0.12 if look else 0.0)
    sheet.line([(240, 130), (240, 84)], 46, grain)
    sheet.ellipse(240, 82, 9, 9, c.pale)
    sheet.box(136, 118, 208, 254, grain, radius=30)
    for x in (166, 194, 226, 262, 296, 322):
        sheet.line([(x, 136), (x + 7, 220), (x - 5, 300), (x + 3, 358)], 3, pen.darker(grain, 0.22), alpha=0.5)
    sheet.box(136, 300 - look * 14, 208, 20 + look * 7, c.main)
    sheet.box(318, 130, 26, 230, "#1c1a17", radius=12, alpha=0.08)
