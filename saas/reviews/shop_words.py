"""The words around reviews on the shops' pages, in every language they have."""

from __future__ import annotations

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Reviews", "none": "No reviews yet", "of": "{stars} of 5 stars", "count": "{count} reviews", "one": "1 review", "verified": "Verified purchase",
        "helpful": "Helpful", "report": "Report", "reported": "Thank you, we look at it.", "more": "More reviews", "answer": "Answer of the shop",
        "newest": "Newest", "helpful_first": "Most helpful", "highest": "Best first", "lowest": "Worst first", "sort": "Order", "all": "All", "edited": "changed",
        "not_shown": "{count} not published because they broke rules (not because of their stars)",
        "checked": "Reviews marked “Verified purchase” came by a link that only buyers get after the delivery. Of the others nobody checked whether they bought.",
        "write": "Write a review", "name": "Name that is shown", "email": "E-mail (not shown)", "headline": "In one line", "text": "What should others know?",
        "send": "Send", "thanks": "Thank you. We look at it before it is shown.", "stars": "Stars", "failed": "That did not work. Please try again.", "unnamed": "Unnamed", "photo": "Picture of the buyer",
    },
    "zh": {
        "title": "评价", "none": "暂无评价", "of": "{stars} 星（共 5 星）", "count": "{count} 条评价", "one": "1 条评价", "verified": "已购买",
        "helpful": "有用", "report": "举报", "reported": "谢谢，我们会核实。", "more": "更多评价", "answer": "商家回复",
        "newest": "最新", "helpful_first": "最有用", "highest": "好评优先", "lowest": "差评优先", "sort": "排序", "all": "全部", "edited": "已修改",
        "not_shown": "{count} 条因违反规则未展示（与星级无关）",
        "checked": "标有“已购买”的评价来自收货后仅发给买家的链接。其他评价未核实是否购买。",
        "write": "撰写评价", "name": "显示的名字", "email": "电子邮箱（不公开）", "headline": "一句话概括", "text": "您想告诉其他人什么？",
        "send": "提交", "thanks": "谢谢。审核后将会展示。", "stars": "星级", "failed": "提交失败，请重试。", "unnamed": "匿名", "photo": "买家图片",
    },
    "de": {
        "title": "Bewertungen", "none": "Noch keine Bewertungen", "of": "{stars} von 5 Sternen", "count": "{count} Bewertungen", "one": "1 Bewertung",
        "verified": "Verifizierter Kauf", "helpful": "Hilfreich", "report": "Melden", "reported": "Danke, wir sehen es uns an.", "more": "Mehr Bewertungen",
        "answer": "Antwort des Shops", "newest": "Neueste", "helpful_first": "Hilfreichste", "highest": "Beste zuerst", "lowest": "Schlechteste zuerst", "sort": "Reihenfolge",
        "all": "Alle", "edited": "geändert", "not_shown": "{count} nicht veröffentlicht, weil sie Regeln verletzen (nicht wegen ihrer Sterne)",
        "checked": "Bewertungen mit „Verifizierter Kauf“ kamen über einen Link, den nur Käufer nach der Lieferung erhalten. Bei den anderen wurde nicht geprüft, ob gekauft wurde.",
        "write": "Bewertung schreiben", "name": "Angezeigter Name", "email": "E-Mail (wird nicht gezeigt)", "headline": "In einem Satz", "text": "Was sollten andere wissen?",
        "send": "Senden", "thanks": "Danke. Wir sehen sie uns an, bevor sie gezeigt wird.", "stars": "Sterne", "failed": "Das hat nicht geklappt. Bitte noch einmal.", "unnamed": "Ohne Namen", "photo": "Bild des Käufers",
    },
}  # fmt: skip


def of(language: str) -> dict[str, str]:
    """Return the words of a language, or English ones."""
    return WORDS.get(language.replace("_", "-").partition("-")[0].lower(), WORDS["en"])
