"""The words of the letters about webhooks and about what shops pass on, in every language the pages have."""

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
SHOP_LETTERS: dict[str, dict[str, Words]] = {
    "person_data": {
        "en": Words(
            "{shop} passes on that somebody wants to see their data", "Somebody wants to see their data",
            "a customer of {shop} asked to see what is kept about them. The file with everything {company} keeps is being made; "
            "give it to them within thirty days.",
            "See the file", "Only people who may delete customers can open it. It is kept for seven days and can be made again from the profile.",
        ),
        "zh_Hans": Words(
            "{shop} 转来一位客户查看其数据的请求", "有客户想查看自己的数据",
            "{shop} 的一位客户请求查看所保存的个人数据。{company} 保存的全部内容正在生成文件，请在三十天内交给对方。", "查看文件",
            "只有可以删除客户的成员才能打开。文件保留七天，之后可以在客户资料页重新生成。",
        ),
    },
    "person_erasure": {
        "en": Words(
            "{shop} passes on that somebody wants to be forgotten", "Somebody wants to be forgotten",
            "a customer of {shop} asked to be erased. It is being done everywhere in {company}; what is left is a certificate that names nobody.",
            "See the certificate", "There is nothing for you to do here. If you keep copies elsewhere, erase them too.",
        ),
        "zh_Hans": Words(
            "{shop} 转来一位客户的删除请求", "有客户希望被遗忘",
            "{shop} 的一位客户请求删除其数据。{company} 中的所有相关内容正在被删除，最后只留下一份不含姓名的证明。", "查看证明",
            "您无需在此操作。如果您在别处保存了副本，请一并删除。",
        ),
    },
    "person_unknown": {
        "en": Words(
            "{shop} passes on a request about somebody we do not know", "A request about somebody we do not know",
            "somebody asked through {shop} about their data. Nobody of that name is known in {company}, so there is nothing to show or erase.",
            "Look at what was done", "You may answer them that nothing is kept here.",
        ),
        "zh_Hans": Words(
            "{shop} 转来一项关于未知人员的请求", "关于未知人员的请求",
            "有人通过 {shop} 询问其数据。{company} 中没有此人，因此没有可以提供或删除的内容。", "查看处理情况",
            "您可以答复对方：此处未保存任何数据。",
        ),
    },
}  # fmt: skip
OWN_LETTERS: dict[str, dict[str, Words]] = {
    "own_data": {
        "en": Words(
            "A customer wants to see their data", "A customer wants to see their data",
            "a customer of {company} asked on their own page to see what is kept about them. The file is being made and they can fetch it there.",
            "See how it stands", "There is nothing for you to do here. If you keep data elsewhere, give it to them within thirty days.",
        ),
        "zh_Hans": Words(
            "有客户申请查看自己的数据", "有客户申请查看自己的数据", "{company} 的一位客户在个人页面申请查看所保存的个人数据。文件正在生成，客户可自行在页面下载。", "查看进度",
            "您无需在此操作。如果您在别处保存了数据，请在三十天内一并提供。",
        ),
    },
    "own_erasure": {
        "en": Words(
            "A customer wants to be forgotten", "A customer wants to be forgotten",
            "a customer of {company} asked on their own page to be erased. It is being done everywhere; what is left is a certificate that names nobody.",
            "See the certificate", "There is nothing for you to do here. If you keep copies elsewhere, erase them too.",
        ),
        "zh_Hans": Words(
            "有客户申请删除自己的数据", "有客户申请删除自己的数据", "{company} 的一位客户在个人页面申请删除其数据。相关内容正在各处删除，最后只留下一份不含姓名的证明。", "查看证明",
            "您无需在此操作。如果您在别处保存了副本，请一并删除。",
        ),
    },
}  # fmt: skip

LETTERS.update(HOOK_LETTERS | SHOP_LETTERS | OWN_LETTERS)
