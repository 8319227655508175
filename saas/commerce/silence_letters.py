"""The letters that say that a shop has fallen silent, to owners and administrators: one for each alarm, each in their language."""

from __future__ import annotations

from saas.commerce import shops, silence
from saas.tenancy import letters, tenants
from saas.tenancy.letter_words import LETTERS, Words

WHAT = {
    "order": ("orders", "订单"), "product": ("changes of products", "商品变更"), "customer": ("customers", "客户"),
    "event": ("visits from its pages", "页面访问"),
}  # fmt: skip
BUTTON = ("See what is wrong", "查看问题")
AFTER = (
    "You need not answer. We go on looking, fetch what was missed, and the alarm ends by itself when the shop speaks again.",
    "无需回复。我们会继续检查并补取遗漏的内容；店铺恢复后，警报会自动结束。",
)
SILENCE_LETTERS: dict[str, dict[str, Words]] = {
    f"shop_silent_{kind}": {
        "en": Words(
            f"{{shop}} has told us of no {english} for a while", f"No {english} for a while",
            f"by what {{company}} heard from {{shop}} in the past weeks, {english} should have come long ago, and none did. Either something "
            "between the shop and us is broken, or nothing happened there.",
            BUTTON[0], AFTER[0],
        ),
        "zh_Hans": Words(
            f"{{shop}} 已有一段时间没有{chinese}", f"一段时间没有{chinese}",
            f"根据 {{company}} 过去几周从 {{shop}} 收到的情况，早该有{chinese}，但一直没有。可能是店铺与我们之间的连接出了问题，也可能是店铺确实没有动静。",
            BUTTON[1], AFTER[1],
        ),
    }
    for kind, (english, chinese) in WHAT.items()
}  # fmt: skip
SILENCE_LETTERS |= {
    "shop_undelivered": {
        "en": Words(
            "{shop} changes things without telling us", "Changes that were never told",
            "comparing with {shop}, we found changes that its webhooks should have told {company} of and did not. We fetched them. "
            "As long as this stays so, everything from there arrives late.",
            BUTTON[0], AFTER[0],
        ),
        "zh_Hans": Words(
            "{shop} 的变更没有通知我们", "未通知的变更",
            "与 {shop} 比对时，我们发现了其 Webhook 本应通知 {company} 却没有通知的变更，现已补取。在恢复之前，来自该店铺的内容都会延迟到达。",
            BUTTON[1], AFTER[1],
        ),
    },
    "shop_keys": {
        "en": Words(
            "{shop} does not take our keys any more", "Keys that ended",
            "{company} cannot read {shop} any more, since the shop refuses its keys. What its webhooks tell still arrives; what they "
            "miss is not found until you enter keys that work.",
            BUTTON[0], "It is tried again every few hours, and the alarm ends by itself once the keys work.",
        ),
        "zh_Hans": Words(
            "{shop} 不再接受我们的密钥", "密钥已失效",
            "{shop} 拒绝了密钥，因此 {company} 无法再读取该店铺。Webhook 通知的内容仍会到达，但在您输入有效的密钥之前，遗漏的内容无法发现。",
            BUTTON[1], "我们每隔几小时会重试，密钥恢复有效后警报会自动结束。",
        ),
    },
    "shop_away": {
        "en": Words(
            "{shop} does not answer us", "A shop does not answer",
            "{company} has asked {shop} several times now and got no answer it could use. The last was: {reason}", BUTTON[0], AFTER[0],
        ),
        "zh_Hans": Words(
            "{shop} 没有回应", "店铺没有回应",
            "{company} 已多次访问 {shop}，均未得到可用的回应。最近一次：{reason}", BUTTON[1], AFTER[1],
        ),
    },
}  # fmt: skip
LETTERS.update(SILENCE_LETTERS)


def write_silent(alarm_id: str) -> None:
    """Tell a company's owners and administrators of an alarm, unless it is over or the shop is gone."""
    alarm = silence.one(alarm_id)
    if alarm is None or alarm.ended_at is not None or alarm.kind not in silence.TOLD:
        return
    try:
        shop = shops.one(alarm.shop_id)
    except shops.NoSuchShop:
        return
    kind = f"shop_silent_{alarm.topic}" if alarm.kind == "silent" else f"shop_{alarm.kind}"
    values = {"company": tenants.current().name, "shop": shop.name, "reason": alarm.said}
    letters.write_to_staff(kind, roles=("owner", "admin"), path=f"/shops/{shop.id}/health", values=values)
