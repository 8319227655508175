"""The forms on Fern & Kettle's pages: one that stands at the foot of the home page, and one that comes up beside a product."""

WELCOME = {"name": "Welcome to the shop", "kind": "percent", "percent": "10", "days": 30, "prefix": "HELLO", "pool": 20}
IN_PAGE, POP_UP = "Letter from the shop", "Ten percent for the first order"

_AGREES = [{"key": "marketing", "required": True, "wording": {
    "en": "Yes, write to me about new things and offers. I can take this back in every mail.",
    "zh": "好的，请给我发送新品和优惠信息。我可以在每封邮件中退订。",
}}]  # fmt: skip
_COLOURS = {"accent": "#2f5442"}


def letter():
    """This function will return the form that stands in the page: whoever wants the letter leaves an address."""
    return {
        "fields": [{"name": "email"}, {"name": "first_name"}],
        "purposes": _AGREES,
        "texts": {
            "en": {"title": "A letter now and then", "text": "New glazes, quiet ideas, and nothing more often than twice a month.",
                   "button": "Send me the letter", "thanks": "Lovely. One more click and you are in."},
            "zh": {"title": "偶尔的一封信", "text": "新的釉色和安静的想法，每月不超过两封。", "button": "请寄给我", "thanks": "太好了，再点一下就完成。"},
        },
        "look": _COLOURS,
    }  # fmt: skip


def greeting(coupon_id):
    """This function will return the pop-up: ten percent for an address, after a while beside a product or on the way out."""
    return {
        "fields": [{"name": "email"}],
        "purposes": _AGREES,
        "texts": {
            "en": {"title": "Ten percent off your first order", "text": "Leave your address and we send you a code of your own.",
                   "button": "Get my code", "thanks": "Thank you. Here is your code."},
            "zh": {"title": "首单九折", "text": "留下邮箱，我们会给您一个专属优惠码。", "button": "领取优惠码", "thanks": "谢谢，这是您的优惠码。"},
        },
        "look": _COLOURS,
        "after": {"coupon_id": coupon_id},
        "rules": {"seconds": 25, "exit": True, "pages": [{"is": "contains", "value": "/products/"}]},
        "limits": {"times": "days", "days": 7},
    }  # fmt: skip
