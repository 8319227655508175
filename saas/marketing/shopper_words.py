"""The words of the letters to single shoppers about their own page and what they asked for there, in every language of the pages."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """A letter in one language: the subject, what it says, what stands on the button, and a last line in small print."""

    subject: str
    says: str
    button: str
    small: str


UNTIL = {"en": "It is good until {day}.", "zh_Hans": "有效期至 {day}。"}
LETTERS: dict[str, dict[str, Words]] = {
    "coupon": {
        "en": Words(
            "Your code for {company}: {code}", "here is the code you asked for ({name}):\n\n{code}\n\nEnter it at the checkout. {until}", "Go to the shop",
            "The code is yours alone and works once it is entered at the checkout of {company}.",
        ),
        "zh_Hans": Words(
            "您在 {company} 的优惠码：{code}", "这是您申请的优惠码（{name}）：\n\n{code}\n\n结账时输入即可。{until}", "前往商店", "此优惠码仅供您本人在 {company} 结账时使用。",
        ),
    },
    "link": {
        "en": Words(
            "Your link to {company}", "here is the way to your own page at {company}: your orders, your data and what you want to hear from us.",
            "Open my page", "The link works once within thirty minutes. If you did not ask for it, you need not do anything; do not pass it on.",
        ),
        "zh_Hans": Words(
            "您在 {company} 的登录链接", "您可以通过以下链接进入您在 {company} 的个人页面：查看订单、个人资料以及订阅偏好。", "打开我的页面",
            "链接仅可使用一次，三十分钟内有效。如果不是您本人申请，无需理会；请勿转发。",
        ),
    },
    "asked": {
        "en": Words(
            "We have your return of order {number}", "you asked to send back from order {number}: {things}. We look at it and write to you again.",
            "See how it stands", "You can take it back on your page until the parcel has arrived here.",
        ),
        "zh_Hans": Words(
            "已收到您对订单 {number} 的退货申请", "您申请退回订单 {number} 中的：{things}。我们会尽快处理并再次联系您。", "查看进度",
            "在我们收到包裹之前，您可以在个人页面撤回申请。",
        ),
    },
    "accepted": {
        "en": Words(
            "Please send it back: order {number}", "your return of order {number} is accepted: {things}. {words}", "See how it stands",
            "We write to you again as soon as the parcel is here.",
        ),
        "zh_Hans": Words("退货申请已通过：订单 {number}", "您对订单 {number} 的退货申请已通过：{things}。{words}", "查看进度", "收到包裹后我们会再次联系您。"),
    },
    "declined": {
        "en": Words(
            "About your return of order {number}", "we cannot take back what you asked for from order {number}: {things}. {words}", "See how it stands",
            "Answer this mail if you think that is wrong.",
        ),
        "zh_Hans": Words("关于订单 {number} 的退货申请", "很抱歉，我们无法接受订单 {number} 中的退货：{things}。{words}", "查看进度", "如有异议，请直接回复此邮件。"),
    },
    "received": {
        "en": Words(
            "Your parcel has arrived: order {number}", "what you sent back of order {number} is here: {things}. {words}", "See how it stands",
            "We write to you again when the money is on its way.",
        ),
        "zh_Hans": Words("已收到您退回的包裹：订单 {number}", "我们已收到您退回的订单 {number} 中的商品：{things}。{words}", "查看进度", "退款处理后我们会再次联系您。"),
    },
    "refunded": {
        "en": Words(
            "Your money is on its way: order {number}", "we gave you back the money for what you returned of order {number}: {things}. {words}",
            "See how it stands", "Depending on your bank it takes some days until you see it.",
        ),
        "zh_Hans": Words("退款已处理：订单 {number}", "您退回的订单 {number} 中的商品已退款：{things}。{words}", "查看进度", "到账时间取决于您的银行，可能需要几天。"),
    },
    "data": {
        "en": Words(
            "Your data at {company}", "everything {company} keeps about you is put together in one file that you can read, and programs too.",
            "Fetch it on my page", "It lies there for seven days. Only you can fetch it: the page asks for a fresh link to this address.",
        ),
        "zh_Hans": Words(
            "您在 {company} 的个人数据", "{company} 保存的关于您的全部数据已整理成一个文件，您可以阅读，程序也可以读取。", "前往我的页面下载",
            "文件保留七天，仅您本人可以下载：页面会要求通过此邮箱获取新的链接。",
        ),
    },
}  # fmt: skip
GREETING = {"en": "Hello {name},", "zh_Hans": "{name}，您好："}
NAMELESS = {"en": "Hello,", "zh_Hans": "您好："}


def tongue(*wishes: str) -> str:
    """Return the first language of those that somebody may read which the letters have; English without any."""
    for wish in wishes:
        short = (wish or "").lower()[:2]
        if short in ("zh", "en"):
            return "zh_Hans" if short == "zh" else "en"
    return "en"
