"""Sets a product on its stage and hands the picture out in either format."""

from sandbox.demo.pictures import crockery, flat, greenery, lights, pen, raster

ON_THE_WALL = ("pendant_light", "hanging_pot", "tea_towel", "woven_rug", "botanical_print", "landscape_print",
               "abstract_print", "still_life_print")  # fmt: skip
LYING = ("notebook", "oak_board", "oven_mitt")


def draw(article):
    """This function will return the sheet with the picture of one product."""
    sheet, key, colours = pen.Sheet(), article.form.key, article.colours
    wall = pen.mix(colours.main, "#fbf5e8", 0.74)
    if key in ON_THE_WALL or key in LYING:
        sheet.box(0, 0, pen.SIDE, pen.SIDE, wall)
        sheet.ellipse(240, 240, 212, 212, pen.lighter(wall, 0.3))
    else:
        stage(sheet, wall, arch=article.number % 2)
    if key in LYING:
        sheet.ellipse(244, 372, 130, 14, "#1c1a17", alpha=0.1)
    thing = next(getattr(module, key) for module in (crockery, greenery, lights, flat) if hasattr(module, key))
    thing(sheet, colours, article.look)
    return sheet


def stage(sheet, wall, *, arch):
    sheet.box(0, 0, pen.SIDE, pen.SIDE, wall)
    if arch:
        sheet.polygon([*pen.arc(240, 250, 178, 196, 180, 360), (418, 400), (62, 400)], pen.lighter(wall, 0.38))
    else:
        sheet.ellipse(240, 226, 184, 184, pen.lighter(wall, 0.38))
    sheet.box(0, 352, pen.SIDE, 128, pen.mix(wall, "#b98f63", 0.28))
    sheet.box(0, 352, pen.SIDE, 4, "#fffaf0", alpha=0.35)
    sheet.ellipse(252, 374, 156, 15, "#1c1a17", alpha=0.13)


def svg(article):
    """This function will return the picture as SVG text."""
    paths = []
    for shape in draw(article).shapes:
        places = "L".join(f"{x:.1f} {y:.1f}" for x, y in shape.points)
        faint = f' fill-opacity="{shape.alpha}"' if shape.alpha < 1 else ""
        paths.append(f'<path fill="{shape.colour}"{faint} d="M{places}Z"/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {pen.SIDE} {pen.SIDE}" role="img">'
        f"<title>{article.name.replace('&', '&amp;')}</title>{''.join(paths)}</svg>"
    )


def png(article, side=pen.SIDE):
    """This function will return the picture as the bytes of a PNG."""
    return raster.png(draw(article), side)
