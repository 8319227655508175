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
}  # fmt: skip

LETTERS.update(PLAN_LETTERS)
