"""The words of the mail that asks whether somebody agrees, in every language the pages have."""

from __future__ import annotations

PARTS = ("subject", "before", "button", "after")
WORDS = {
    "en": {
        "subject": "Please confirm: {purpose} from {company}",
        "before": "somebody, hopefully you, left this address at {company} and agreed to this:",
        "button": "Yes, I agree",
        "after": "Without your click nothing happens and we will not write to you about it. The link works for two weeks:",
    },
    "zh_Hans": {
        "subject": "请确认：{company} 的{purpose}", "before": "有人（希望是您本人）在 {company} 留下了这个邮箱，并同意以下内容：", "button": "是的，我同意",
        "after": "如果您不点击，什么也不会发生，我们也不会就此给您写信。链接两周内有效：",
    },
}  # fmt: skip


def in_language(language: str) -> dict[str, str]:
    """Return the words in a language, or in English."""
    tongue = "zh_Hans" if language.lower().startswith("zh") else "en"
    return WORDS[tongue] | {"language": tongue.replace("_", "-")}
