"""What follows from what: one table from events to the jobs that react to them.

A reaction is a function of `workers.jobs` that takes the event's fields as keyword arguments and ends in `**_`. It runs
in a unit of work with the tenant bound, and is recorded in that same transaction, so that an event handed out twice has
its effect once. Its queue says how soon it matters: events (now), mail (mass work), heavy (may take minutes).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reaction:
    """One function of workers.jobs and the queue it runs on.

    With `together` it may be run once for several events of one company: their lists are put together, to at most so many. It
    must ask for nothing of an event but lists.
    """

    function: str
    queue: str = "events"
    together: int = 1


MANY, FEW = 500, 20
INDEX = Reaction("workers.jobs.search.write", "heavy", MANY)

REACTIONS: dict[str, tuple[Reaction, ...]] = {
    "TenantSignedUp": (),
    "VerificationWanted": (Reaction("workers.jobs.tenancy.write_verification", "mail"),),
    "PasswordResetWanted": (Reaction("workers.jobs.tenancy.write_reset", "mail"),),
    "KnownAddressSignedUp": (Reaction("workers.jobs.tenancy.write_known", "mail"),),
    "PasswordChanged": (Reaction("workers.jobs.tenancy.write_password_changed", "mail"),),
    "SecondFactorChanged": (Reaction("workers.jobs.tenancy.write_factor_changed", "mail"),),
    "SignedInElsewhere": (Reaction("workers.jobs.tenancy.write_new_browser", "mail"),),
    "MemberInvited": (Reaction("workers.jobs.tenancy.write_invitation", "mail"),),
    "OperationStarted": (Reaction("workers.jobs.operations.start", "mail"),),
    "OperationEnded": (Reaction("workers.jobs.portal.follow_operation", "mail"),),
    "CustomersChanged": (
        INDEX,
        Reaction("workers.jobs.customers.look_for_duplicates", "heavy", FEW),
        Reaction("workers.jobs.integrations.tell_customers", together=FEW),
    ),
    "CustomersBinned": (INDEX, Reaction("workers.jobs.integrations.tell_deleted")),
    "CustomersMerged": (INDEX, Reaction("workers.jobs.recommend.follow_merge")),
    "CustomersParted": (INDEX, Reaction("workers.jobs.recommend.follow_merge")),
    "OwnersChanged": (Reaction("workers.jobs.commerce.find_orders_again"), INDEX),
    "CustomerDeleted": (INDEX,),
    "ProductsChanged": (
        INDEX,
        Reaction("workers.jobs.recommend.refresh_stock"),
        Reaction("workers.jobs.commerce.tie_lines"),
        Reaction("workers.jobs.catalog.want_pictures"),
        Reaction("workers.jobs.integrations.tell_products"),
    ),
    "PriceChanged": (Reaction("workers.jobs.forms.look"),),
    "StockChanged": (Reaction("workers.jobs.forms.look"),),
    "PicturesMade": (Reaction("workers.jobs.recommend.refresh_stock"),),
    "OrdersRecorded": (
        INDEX,
        Reaction("workers.jobs.commerce.follow_orders", together=MANY),
        Reaction("workers.jobs.payments.follow_orders", together=MANY),
        Reaction("workers.jobs.recommend.follow_orders", together=MANY),
        Reaction("workers.jobs.marketing.follow_orders", together=MANY),
        Reaction("workers.jobs.coupons.follow_orders", together=MANY),
        Reaction("workers.jobs.integrations.tell_orders", together=FEW),
    ),
    "CodesWanted": (Reaction("workers.jobs.coupons.wanted"),),
    "CouponGiven": (Reaction("workers.jobs.coupons.tell_given"),),
    "CouponMailWanted": (Reaction("workers.jobs.coupons.mail", "mail"),),
    "CouponRedeemed": (Reaction("workers.jobs.coupons.tell_redeemed"),),
    "OrderFulfilled": (Reaction("workers.jobs.reviews.plan_sent"),),
    "OrderDelivered": (Reaction("workers.jobs.reviews.plan_delivered"),),
    "OrderCancelled": (),
    "OrderRefunded": (),
    "OrdersBinned": (
        INDEX,
        Reaction("workers.jobs.commerce.follow_orders", together=MANY),
        Reaction("workers.jobs.recommend.follow_orders", together=MANY),
    ),
    "ReviewDue": (Reaction("workers.jobs.reviews.write", "mail"),),
    "ReviewWritten": (Reaction("workers.jobs.reviews.tell_written"),),
    "ReviewPublished": (Reaction("workers.jobs.reviews.tell_published"),),
    "ReviewsCounted": (Reaction("workers.jobs.recommend.refresh_stock"),),
    "EventsCollected": (Reaction("workers.jobs.commerce.digest"),),
    "BrowsingDigested": (Reaction("workers.jobs.recommend.follow_visitors", together=MANY),),
    "VisitorsRecognised": (
        Reaction("workers.jobs.commerce.settle_visitors"),
        Reaction("workers.jobs.recommend.recognise"),
    ),
    "MailOffersSeen": (Reaction("workers.jobs.recommend.follow_mail"),),
    "ModelsOutdated": (Reaction("workers.jobs.recommend.fit_soon"),),
    "ReportsWanted": (Reaction("workers.jobs.insights.work_out", "heavy"),),
    "OfferTrialPaused": (Reaction("workers.jobs.recommend_trials.write_paused", "mail"),),
    "ShopRepaired": (Reaction("workers.jobs.integrations.tell_repaired"),),
    "ShopWentSilent": (Reaction("workers.jobs.shops.write_silent", "mail"),),
    "ShopSpoke": (),
    "ShopConnected": (),
    "PortalAsked": (Reaction("workers.jobs.portal.write_link", "mail"),),
    "PersonAskedHere": (
        Reaction("workers.jobs.portal.answer_person"),
        Reaction("workers.jobs.portal.write_person_asked", "mail"),
    ),
    "ReturnRequested": (Reaction("workers.jobs.portal.write_return", "mail"),),
    "ReturnAnswered": (Reaction("workers.jobs.portal.write_return", "mail"),),
    "ConsentAsked": (Reaction("workers.jobs.marketing.ask_consent", "mail"),),
    "SubscriptionConfirmed": (Reaction("workers.jobs.forms.follow_confirmed"),),
    "FormReceived": (Reaction("workers.jobs.forms.take"),),
    "FormSubmitted": (),
    "WatchAsked": (Reaction("workers.jobs.forms.ask_watcher", "mail"),),
    "WatchDue": (Reaction("workers.jobs.forms.tell_watcher", "mail"),),
    "AddressSuppressed": (Reaction("workers.jobs.integrations.tell_suppressed"),),
    "HookDisabled": (Reaction("workers.jobs.integrations.write_disabled", "mail"),),
    "MailingLaunched": (Reaction("workers.jobs.marketing.start", "mail"),),
    "MailingChanged": (Reaction("workers.jobs.marketing.start", "mail"),),
    "DeliveryReceived": (Reaction("workers.jobs.integrations.take_deliveries", together=MANY),),
    "PersonAsked": (
        Reaction("workers.jobs.integrations.answer_person"),
        Reaction("workers.jobs.integrations.write_person_asked", "mail"),
    ),
    "ShopForgotten": (Reaction("workers.jobs.integrations.forget_shop"),),
    "PaymentTold": (Reaction("workers.jobs.payments.take", "mail"),),
    "ShopperPaymentSucceeded": (),
    "ShopperPaymentFailed": (),
    "DisputeOpened": (),
    "DisputeClosed": (),
    "PayoutFailed": (),
    "StripeTold": (Reaction("workers.jobs.billing.take_event", "mail"),),
    "PlanChanged": (
        Reaction("workers.jobs.billing.write_change", "mail"),
        Reaction("workers.jobs.marketing.follow_plan"),
    ),
    "PaymentFailed": (Reaction("workers.jobs.billing.write_failed", "mail"),),
    "ConfirmationWanted": (Reaction("workers.jobs.billing.write_confirmation", "mail"),),
    "TrialEnding": (Reaction("workers.jobs.billing.write_trial", "mail"),),
    "GraceEnding": (Reaction("workers.jobs.billing.write_grace", "mail"),),
    "UsageWarned": (Reaction("workers.jobs.billing.write_usage", "mail"),),
    "CardExpiring": (Reaction("workers.jobs.billing.write_card", "mail"),),
    "CompanyClosed": (
        Reaction("workers.jobs.billing.write_closed", "mail"),
        Reaction("workers.jobs.billing.end_plans", "mail"),
        Reaction("workers.jobs.marketing.follow_plan"),
    ),
    "CompanyReopened": (
        Reaction("workers.jobs.billing.write_reopened", "mail"),
        Reaction("workers.jobs.marketing.follow_plan"),
    ),
}
