"""Why something is offered, in words a shopper reads: one sentence a code, in the shopper's language.

They stand here and not among the staff's translations, because a shopper's language has nothing to do with the member's, and
mails are written where nobody reads along.
"""

from __future__ import annotations

from collections.abc import Sequence

WORDS: dict[str, dict[str, str]] = {
    "bought_together": {
        "en": "Often bought with {name}: {together} of {having} orders",
        "zh": "常与{name}一起购买：{having}笔订单中有{together}笔",
    },
    "bought_both": {
        "en": "Because you looked at {name}; {together} others bought both",
        "zh": "因为您看过{name}；另有{together}人两样都买了",
    },
    "looked_at_both": {
        "en": "Because you looked at {name}; {together} others looked at both",
        "zh": "因为您看过{name}；另有{together}人两样都看过",
    },
    "looked_at": {"en": "Because you looked at {name}", "zh": "因为您看过{name}"},
    "viewed_together": {
        "en": "{together} others looked at this and {name}",
        "zh": "另有{together}人同时看过这件和{name}",
    },
    "seen": {"en": "You looked at this", "zh": "您看过这件"},
    "taste": {
        "en": "Because you bought {name}; {together} others bought both",
        "zh": "因为您买过{name}；另有{together}人两样都买了",
    },
    "bought_before": {"en": "You bought this before", "zh": "您以前买过"},
    "due": {
        "en": "You buy this about every {every} days; the last time {ago} days ago",
        "zh": "您大约每{every}天购买一次；上次是{ago}天前",
    },
    "alike": {"en": "Similar to {name}", "zh": "与{name}相似"},
    "goes_with": {"en": "Goes with {name}", "zh": "与{name}搭配"},
    "popular_like_this": {"en": "Popular in {name}", "zh": "{name}中的热门"},
    "popular": {"en": "Popular right now", "zh": "当前热门"},
    "new": {"en": "New in the shop", "zh": "新品上架"},
    "found": {"en": "Fits your search", "zh": "符合您的搜索"},
    "up_sell": {"en": "A step up from {name}", "zh": "比{name}更上一层"},
    "picked": {"en": "Picked by the shop", "zh": "店铺推荐"},
}
STAFF: dict[str, dict[str, str]] = {
    "bought_both": {
        "en": "They looked at {name}; {together} others bought both",
        "zh": "客户看过{name}；另有{together}人两样都买了",
    },
    "looked_at_both": {
        "en": "They looked at {name}; {together} others looked at both",
        "zh": "客户看过{name}；另有{together}人两样都看过",
    },
    "looked_at": {"en": "They looked at {name}", "zh": "客户看过{name}"},
    "seen": {"en": "They looked at this", "zh": "客户看过这件"},
    "taste": {
        "en": "They bought {name}; {together} others bought both",
        "zh": "客户买过{name}；另有{together}人两样都买了",
    },
    "bought_before": {"en": "They bought this before", "zh": "客户以前买过"},
    "due": {
        "en": "They buy this about every {every} days; the last time {ago} days ago",
        "zh": "客户大约每{every}天购买一次；上次是{ago}天前",
    },
    "found": {"en": "Fits the search", "zh": "符合搜索"},
}
"""The sentences that speak to the shopper, said to whoever sells to them."""
OF_THEM = "staff:"
TOGETHER = {
    "en": ("Buy these together: {names}", ", ", " and "),
    "zh": ("一起购买：{names}", "、", "和"),
}
LANGUAGES = ("en", "zh")
LONGEST_NAME = 60


def language_of(wished: str | None) -> str:
    """Return the language of the sentences for what a browser or a profile wishes ("zh-CN,zh;q=0.9" gives zh)."""
    for wish in (wished or "").replace("_", "-").lower().split(","):
        language = wish.strip().split(";")[0].split("-")[0]
        if language in LANGUAGES:
            return language
    return "en"


def of_them(wished: str | None) -> str:
    """Return the language of the sentences for a member of the company, which speak of the customer and not to them."""
    return OF_THEM + language_of(wished)


def sentence(
    code: str, language: str = "en", *, name: str = "", together: int = 0, having: int = 0, every: int = 0, ago: int = 0,
) -> str:  # fmt: skip
    """Return why, with the name of the product it follows from, cut where it is very long."""
    if len(name) > LONGEST_NAME:
        name = name[: LONGEST_NAME - 1].rstrip() + "…"
    words = WORDS[code]
    if language.startswith(OF_THEM):
        language, words = language.removeprefix(OF_THEM), STAFF.get(code, words)
    return words.get(language, words["en"]).format(name=name, together=together, having=having, every=every, ago=ago)


def together(names: Sequence[str], language: str = "en") -> str:
    """Return what is bought together, in words: "Buy these together: Tea, Pot and Cup"."""
    words, comma, last = TOGETHER.get(language, TOGETHER["en"])
    short = [name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rstrip() + "…" for name in names]
    return words.format(names=comma.join(short[:-1]) + last + short[-1])
