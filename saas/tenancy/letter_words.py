"""The words of the letters Regulars itself writes, in every language its pages have.

They stand here and not in the pages' catalogues because letters are written by jobs, which know no pages. A name in
braces is filled in; both languages of a letter must use the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """One letter in one language: `button` names the link, and `after` says what else there is to know."""

    subject: str
    heading: str
    before: str
    button: str
    after: str


GREETING = {"en": "Hello {name},", "zh_Hans": "{name}，您好："}
GREETING_NAMELESS = {"en": "Hello,", "zh_Hans": "您好："}
LINK_BELOW = {
    "en": "If the button does not work, copy this address into your browser:",
    "zh_Hans": "如果按钮无法使用，请将以下地址复制到浏览器中：",
}
FOOT = {
    "en": "This letter was sent by Regulars because somebody used this address there.",
    "zh_Hans": "您收到这封信，是因为有人在 Regulars 使用了这个邮箱地址。",
}

LETTERS: dict[str, dict[str, Words]] = {
    "verify": {
        "en": Words(
            "Confirm your e-mail address", "Confirm your address",
            "please confirm that this address is yours. Then you can invite colleagues and send campaigns.",
            "Confirm my address",
            "The link works for three days. If you did not sign up, ignore this letter; without you nothing happens.",
        ),
        "zh_Hans": Words(
            "请确认您的邮箱地址", "确认邮箱地址",
            "请确认这个邮箱地址属于您。确认后，您就可以邀请同事并发送营销邮件。", "确认我的邮箱",
            "链接三天内有效。如果您没有注册，请忽略这封信，不会有任何事情发生。",
        ),
    },
    "known": {
        "en": Words(
            "You already have an account", "You already have an account",
            "somebody, probably you, tried to sign up with this address. You have an account already: just sign in.",
            "Sign in",
            "Have you forgotten your password? On the page for signing in you can choose a new one. "
            "If it was not you, there is nothing to do: your account was not touched.",
        ),
        "zh_Hans": Words(
            "您已经有账户了", "您已经有账户了",
            "有人（很可能是您自己）试图用这个邮箱注册。您已经有账户，直接登录即可。", "登录",
            "忘记密码了？可以在登录页面设置新密码。如果不是您本人操作，无需理会，您的账户没有任何变化。",
        ),
    },
    "reset": {
        "en": Words(
            "Choose a new password", "Choose a new password",
            "somebody, probably you, asked for a new password for this address.",
            "Choose a new password",
            "The link works once and for one hour. If it was not you, ignore this letter; your password stays.",
        ),
        "zh_Hans": Words(
            "设置新密码", "设置新密码", "有人（很可能是您自己）为这个邮箱申请了新密码。", "设置新密码",
            "链接一小时内有效，且只能使用一次。如果不是您本人操作，请忽略这封信，您的密码不会改变。",
        ),
    },
    "password_changed": {
        "en": Words(
            "Your password was changed", "Your password was changed",
            "your password was just changed, and all other browsers were signed out.",
            "Sign in",
            "Was it not you? Then choose a new password at once: "
            "press “Forgot your password?” on the page for signing in.",
        ),
        "zh_Hans": Words(
            "您的密码已修改", "您的密码已修改", "您的密码刚刚被修改，其他浏览器均已退出登录。", "登录",
            "不是您本人操作？请立即在登录页面点击“忘记密码？”，设置新密码。",
        ),
    },
    "invite": {
        "en": Words(
            "{invited_by} invites you to {company}", "Come to {company}",
            "{invited_by} invites you to work with {company} on Regulars, "
            "where its shop and its customers come together.",
            "Accept the invitation",
            "The link works for two weeks. If you do not know what this is about, ignore this letter.",
        ),
        "zh_Hans": Words(
            "{invited_by} 邀请您加入 {company}", "加入 {company}",
            "{invited_by} 邀请您在 Regulars 上与 {company} 一起工作，店铺与客户都在这里。", "接受邀请",
            "链接两周内有效。如果您不了解此事，请忽略这封信。",
        ),
    },
}  # fmt: skip
