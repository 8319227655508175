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
    "factor_added": {
        "en": Words(
            "Your second factor is set up", "Your second factor is set up",
            "your account now asks for more than a password. All other browsers were signed out.",
            "Look at my account",
            "Was it not you? Then somebody knows your password: choose a new one at once, and write to us.",
        ),
        "zh_Hans": Words(
            "已设置第二重验证", "已设置第二重验证", "您的账户现在除密码外还需要第二重验证。其他浏览器均已退出登录。", "查看我的账户",
            "不是您本人操作？说明有人知道您的密码：请立即修改密码并联系我们。",
        ),
    },
    "factor_removed": {
        "en": Words(
            "A second factor was removed", "A second factor was removed",
            "a passkey, or the codes from your app, were removed from your account. All other browsers were signed out.",
            "Look at my account",
            "Was it not you? Then choose a new password at once and set your second factor up again.",
        ),
        "zh_Hans": Words(
            "第二重验证已被移除", "第二重验证已被移除",
            "您账户的一个通行密钥或验证器应用已被移除。其他浏览器均已退出登录。", "查看我的账户",
            "不是您本人操作？请立即修改密码，并重新设置第二重验证。",
        ),
    },
    "factor_reset": {
        "en": Words(
            "Your second factor was reset", "Your second factor was reset",
            "an owner of your company reset your second factor. Your password alone opens your account now, "
            "and you were signed out everywhere.",
            "Set it up again",
            "Did you not ask for it? Then speak to the owner of your company.",
        ),
        "zh_Hans": Words(
            "您的第二重验证已重置", "您的第二重验证已重置",
            "贵公司的所有者重置了您的第二重验证。现在仅凭密码即可登录，所有浏览器均已退出。", "重新设置",
            "不是您要求的？请联系贵公司的所有者。",
        ),
    },
    "factor_recovery_made": {
        "en": Words(
            "You have new recovery codes", "You have new recovery codes",
            "new recovery codes were made for your account; those before no longer work.",
            "Look at my account",
            "Was it not you? Then choose a new password at once and make new codes.",
        ),
        "zh_Hans": Words(
            "已生成新的恢复码", "已生成新的恢复码", "您的账户已生成新的恢复码，之前的恢复码不再有效。", "查看我的账户",
            "不是您本人操作？请立即修改密码，并重新生成恢复码。",
        ),
    },
    "factor_recovery_used": {
        "en": Words(
            "A recovery code was used", "A recovery code was used",
            "somebody, probably you, signed in to your account with one of your recovery codes.",
            "Look at my account",
            "Was it not you? Then choose a new password at once and make new codes.",
        ),
        "zh_Hans": Words(
            "恢复码已被使用", "恢复码已被使用", "有人（很可能是您自己）使用您的一个恢复码登录了账户。", "查看我的账户",
            "不是您本人操作？请立即修改密码，并重新生成恢复码。",
        ),
    },
    "new_browser": {
        "en": Words(
            "A new sign-in to your account", "A new sign-in to your account",
            "a browser that we had not seen before signed in to your account: {browser}, from {address}.",
            "Look at my account",
            "Was it you? Then there is nothing to do. If not, choose a new password at once: it signs everybody else out.",
        ),
        "zh_Hans": Words(
            "您的账户有新的登录", "您的账户有新的登录",
            "一个我们未见过的浏览器登录了您的账户：{browser}，地址 {address}。", "查看我的账户",
            "如果是您本人，无需理会。如果不是，请立即修改密码，其他人都会被退出登录。",
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
