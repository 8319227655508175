"""The words of the letters about webhooks, in every language the pages have."""

from __future__ import annotations

from saas.tenancy.letter_words import LETTERS, Words

HOOK_LETTERS: dict[str, dict[str, Words]] = {
    "hook_disabled": {
        "en": Words(
            "The webhook “{hook}” was switched off", "A webhook was switched off",
            "the webhook “{hook}” of {company} has not taken our messages for days, so it was switched off. Last reason: {reason}",
            "Look at the webhook",
            "What it missed is kept for thirty days and can be sent again from that page.",
        ),
        "zh_Hans": Words(
            "Webhook“{hook}”已停用", "Webhook 已停用",
            "{company} 的 Webhook“{hook}”已有数天未接收我们的消息，因此已被停用。最近一次原因：{reason}", "查看 Webhook",
            "未送达的消息会保留三十天，可以在该页面重新发送。",
        ),
    },
}  # fmt: skip

LETTERS.update(HOOK_LETTERS)
