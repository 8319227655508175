"""The words of the letters about a company's plan, in every language its pages have; see saas/tenancy/letter_words.py."""

from __future__ import annotations

from saas.tenancy.letter_words import LETTERS, Words

PLAN_LETTERS: dict[str, dict[str, Words]] = {
    "payment_failed": {
        "en": Words(
            "The payment for {company} failed", "The payment failed",
            "we could not charge {amount} for the plan of {company}. Everything goes on working; we try again in the next days.",
            "Look at the plan",
            "On that page you can pay the invoice or use another card. If it is not paid within three weeks, {company} "
            "becomes read-only; nothing is deleted.",
        ),
        "zh_Hans": Words(
            "{company} 的付款失败", "付款失败", "我们未能收取 {company} 的套餐费用 {amount}。一切照常运行，我们会在接下来几天再次尝试扣款。",
            "查看套餐", "您可以在该页面支付账单或更换银行卡。如果三周内仍未支付，{company} 将变为只读，数据不会被删除。",
        ),
    },
    "payment_confirm": {
        "en": Words(
            "Please confirm the payment for {company}", "Your bank asks you to confirm",
            "your bank wants you to confirm the payment of {amount} for the plan of {company}.",
            "Confirm the payment",
            "Until then everything goes on working. Only the holder of the card can confirm it.",
        ),
        "zh_Hans": Words(
            "请确认 {company} 的付款", "银行请您确认付款", "您的银行需要您确认为 {company} 的套餐支付 {amount}。", "确认付款",
            "在此之前一切照常运行。只有持卡人本人可以确认。",
        ),
    },
    "trial_ending": {
        "en": Words(
            "The trial of {company} ends on {date}", "Your trial ends soon",
            "the trial of {company} ends on {date}. Then the plan costs {amount} a month.",
            "Look at the plan",
            "You can change or cancel it on that page until then.",
        ),
        "zh_Hans": Words(
            "{company} 的试用将于 {date} 结束", "试用即将结束", "{company} 的试用将于 {date} 结束，之后套餐费用为每月 {amount}。", "查看套餐",
            "在此之前，您可以在该页面更换或取消套餐。",
        ),
    },
    "plan_stopped": {
        "en": Words(
            "{company} is read-only now", "Your company is read-only now",
            "the plan of {company} was not paid, so nothing can be changed or sent there now. Nothing is deleted: everything can "
            "be read and exported, and orders of your shops still arrive.",
            "Pay or choose a plan",
            "As soon as it is paid, or you go on with the free plan, everything works again.",
        ),
        "zh_Hans": Words(
            "{company} 现在为只读", "您的公司现在为只读", "{company} 的套餐未付款，现在无法修改数据或发送邮件。数据不会被删除：所有内容仍可查看和导出，店铺的订单也会继续进入。",
            "付款或选择套餐", "付款后，或改用免费套餐后，一切即可恢复。",
        ),
    },
    "plan_restored": {
        "en": Words(
            "{company} is itself again", "Everything works again",
            "the plan of {company} is paid, so everything works again. Mailings that were resting go on by themselves.",
            "Look at the plan", "Thank you.",
        ),
        "zh_Hans": Words(
            "{company} 已恢复正常", "一切恢复正常", "{company} 的套餐已付款，一切恢复正常。暂停的邮件会自动继续发送。", "查看套餐", "谢谢。",
        ),
    },
    "grace_ending": {
        "en": Words(
            "{company} becomes read-only on {date}", "Days left: {days}",
            "the payment for the plan of {company} is still missing. If it does not arrive, {company} becomes read-only on {date}.",
            "Pay or use another card",
            "Nothing is deleted then: everything can still be read and exported, and orders of your shops still arrive.",
        ),
        "zh_Hans": Words(
            "{company} 将于 {date} 变为只读", "剩余天数：{days}", "{company} 的套餐费用仍未付清。如未收到付款，{company} 将于 {date} 变为只读。",
            "付款或更换银行卡", "届时数据不会被删除：所有内容仍可查看和导出，店铺的订单也会继续进入。",
        ),
    },
    "usage_near": {
        "en": Words(
            "{company} has used four fifths of its plan", "{what}: {used} of {most}",
            "{company} uses {used} of the {most} its plan holds ({what}).",
            "See the use",
            "{then}",
        ),
        "zh_Hans": Words(
            "{company} 已使用套餐的五分之四", "{what}：{used} / {most}", "{company} 的“{what}”已使用 {used}，套餐上限为 {most}。", "查看用量", "{then}",
        ),
    },
    "usage_full": {
        "en": Words(
            "{company} has used up its plan", "{what}: {used} of {most}",
            "{company} uses all {most} its plan holds ({what}).",
            "See plans",
            "{then}",
        ),
        "zh_Hans": Words(
            "{company} 的套餐用量已满", "{what}：{used} / {most}", "{company} 的“{what}”已达到套餐上限 {most}。", "查看套餐", "{then}",
        ),
    },
    "card_expiring": {
        "en": Words(
            "The card of {company} expires soon", "Your card expires",
            "the card {card} that pays for {company} is good until {expires}. Please enter another one, so that the next payment does "
            "not fail.",
            "Enter another card",
            "Some banks send Stripe the new card by themselves; then there is nothing to do.",
        ),
        "zh_Hans": Words(
            "{company} 的银行卡即将到期", "银行卡即将到期", "用于支付 {company} 的银行卡 {card} 有效期至 {expires}。请更换银行卡，以免下次扣款失败。", "更换银行卡",
            "有些银行会自动向 Stripe 更新新卡，届时您无需操作。",
        ),
    },
    "company_closed": {
        "en": Words(
            "{company} was closed and will be erased on {date}", "{company} was closed",
            "{who} closed {company}. Nothing can be changed there any more, and on {date} everything in it is erased.",
            "Reopen or export",
            "Until that day an owner can reopen it with one click, and everything can be read and exported.",
        ),
        "zh_Hans": Words(
            "{company} 已关闭，将于 {date} 清除", "{company} 已关闭", "{who} 关闭了 {company}。其中的内容不能再修改，并将于 {date} 全部清除。", "重新开启或导出",
            "在此之前，所有者可以一键重新开启，所有内容仍可查看和导出。",
        ),
    },
    "company_reopened": {
        "en": Words(
            "{company} was reopened", "{company} was reopened",
            "{company} will not be erased; everything works as before.",
            "Look at the plan", "A plan that was cancelled with the closing can be kept on that page.",
        ),
        "zh_Hans": Words(
            "{company} 已重新开启", "{company} 已重新开启", "{company} 不会被清除，一切照旧。", "查看套餐", "关闭时取消的套餐可以在该页面恢复。",
        ),
    },
}  # fmt: skip

WHAT = {
    "contacts": {"en": "customers", "zh_Hans": "客户"},
    "mails_month": {"en": "mails this month", "zh_Hans": "本月邮件"},
    "events_month": {"en": "shop events this month", "zh_Hans": "本月店铺事件"},
}
THEN = {
    "contacts": {
        "en": "Your shops' customers still come in; only adding more by hand stops at the limit.",
        "zh_Hans": "店铺的客户仍会继续进入；达到上限后仅无法手动添加。",
    },
    "mails_month": {
        "en": "At the limit no more mails are sent until the next month begins or you choose a larger plan.",
        "zh_Hans": "达到上限后将停止发送邮件，直到下个月开始或您选择更大的套餐。",
    },
    "events_month": {
        "en": "Events are never refused; we only ask you to choose a larger plan when it stays like this.",
        "zh_Hans": "事件不会被拒收；如果持续超出，请选择更大的套餐。",
    },
}

LETTERS.update(PLAN_LETTERS)
