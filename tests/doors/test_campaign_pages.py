"""The campaigns' pages as a marketer sees them, without a browser."""

from __future__ import annotations

import re

from saas.marketing import campaigns, mailings
from tests.companies import add_member
from tests.rooms.marketing.conftest import BODY, mail_server, mailbox, shop  # noqa: F401 - fixtures


def page(shop, path: str, status: int = 200) -> str:  # noqa: F811
    answer = shop.company.page.get(path)
    assert answer.status_code == status, answer.text[-2000:]
    return answer.text


class TestWriting:
    def test_from_the_list_to_the_check_list(self, shop):  # noqa: F811
        shop.people(3)
        assert "No campaigns yet" in page(shop, "/campaigns")
        assert "Plain letter" in page(shop, "/campaigns/new") or "letter" in page(shop, "/campaigns/new")
        made = shop.company.post(
            "/campaigns/new", {"name": "Spring", "segment_id": str(shop.segment_id), "begin": "starter:welcome"}
        )
        editor = made.headers["Location"]
        assert made.status_code == 303 and editor.endswith("/edit")
        assert "mj-section" in page(shop, editor)
        form = {
            "name": "Spring",
            "subject": "Hi",
            "source": BODY,
            "segment_id": str(shop.segment_id),
            "holdout_percent": "0",
            "language": "en",
        }
        saved = shop.company.post(editor, form)
        assert saved.headers["Location"] == editor.removesuffix("/edit")
        shown = page(shop, saved.headers["Location"])
        assert "Send to 3 people now" in shown and "3 people get the mail now." in shown

    def test_a_name_is_asked_for(self, shop):  # noqa: F811
        answer = shop.company.post("/campaigns/new", {"name": " ", "segment_id": "", "begin": "starter:welcome"})
        assert answer.status_code == 422 and "Give the campaign a name." in answer.text

    def test_what_was_typed_wrong_is_not_kept_by_halves(self, shop):  # noqa: F811
        campaign_id = shop.campaign()
        form = {
            "name": "Other",
            "subject": "New",
            "source": BODY,
            "holdout_percent": "99",
            "language": "en",
            "segment_id": "",
        }
        answer = shop.company.post(f"/campaigns/{campaign_id}/edit", form)
        assert answer.status_code == 422 and "Hold back between 0 and 50 percent." in answer.text
        with shop.unit():
            assert campaigns.one(campaign_id).name == "Spring"

    def test_the_preview_shows_faults_with_their_place(self, shop):  # noqa: F811
        broken = {"subject": "Hi", "source": BODY.replace("</mj-text>", "{% if %}</mj-text>"), "language": "en"}
        answer = shop.company.post("/campaigns/preview", broken)
        assert answer.status_code == 200 and 'data-line="3"' in answer.text and "1 fault keeps" in answer.text

    def test_the_preview_is_framed_and_harmless(self, shop):  # noqa: F811
        [customer_id] = shop.people(1)
        form = {
            "subject": "Hi {{ customer.first_name }}",
            "source": BODY + "<script>alert(1)</script>",
            "language": "en",
        }
        answer = shop.company.post("/campaigns/preview", form | {"source": BODY, "customer": str(customer_id)})
        assert "Hi Ann0" in answer.text
        address = re.search(r'sandbox src="([^"]+)"', answer.text).group(1)
        framed = shop.company.page.get(address)
        assert "Hello Ann0" in framed.text and framed.headers["Content-Security-Policy"].startswith(
            "sandbox; default-src 'none'"
        )
        assert shop.company.page.get(address[:-3] + "abc").status_code == 404


class TestSending:
    def test_launched_paused_and_looked_at(self, shop, mailbox):  # noqa: F811
        shop.people(12)
        campaign_id = shop.campaign(holdout_percent=50)
        path = f"/campaigns/{campaign_id}"
        assert shop.company.post(f"{path}/launch").status_code == 303
        assert "Preparing the list" in page(shop, path)
        shop.company.post(f"{path}/pause")
        assert "Nothing leaves until you go on." in page(shop, path)
        shop.company.post(f"{path}/resume")
        with shop.unit():
            mailing_id = mailings.of_campaign(campaign_id).id
        shop.work(mailing_id)
        report = page(shop, path)
        assert "Not enough yet to tell what the mail caused" in report and "Held back by chance" in report
        assert "Ann" not in report and "person" in page(shop, f"{path}/recipients?state=sent")
        assert "Spring" in page(shop, "/campaigns")

    def test_a_full_plan_is_said_and_nothing_is_counted(self, shop):  # noqa: F811
        from saas.tenancy import limits

        shop.people(3)
        with shop.unit():
            limits.set_all(limits={"mails_month": 2})
        campaign_id = shop.campaign()
        shop.company.post(f"/campaigns/{campaign_id}/launch")
        assert "sends 2 mails a month" in page(shop, f"/campaigns/{campaign_id}")
        with shop.unit():
            assert limits.used("mails_month") == 0 and campaigns.one(campaign_id).state == "draft"

    def test_who_may_only_read_cannot_send(self, shop, app):  # noqa: F811
        shop.people(1)
        campaign_id = shop.campaign()
        reader = add_member(app, shop.company, role="read_only")
        shown = reader.get(f"/campaigns/{campaign_id}")
        assert shown.status_code == 200 and "Send to" not in shown.text
        assert reader.get(f"/campaigns/{campaign_id}/edit").status_code == 403

    def test_every_page_in_chinese(self, shop, mailbox):  # noqa: F811
        shop.people(2)
        draft, sent = shop.campaign(), shop.campaign()
        shop.work(shop.launch(sent))
        for path in (
            "/campaigns",
            "/campaigns/new",
            f"/campaigns/{draft}",
            f"/campaigns/{draft}/edit",
            f"/campaigns/{sent}",
            f"/campaigns/{sent}/recipients",
        ):
            answer = shop.company.page.get(path, headers={"Accept-Language": "zh-CN"})
            assert answer.status_code == 200 and 'lang="zh-Hans"' in answer.text


class TestDesigns:
    def test_kept_while_writing_changed_and_begun_with(self, shop):  # noqa: F811
        shop.people(1, prefix="reader")
        shop.people(2)
        campaign_id = shop.campaign()
        form = {
            "name": "Spring",
            "subject": "Hi",
            "source": BODY,
            "holdout_percent": "10",
            "language": "en",
            "segment_id": "",
        }
        shop.company.post(f"/campaigns/{campaign_id}/edit", form | {"design": "Letter"})
        [path] = set(re.findall(r'href="(/designs/[0-9a-f-]{36})"', page(shop, "/designs")))
        assert shop.company.post(path, {"name": "Letter", "subject": "Changed", "source": BODY}).status_code == 303
        assert "Changed" in page(shop, path)
        made = shop.company.post("/campaigns/new", {"name": "Next", "begin": f"design:{path.rsplit('/', 1)[1]}"})
        assert "Changed" in page(shop, made.headers["Location"])
        assert shop.company.post(f"{path}/delete").status_code == 303
        assert "No designs yet" in page(shop, "/designs")
