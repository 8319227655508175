"""Which columns hold data of customers, which of the company's own people, and how a person's rows are found and erased.

Every column of every table stands here; a test fails on one that does not. The export of one person and their erasure walk
this list and no other, so whoever adds a column decides here, in the same change, what becomes of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

COMMON = frozenset({"tenant_id", "id", "created_at", "updated_at"})
ROWS = "rows"  # the rows go
KEPT = "kept"  # the row stays for the books and tells nothing of whom once its parent does not
MENTIONS = "mentions"  # rows in whose columns the person is written go
MENTIONED = "mentioned"  # there the person's words are taken out of the columns
FILES = "files"  # whole files in which the person is written go
TRACE = "trace"  # the values of the person's entries are emptied; that something was done stays
TOLD = "told"  # staff wrote it; where a person is named there it is told on the certificate
Erase = str | dict[str, str]


@dataclass(frozen=True)
class Marks:
    """What a table's columns hold: `person` of a customer, `staff` of the company's people, `plain` of nobody.

    `ways` says how a person's rows are found, as (column, what it names): customers, visitors, emails, orders or recipients.
    `erase` is one or several of the words above, or the columns to be overwritten with what.
    """

    person: str = ""
    staff: str = ""
    plain: str = ""
    ways: tuple[tuple[str, str], ...] = field(default=())
    erase: Erase = ""

    @property
    def columns(self) -> set[str]:
        return {*self.person.split(), *self.staff.split(), *self.plain.split()}


TABLES: dict[str, Marks] = {
    "api_keys": Marks(staff="name", plain="hint digest made_by last_used_at revoked_at role role_id scopes expires_at"),
    "api_requests": Marks(person="body headers", plain="key_id name fingerprint status asked_at", erase=MENTIONS),
    "attributions": Marks(
        person="order_id recipient_id kind touched_at ordered_at amount currency",
        plain="mailing_id",
        ways=(("order_id", "orders"),),
        erase=KEPT,
    ),
    "audit_entries": Marks(
        person="record_id",
        staff="actor_id",
        plain="era xid acted_at actor_kind action record_kind batch undoes detail door request_id values_digest who_digest",
        erase=TRACE,
    ),
    "audit_heads": Marks(plain="position era to_xid hash mac"),
    "audit_seals": Marks(plain="position era from_xid to_xid rows witnesses previous hash mac sealed_at"),
    "audit_undos": Marks(staff="actor_name", plain="undone_at partly"),
    "audit_values": Marks(
        person="before after", staff="who who_salt salt", plain="erased_in who_erased_in", erase=TRACE
    ),
    "billing_accounts": Marks(
        staff="card card_expires customer",
        plain="plan standing ends_at renews_at grace_until double seats credit_amount",
    ),
    "billing_notices": Marks(plain="key said_at"),
    "bin_items": Marks(
        person="record_id title",
        staff="deleted_by deleted_by_id",
        plain="kind deleted_at batch journal until",
        ways=(("record_id", "customers"),),
        erase=ROWS,
    ),
    "bulk_targets": Marks(plain="operation_id part ids"),
    "campaigns": Marks(
        staff="sender_name reply_to",
        plain="name state segment_id template_id coupon_id subject source text_source language compiled holdout_percent purpose without_disputed scheduled_at trouble version",
    ),
    "carts": Marks(
        person="visitor customer_id key url currency amount items began_at changed_at checkout_at left_at closed_at",
        plain="source_id order_id changed_by",
        ways=(("customer_id", "customers"),),
        erase=ROWS,
    ),
    "checkouts": Marks(plain="kind plan state session subscription asked_at trial_days seats"),
    "company_closings": Marks(staff="closed_by", plain="closed_at erase_at reopened_at"),
    "consent_purposes": Marks(plain="key name wording channels double_opt_in archived_at"),
    "consent_requests": Marks(
        person="customer_id email purpose wording language source proof asked_at mailed_at confirmed_at",
        ways=(("customer_id", "customers"),),
        erase=ROWS,
    ),
    "consents": Marks(
        person="customer_id channel purpose state at source proof",
        plain="came_by",
        ways=(("customer_id", "customers"),),
        erase=ROWS,
    ),
    "coupon_codes": Marks(
        person="customer_id given_at given_by code norm",
        plain="coupon_id shop_id state key reason made_at ready_at ends_at claimed_until given_for given_key",
        ways=(("customer_id", "customers"),),
        erase={"customer_id": "NULL", "given_key": "NULL"},
    ),
    "coupon_uses": Marks(
        person="order_id counted discount_amount currency at",
        plain="coupon_id code_id",
        ways=(("order_id", "orders"),),
        erase=KEPT,
    ),
    "coupons": Marks(
        plain="shop_id name kind state percent_hundredths off_amount least_amount currency product_keys categories alone starts_at ends_at days uses per_customer prefix pool at_shop trouble tries not_before checked_at"
    ),
    "custom_fields": Marks(
        plain="kind key label type help required unique personal currency choices formula place archived_at"
    ),
    "customer_facts": Marks(
        person="currency orders_count items_count spent_amount refunded_amount first_order_at last_order_at visits_count views_count first_visit_at last_visit_at cart_amount cart_at mails_sent mails_opened mails_clicked last_mail_at last_open_at last_click_at",
        ways=(("id", "customers"),),
        erase=ROWS,
    ),
    "customer_identities": Marks(
        person="customer_id kind source_id value proven origin_id way",
        staff="made_by",
        plain="parting_id",
        ways=(("customer_id", "customers"),),
        erase=ROWS,
    ),
    "customer_joins": Marks(
        person="customer_id self_id visitor way proven at last_at shop_id url ref",
        staff="made_by",
        plain="parting_id name_id",
        ways=(("customer_id", "customers"),),
        erase=ROWS,
    ),
    "customer_keys": Marks(person="key", ways=(("id", "customers"),), erase=ROWS),
    "customer_merges": Marks(
        person="winner_id loser_id loser_name fields tags",
        staff="made_by undone_by",
        plain="made_at batch consent_ids carried moved undone_at",
        ways=(
            ("winner_id", "customers"),
            ("loser_id", "customers"),
        ),
        erase=ROWS,
    ),
    "customer_partings": Marks(
        person="customer_id self_id kind source_id value at moved to_id",
        staff="made_by undone_by",
        plain="undone_at made",
        ways=(("customer_id", "customers"),),
        erase=ROWS,
    ),
    "customer_shares": Marks(
        person="customer_id",
        plain="member_id team_id expires_at shared_by",
        ways=(("customer_id", "customers"),),
        erase=ROWS,
    ),
    "customer_values": Marks(
        person="word number", plain="field_id place sole", ways=(("id", "customers"),), erase=ROWS
    ),
    "customer_voices": Marks(
        person="customer_id said", plain="names", ways=(("customer_id", "customers"),), erase=ROWS
    ),
    "customers": Marks(
        person="source_id external_id email email_norm phone phone_norm first_name last_name name_sort company language country city postcode address note tags email_consent custom",
        plain="owner_id versions",
        ways=(("id", "customers"),),
        erase=ROWS,
    ),
    "default_views": Marks(plain="kind member_id view_id"),
    "day_books": Marks(plain="zone filled_at"),
    "day_changes": Marks(
        plain="at currency country orders paid_amount first_orders visits known_orders known_lines known_micros all_orders all_lines all_micros"
    ),
    "day_sums": Marks(
        plain="day currency country orders paid_amount first_orders visits known_orders known_lines known_micros all_orders all_lines all_micros"
    ),
    "deliveries_in": Marks(
        person="resource body reason", plain="shop_id key topic state attempts received_at taken_at", erase=MENTIONS
    ),
    "deliveries_out": Marks(
        person="body", plain="hook_id topic state attempts due_at made_at ended_at", erase=MENTIONS
    ),
    "deliveries_refused": Marks(staff="address", plain="shop_id refused_at reason topic"),
    "delivery_attempts": Marks(person="reason", plain="delivery_id at status milliseconds", erase=MENTIONS),
    "disputes": Marks(
        person="customer_id opened_at due_at state inquiry reason currency amount",
        plain="account_id key payment_key payment_id asked_at",
        ways=(("customer_id", "customers"),),
        erase={"customer_id": "NULL", "reason": "''"},
    ),
    "duplicate_pairs": Marks(
        person="one_id other_id score evidence",
        staff="decided_by",
        plain="state found_at decided_at",
        ways=(
            ("one_id", "customers"),
            ("other_id", "customers"),
        ),
        erase=ROWS,
    ),
    "entitlements": Marks(plain="name most source"),
    "erasure_certificates": Marks(plain="erased_tenant closed_at began_at erased_at counts digest"),
    "erased_addresses": Marks(plain="digest erasure_id reason erased_at"),
    "erased_people": Marks(plain="erasure_id customer erased_at"),
    "erasures": Marks(staff="erased_by", plain="erased_at people counts told"),
    "file_parts": Marks(person="data", plain="file_id position", erase=FILES),
    "fulfilments": Marks(
        person="order_id state carrier tracking_number tracking_url lines shipped_at delivered_at",
        plain="source_id order_key key version",
        ways=(("order_id", "orders"),),
        erase={"tracking_number": "''", "tracking_url": "''"},
    ),
    "form_counts": Marks(plain="form_id day shown started"),
    "form_submissions": Marks(
        person="customer_id visitor email language values agreed proof sent_at confirmed_at",
        plain="form_id source_id counted won taken_at trial_id arm",
        ways=(
            ("customer_id", "customers"),
            ("email", "emails"),
        ),
        erase=ROWS,
    ),
    "form_trial_days": Marks(plain="trial_id arm day seen"),
    "form_trials": Marks(plain="form_id goal state arms worth_percent started_at stopped_at taken_arm"),
    "forms": Marks(plain="name kind state content version"),
    "hooks": Marks(
        staff="name",
        plain="url topics secret_sealed previous_secret_sealed previous_until state reason last_taken_at failing_since not_before",
    ),
    "import_entries": Marks(
        person="record_id before after", plain="import_id made at", ways=(("record_id", "customers"),), erase=ROWS
    ),
    "import_recipes": Marks(plain="kind digest mapping options"),
    "import_seen": Marks(plain="trial_id"),
    "imports": Marks(
        person="fixes",
        staff="made_by made_by_name name",
        plain="kind file_id size reading headers mapping options remembered check_id run_id",
        erase=MENTIONED,
    ),
    "invoices": Marks(
        plain="stripe_id subscription number status reason currency total_amount due_amount refunded_amount dispute attempts next_attempt_at asks_confirmation told page_url pdf_url issued_at paid_at"
    ),
    "journal_rows": Marks(
        person="record_id row before after ids",
        plain="journal act table_name column_name",
        ways=(("record_id", "customers"), ("before", "customers"), ("after", "customers")),
        erase=f"{ROWS} {MENTIONS}",
    ),
    "key_directory": Marks(plain="kind digest subject_id"),
    "login_sessions": Marks(
        staff="address browser",
        plain="digest login_id member_id seen_at expires_at stage method second_factor confirmed_at confirmed_by confined_to support_id",
    ),
    "logins": Marks(
        staff="email email_norm name password_hash language zone totp_sealed signed_in_at",
        plain="verified_at staff totp_confirmed_at totp_step recovery_marks",
    ),
    "mail_events": Marks(
        person="customer_id kind at link proxy bot detail",
        plain="mailing_id recipient_id",
        ways=(
            ("customer_id", "customers"),
            ("recipient_id", "recipients"),
        ),
        erase={"customer_id": "NULL", "detail": "''"},
    ),
    "mail_wishes": Marks(
        person="customer_id kind purpose value until at source proof", ways=(("customer_id", "customers"),), erase=ROWS
    ),
    "mail_links": Marks(plain="mailing_id number target label personal"),
    "mail_templates": Marks(plain="name subject source text_source compiled version"),
    "mailing_recipients": Marks(
        person="customer_id email state reason sent_at offers offers_opened offer_part opened_at proxy_opened_at clicked_at unsubscribed_at bounced_at complained_at",
        plain="mailing_id place coupon_code_id worker claimed_at lease_until due_at attempts first_try_at noted_at",
        ways=(
            ("customer_id", "customers"),
            ("email", "emails"),
        ),
        erase={
            "customer_id": "NULL",
            "email": "''",
            "offers": "NULL",
            "offers_opened": "NULL",
            "offer_part": "NULL",
            "reason": "CASE WHEN state = 'skipped' THEN reason ELSE '' END",
            "state": "CASE WHEN state = 'queued' THEN 'skipped' ELSE state END",
            "due_at": "NULL",
        },
    ),
    "mailings": Marks(
        staff="sender_email sender_name reply_to",
        plain="campaign_id coupon_id state name compiled definition segment_name holdout_percent purpose without_disputed forecast reserved held_by launched_at frozen_to frozen_at progress_at finished_at",
    ),
    "members": Marks(staff="email email_norm name", plain="login_id role role_id invited_at joined_at removed_at"),
    "offer_answers": Marks(
        person="customer_id verdict reason note answered_at until taken_back_at",
        staff="answered_by",
        plain="product_id slot offer_code algorithm",
        ways=(("customer_id", "customers"),),
        erase=ROWS,
    ),
    "offer_counts": Marks(plain="day slot algorithm rule_id requests shown seen clicked carted"),
    "offer_version_counts": Marks(plain="day algorithm model_version requests shown seen clicked carted"),
    "offer_rules": Marks(plain="kind slot product_id category position percent active starts_at ends_at note"),
    "offer_trial_days": Marks(plain="trial_id day arm people buyers clickers leavers ended payers amount squares"),
    "offer_trial_people": Marks(
        person="visitor customer_id met_at arm",
        plain="trial_id",
        ways=(
            ("customer_id", "customers"),
            ("visitor", "visitors"),
        ),
        erase=ROWS,
    ),
    "offer_trials": Marks(
        plain="name slot mode goal state arms days worth_percent guards paused_for verdict started_at stopped_at counted_at taken_arm"
    ),
    "offer_slots": Marks(
        plain="key name place engine fallback count active pinned buried picked excluded_tags excluded_categories least_stock least_margin "
        "unknown_margin price_least price_most currency reduced_only category_cap not_bought_days diversity step_least step_most bundle"
    ),
    "offers_shown": Marks(
        person="visitor customer_id at slot product_key reason_text seen_at clicked_at carted_at bought_at",
        plain="request_id position source_id product_id reason_code algorithm rule_id model_version trial_id arm bought_after bought_order_id bought_micros bought_currency",
        ways=(
            ("customer_id", "customers"),
            ("visitor", "visitors"),
        ),
        erase={"customer_id": "NULL", "visitor": "''", "reason_text": "''"},
    ),
    "operation_failures": Marks(person="row reason", plain="operation_id position", erase=MENTIONS),
    "operations": Marks(
        person="params report error",
        staff="actor_id actor_name title",
        plain="kind state cursor undo_cursor total done failed undone attempts actor_kind touched_at started_at ended_at undo_until",
        erase=MENTIONED,
    ),
    "order_lines": Marks(
        person="order_id product_key variant_key sku name quantity unit_micros line_micros",
        plain="position product_id variant_id key discount_micros tax_micros flags",
        ways=(("order_id", "orders"),),
        erase=KEPT,
    ),
    "order_references": Marks(person="order_id value", ways=(("order_id", "orders"),), erase=ROWS),
    "order_values": Marks(person="word number", plain="field_id place sole", ways=(("id", "orders"),), erase=ROWS),
    "order_versions": Marks(person="order_id content", plain="version", ways=(("order_id", "orders"),), erase=KEPT),
    "orders": Marks(
        person="customer_id visitor cart_id number placed_at status currency total_amount refunded_amount country cancel_reason details custom",
        plain="source_id external_id lines_count lines_micros sold_count sold_micros shipping_amount tax_amount discount_amount fee_amount tip_amount gift_card_amount taxes_included presentment_currency presentment_amount cancelled_at told customer_version version came_by",
        ways=(("customer_id", "customers"),),
        erase={
            "customer_id": "NULL",
            "visitor": "''",
            "cart_id": "''",
            "country": "''",
            "cancel_reason": "''",
            "details": "'{}'",
            "custom": "'{}'",
        },
    ),
    "outbox": Marks(
        person="payload",
        plain="name announced_at done_at request_id xact",
        erase=MENTIONS,
    ),
    "outbox_doorbell": Marks(person="last_error", plain="event_id name due_at attempts", erase=MENTIONED),
    "passkeys": Marks(staff="name credential_id public_key", plain="login_id sign_count transports last_used_at"),
    "person_requests": Marks(
        person="customer_id what language asked_at",
        plain="operation_id file_id",
        ways=(("customer_id", "customers"),),
        erase=ROWS,
    ),
    "payment_accounts": Marks(
        plain="vendor way account name country currency live shop_id key_sealed key_hint hook_token hook_secret_sealed endpoint trouble lacking last_told_at backfill compared_at removed_at"
    ),
    "payment_refunds": Marks(
        person="customer_id at state currency amount reason failure",
        plain="account_id key payment_key payment_id refund_id asked_at",
        ways=(("customer_id", "customers"),),
        erase={"customer_id": "NULL", "reason": "''", "failure": "''"},
    ),
    "payments": Marks(
        person="customer_id number reference email at state currency amount received_amount refunded_amount method brand last4 failure risk risk_score disputed",
        plain="account_id key charge order_id settled_currency fee_amount net_amount asked_at",
        ways=(("customer_id", "customers"), ("email", "emails")),
        erase={
            "customer_id": "NULL",
            "number": "''",
            "reference": "''",
            "email": "''",
            "brand": "''",
            "last4": "''",
            "failure": "''",
        },
    ),
    "payments_told": Marks(plain="account_id event kind about object_id reason happened_at told_at done_at"),
    "payout_lines": Marks(plain="payout_id key kind at amount fee_amount net_amount source"),
    "payouts": Marks(plain="account_id key made_at arrives_on state currency amount automatic listed failure asked_at"),
    "pictures": Marks(plain="digest width height data made_at"),
    "platform_acts": Marks(staff="actor", plain="acted_at acted_on reason"),
    "play_orders": Marks(plain="shop_id order_key number placed_at currency total_amount reason"),
    "portal_passes": Marks(
        person="customer_id email_norm language asked_at mailed_at opened_at ends_at browser",
        plain="session",
        ways=(("customer_id", "customers"), ("email_norm", "emails")),
        erase=ROWS,
    ),
    "portal_settings": Marks(
        plain="enabled color logo_url welcome editable birthday_field return_days return_words topics"
    ),
    "product_pictures": Marks(plain="url digest trouble tries due_at"),
    "product_prices": Marks(plain="product_id variant_id at old_micros new_micros currency"),
    "product_watches": Marks(
        person="customer_id product_id variant kind state email language visitor price_micros currency proof asked_at mailed_at confirmed_at told_at expires_at",
        ways=(
            ("customer_id", "customers"),
            ("email", "emails"),
        ),
        erase=ROWS,
    ),
    "product_values": Marks(plain="field_id place word number sole"),
    "product_variants": Marks(
        plain="product_id external_id sku name options price_micros regular_price_micros sale_price_micros sale_from_at sale_to_at cost_micros stock stock_state stock_key image_url barcode position active gone versions"
    ),
    "products": Marks(
        plain="source_id external_id sku name name_sort description url image_url images price_micros regular_price_micros sale_price_micros sale_from_at sale_to_at cost_micros currency kind brand rating_hundredths categories tags cross_sell_keys up_sell_keys grouped_keys stock active fetch_due_at picture_digest custom versions"
    ),
    "reactions_done": Marks(plain="reaction done_at"),
    "recommend_models": Marks(plain="kind version fitted_at blob notes serving pinned_at held_back"),
    "recommend_states": Marks(plain="changed_at taken_at fitted_at tuned_at notes"),
    "refunds": Marks(
        person="order_id amount_micros at reason lines",
        plain="source_id order_key key version told",
        ways=(("order_id", "orders"),),
        erase={"reason": "''", "lines": "'[]'"},
    ),
    "report_runs": Marks(plain="key scope result made_at asked_at seen_at took_ms done"),
    "return_requests": Marks(
        person="customer_id state lines reason note answer language asked_at answered_at",
        plain="order_id",
        ways=(("customer_id", "customers"),),
        erase={"customer_id": "NULL", "note": "''", "answer": "''", "reason": "''", "language": "''"},
    ),
    "removed_orders": Marks(plain="source_id order_key at"),
    "retention_rules": Marks(staff="made_by", plain="rule number unit"),
    "returns": Marks(
        person="order_id state reason lines at",
        plain="source_id order_key key version",
        ways=(("order_id", "orders"),),
        erase={"reason": "''", "lines": "'[]'"},
    ),
    "review_requests": Marks(
        person="customer_id order_id state reason due_at asked_at reminded_at written_at",
        ways=(("customer_id", "customers"),),
        erase=ROWS,
    ),
    "review_settings": Marks(plain="content"),
    "review_votes": Marks(plain="review_id kind voter why at"),
    "reviews": Marks(
        person="customer_id order_id product_name stars title body name email language state verified origin reason words answer photo written_at edited_at",
        plain="product_id source_id external_id product_key held decided_at answered_at helpful reports told photo_mark",
        ways=(("customer_id", "customers"), ("email", "emails"), ("order_id", "orders")),
        erase=ROWS,
    ),
    "roles": Marks(plain="name name_norm permissions rows hidden locked"),
    "saved_views": Marks(person="content", plain="kind name member_id audience team_id place", erase=TOLD),
    "search_changes": Marks(plain="kind record_id changed_at"),
    "search_places": Marks(plain="engine version built_at"),
    "search_records": Marks(
        person="title subtitle words parts terms", plain="kind", ways=(("id", "customers"),), erase=ROWS
    ),
    "segments": Marks(person="definition", plain="name size counted_at", erase=TOLD),
    "shop_alarms": Marks(plain="shop_id kind topic began_at noticed_at ended_at seen expected chance said"),
    "shop_comparisons": Marks(plain="shop_id began_at ended_at since deep found gone webhooks"),
    "shop_events": Marks(
        person="visitor type at product url details",
        plain="received_at source_id",
        ways=(("visitor", "visitors"),),
        erase=ROWS,
    ),
    "shop_hours": Marks(plain="shop_id topic at seen late missed"),
    "shops": Marks(
        plain="kind name url currency site_key hook_token secret_sealed previous_secret_sealed access_sealed state trouble last_delivery_at last_event_at backfill reconciled reconciled_at checks coupons_url count_tests removed_at"
    ),
    "sso_connections": Marks(plain="code issuer client_id secret_sealed newcomer_role enabled tested_at"),
    "sso_domains": Marks(staff="proven_by", plain="domain token proven_at"),
    "sso_identities": Marks(staff="issuer subject", plain="login_id last_used_at"),
    "stored_files": Marks(
        person="name", staff="made_by", plain="content_type permission size sha256 complete expires_at", erase=FILES
    ),
    "stripe_events": Marks(plain="event kind object_id subscription charge checkout happened_at told_at done_at"),
    "subscriptions": Marks(
        plain="stripe_id item plan price status price_amount currency started_at period_end_at trial_end_at ends_at ended_at end_reason let_go past_due_at seats seat_item coupon collection_paused asked_at"
    ),
    "support_grants": Marks(staff="granted_by_name reason", plain="granted_by may_edit expires_at withdrawn_at"),
    "suppressions": Marks(person="email_norm reason detail at", ways=(("email_norm", "emails"),), erase=ROWS),
    "team_members": Marks(plain="team_id member_id manages"),
    "teams": Marks(plain="name name_norm parent_id"),
    "tenant_settings": Marks(
        staff="sender_name sender_email reply_to address",
        plain="country currency zone languages dkim_domain dkim_selector dkim_algorithm dkim_key_sealed dkim_public dkim_verified_at site_key onboarding second_factor_required second_factor_from only_sso",
    ),
    "tenants": Marks(plain="name state simulated"),
    "ticks": Marks(plain="task run_at claimed_at done_at"),
    "timeline_entries": Marks(
        person="customer_id kind at title link details", ways=(("customer_id", "customers"),), erase=ROWS
    ),
    "usage_counts": Marks(plain="name period used"),
    "visitor_parts": Marks(
        person="customer_id self_id visitor proven since_at until_at",
        plain="place",
        ways=(("customer_id", "customers"),),
        erase=ROWS,
    ),
    "visitors": Marks(
        person="visitor customer_id proven first_seen_at last_seen_at consent",
        plain="announcement pending_from pending_to weight",
        ways=(("customer_id", "customers"),),
        erase=ROWS,
    ),
    "visits": Marks(
        person="visitor customer_id began_at ended_at events_count views_count products referrer landing",
        plain="source_id",
        ways=(("customer_id", "customers"),),
        erase=ROWS,
    ),
    "watch_settings": Marks(plain="content"),
}
