"""The segments Fern & Kettle works with, in the form of the API; the first three are those of its past campaigns."""


def bought(category, days):
    return {"field": "bought", "operator": "in_last_days", "value": days, "category": category}


def groups(categories):
    """This function will return the segments by name, given the shop's category names by key."""
    return {
        "Tea lovers": {"match": "any", "conditions": [bought(categories[key], 365) for key in ("mugs", "tea")]},
        "Gone quiet": {"match": "all", "conditions": [
            {"field": "orders_count", "operator": "at_least", "value": 1},
            {"field": "last_order_at", "operator": "not_in_last_days", "value": 150},
        ]},
        "Light and warmth": {"match": "any", "conditions": [bought(categories[key], 730) for key in ("candles", "lamps", "textiles")]},
        "Regulars": {"match": "all", "conditions": [{"field": "orders_count", "operator": "at_least", "value": 4}]},
        "New this month": {"match": "all", "conditions": [{"field": "first_order_at", "operator": "in_last_days", "value": 30}]},
        "Left a cart": {"match": "all", "conditions": [{"field": "cart_at", "operator": "in_last_days", "value": 7}]},
    }  # fmt: skip
