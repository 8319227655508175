"""What the shop sells, as data: forty kinds of thing in eight categories, and ten collections that colour them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Form:
    """One kind of thing; each comes in five collections."""

    key: str
    category: str
    noun: str
    price: float
    goes_with: tuple
    sentence: str


@dataclass(frozen=True)
class Colours:
    """One collection: its name, the mood that its texts carry, and its colours."""

    name: str
    mood: str
    main: str
    accent: str
    pale: str
    dark: str
    raw: str = "#d8b88c"
    frame: str = "#5b4636"


COLLECTIONS = (
    Colours("Moss", "the green of a wet garden wall", "#75895f", "#c9a24b", "#e4e3cb", "#3c4a34"),
    Colours("Harbour", "the blue of boats on a grey morning", "#43688a", "#dd9a5b", "#dbe5e8", "#24384d"),
    Colours("Clay", "warm, unglazed and a little uneven", "#bb6a4b", "#3f5d5a", "#f0dcc8", "#5f3325"),
    Colours("Oat", "the quiet colour of porridge and linen", "#d3bd94", "#8a6a4a", "#f3ead8", "#67563d", "#b98f63"),
    Colours("Ink", "nearly black, with a blue that shows in the sun", "#34415a", "#c98b6b", "#dcdde3", "#1d2433"),
    Colours("Plum", "dark fruit, velvet and late evenings", "#7e4c66", "#d9a878", "#ecdde2", "#43273a"),
    Colours("Saffron", "one spoonful of sun for the dark months", "#d99b35", "#5d6f57", "#f6e7c6", "#7a4f16"),
    Colours("Fog", "soft grey with a breath of green", "#94a8a8", "#b9745a", "#e6ebe8", "#45575a"),
    Colours("Rose", "faded like a letter kept for years", "#cc8b84", "#6e7f66", "#f4e1da", "#7a4542"),
    Colours("Pine", "deep green with a smell of resin", "#33604f", "#d3a44f", "#dfe6d6", "#1e3b31"),
)

CATEGORIES = {
    "mugs": ("Mugs & cups", "For the first one in the morning and the last one at night."),
    "tea": ("Teapots & kettles", "Everything between the tap and the cup."),
    "planters": ("Planters & vases", "Good homes for things that grow."),
    "lamps": ("Lamps & light", "Light that makes a room kinder."),
    "textiles": ("Throws & textiles", "Wool, linen and cotton for every day."),
    "candles": ("Candles", "Slow light, gentle scents."),
    "kitchen": ("Kitchen & table", "Tools that may stay on the counter."),
    "prints": ("Prints & paper", "For bare walls and good intentions."),
}

FORMS = (
    Form("stoneware_mug", "mugs", "stoneware mug", 16, ("round_teapot", "tea_caddy"),
         "Thrown by hand from stoneware, it holds 350 ml and sits well in two cold hands."),
    Form("espresso_cup", "mugs", "espresso cup & saucer", 14, ("coffee_pot", "latte_bowl"),
         "Thick walls keep 80 ml of espresso hot, and the saucer has room for one good biscuit."),
    Form("breakfast_mug", "mugs", "breakfast mug", 19, ("butter_dish", "tea_towel"),
         "A generous round mug of 450 ml for long breakfasts and short soups."),
    Form("travel_tumbler", "mugs", "travel tumbler", 27, ("gooseneck_kettle", "notebook"),
         "Double walls, a lid that closes, and a cork band that never gets hot."),
    Form("latte_bowl", "mugs", "latte bowl", 17, ("espresso_cup", "breakfast_mug"),
         "A wide bowl for milk coffee, made for dipping bread without anybody minding."),
    Form("round_teapot", "tea", "round teapot", 48, ("stoneware_mug", "tea_caddy"),
         "Four cups, a spout that does not drip, and a steel sieve that lifts out."),
    Form("coffee_pot", "tea", "tall coffee pot", 52, ("espresso_cup", "latte_bowl"),
         "A slim porcelain pot for six small cups, as easy to pour from as to look at."),
    Form("stovetop_kettle", "tea", "stovetop kettle", 64, ("round_teapot", "oven_mitt"),
         "Two litres of enamelled steel that sing when the water boils; for gas and induction."),
    Form("gooseneck_kettle", "tea", "gooseneck kettle", 79, ("travel_tumbler", "coffee_pot"),
         "The thin neck pours as slowly as a patient hand wants, which is all that filter coffee needs."),
    Form("tea_caddy", "tea", "tea caddy", 22, ("round_teapot", "stoneware_mug"),
         "An airtight jar with a wooden lid that keeps 150 g of leaves dark and dry."),
    Form("footed_planter", "planters", "footed planter", 39, ("watering_can", "botanical_print"),
         "Stands on three wooden feet and drains into a hidden dish; 18 cm across."),
    Form("hanging_pot", "planters", "hanging pot", 29, ("watering_can", "herb_trough"),
         "Comes with two metres of cotton cord and a brass hook for the ceiling."),
    Form("bud_vase", "planters", "bud vase", 18, ("still_life_print", "taper_candles"),
         "For three stems from the garden or one from the roadside."),
    Form("herb_trough", "planters", "herb trough", 34, ("watering_can", "oak_board"),
         "Basil, thyme and mint side by side on a 40 cm windowsill."),
    Form("watering_can", "planters", "watering can", 32, ("footed_planter", "hanging_pot"),
         "1.5 litres and a long spout that reaches the back row."),
    Form("table_lamp", "lamps", "table lamp", 89, ("linen_cushion", "wool_throw"),
         "A turned ceramic foot under a linen shade, with a dimmer in the cord."),
    Form("mushroom_lamp", "lamps", "mushroom lamp", 96, ("reading_lamp", "notebook"),
         "Throws all its light down, so that the table is bright and the room is calm."),
    Form("pendant_light", "lamps", "pendant light", 119, ("woven_rug", "serving_bowl"),
         "Spun metal, 40 cm wide, on three metres of fabric cord."),
    Form("reading_lamp", "lamps", "reading lamp", 74, ("wool_throw", "mushroom_lamp"),
         "Bends where the book is and stays there."),
    Form("lantern", "lamps", "lantern", 42, ("pillar_candle", "tealight_house"),
         "Glass and powder-coated steel for balconies, stairs and windy evenings."),
    Form("wool_throw", "textiles", "wool throw", 84, ("linen_cushion", "reading_lamp"),
         "Woven from recycled wool in a mill that has done so since 1892; 130 by 180 cm."),
    Form("linen_cushion", "textiles", "linen cushion", 36, ("wool_throw", "woven_rug"),
         "Washed linen that is soft from the first day, with a feather filling."),
    Form("tea_towel", "textiles", "tea towel", 13, ("oven_mitt", "oak_board"),
         "Half linen, half cotton; dries glasses without leaving a thread."),
    Form("woven_rug", "textiles", "woven rug", 129, ("linen_cushion", "pendant_light"),
         "Flat-woven cotton, 120 by 180 cm, the same on both sides."),
    Form("oven_mitt", "textiles", "oven mitt", 17, ("tea_towel", "stovetop_kettle"),
         "Quilted cotton that is thick where it matters."),
    Form("pillar_candle", "candles", "pillar candles, set of 3", 28, ("lantern", "candle_holder"),
         "Three sizes of solid rapeseed wax that burn for ninety hours together."),
    Form("jar_candle", "candles", "scented candle", 26, ("bud_vase", "linen_cushion"),
         "A jar of soy wax with a scent one notices only when entering the room."),
    Form("taper_candles", "candles", "taper candles & sticks", 33, ("serving_bowl", "bud_vase"),
         "Three dipped tapers with ceramic sticks that outlive them."),
    Form("candle_holder", "candles", "chamber candlestick", 21, ("pillar_candle", "taper_candles"),
         "A saucer, a handle and a drip-proof rim, as in the stories."),
    Form("tealight_house", "candles", "tealight houses", 31, ("lantern", "jar_candle"),
         "A small street of two ceramic houses that light up from inside."),
    Form("oak_board", "kitchen", "oak board", 38, ("tea_towel", "butter_dish"),
         "One piece of oiled oak, 26 by 40 cm, with a painted edge."),
    Form("serving_bowl", "kitchen", "serving bowl", 44, ("oak_board", "taper_candles"),
         "Wide enough for a salad for six and calm enough for fruit."),
    Form("utensil_jar", "kitchen", "utensil jar", 31, ("oak_board", "pepper_mill"),
         "Heavy at the bottom, so that ladles do not tip it."),
    Form("butter_dish", "kitchen", "butter dish", 24, ("oak_board", "breakfast_mug"),
         "Keeps half a pound of butter soft and safe from the cat."),
    Form("pepper_mill", "kitchen", "pepper mill", 35, ("utensil_jar", "serving_bowl"),
         "A ceramic grinder with a click for each step from coarse to fine."),
    Form("botanical_print", "prints", "botanical print", 25, ("footed_planter", "landscape_print"),
         "Ferns from the shop's own window, printed on heavy cotton paper, 30 by 40 cm."),
    Form("landscape_print", "prints", "landscape print", 25, ("botanical_print", "abstract_print"),
         "Three hills and one sun in colours that go with everything, 30 by 40 cm."),
    Form("abstract_print", "prints", "abstract print", 25, ("landscape_print", "mushroom_lamp"),
         "Arches and a dot; nobody will ask what it means twice."),
    Form("still_life_print", "prints", "still life print", 25, ("bud_vase", "abstract_print"),
         "A jug and three plums, 30 by 40 cm, on heavy cotton paper."),
    Form("notebook", "prints", "cloth-bound notebook", 15, ("travel_tumbler", "reading_lamp"),
         "160 dotted pages that lie flat, in cloth that ages well."),
)  # fmt: skip
