"""What the steps of connecting a shop come to, in words: what was found, or what is wrong and what to do about it."""

from __future__ import annotations

from typing import Any

from saas.kit.text import gettext
from saas.kit.text import later as _l

SENTENCES = {
    # the address
    "address_good": _l("WordPress and WooCommerce answer at %(host)s."),
    "not_an_address": _l("“%(host)s” is no address. Copy it from the browser while the shop's home page is open."),
    "no_host": _l("There is no site at %(host)s. Look for a slip in the spelling: open the shop in a browser and copy its address."),
    "private": _l("%(host)s is inside a private network, where we cannot reach it. Enter the address under which shoppers see the shop."),
    "port": _l("%(host)s names a port. Only the usual ones (80 and 443) are called; enter the address without a port."),
    "certificate": _l("The certificate of %(host)s is not valid for it or has ended. Your host can renew it; until then browsers warn too."),
    "silent": _l("%(host)s does not answer. If the shop opens in your browser, ask your host whether a firewall keeps programs out."),
    "too_large": _l("%(host)s answers with more than we read of a page. Enter the address of a smaller page, such as the imprint."),
    "redirects": _l("%(host)s leads round in circles. Enter the address that the browser shows in the end."),
    "no_https": _l("%(host)s is only reached without encryption. Have your host set up https first: keys and customers' data must not be readable on the way."),
    "closed_page": _l("%(host)s asks for a password before it shows anything. Switch the protection off, or let /wp-json/ through."),
    "firewall": _l("Something before WordPress at %(host)s turns us away (%(status)s). Ask your host to let requests of “Regulars/1.0” to /wp-json/ through."),
    "maintenance": _l("%(host)s is in maintenance or “coming soon” mode (503). End it in WordPress and check again."),
    "busy": _l("The shop asks for fewer calls at the moment (429). Check again in a minute."),
    "page_status": _l("%(host)s answers with the error %(status)s. Does the shop open in your browser?"),
    "no_wordpress": _l("%(host)s is not made with WordPress. If your shop stands at another address, enter that; any other kind of shop is connected as “Any store”."),
    "no_api": _l("WordPress at %(host)s does not show its REST API. A security plugin may have switched it off, or the web server does not pass /wp-json/ on to WordPress."),
    "api_closed": _l("The REST API of the shop is closed to the outside (%(status)s). Security plugins do that: allow /wp-json/wc/ there."),
    "api_broken": _l("The REST API of the shop answers with the error %(status)s. Its error log (WooCommerce, Status, Logs) says why."),
    "no_woocommerce": _l("WordPress answers, but WooCommerce does not. Is the plugin switched on, under Plugins?"),
    "woocommerce_old": _l("The WooCommerce at %(host)s is older than 3.5 and lacks the API we need. Update it; 3.8 and newer are tried."),
    "plain_permalinks": _l("WordPress at %(host)s uses plain permalinks, with which WooCommerce does not accept any keys. Choose another kind under Settings, Permalinks, and save."),
    # keys
    "keys_good": _l("The shop accepts the keys."),
    "keys_good_stripped": _l("The shop accepts the keys. Its web server takes the Authorization header away, so we show them as parameters, over https."),
    "wrong_keys": _l("The shop does not know this key. Copy consumer key and secret once more; both are shown only when the key is made. Were they made in this very shop?"),
    "wrong_key": _l("The shop does not know this consumer key. Was it made in this very shop, and is it still listed under Settings, Advanced, REST API?"),
    "wrong_secret": _l("The shop knows the consumer key, but the secret does not belong to it. Copy the secret once more, or make a new key."),
    "keys_ended": _l("The shop accepted the keys before and does not any more. Was the key deleted there? Make a new one, enter it here, and it goes on where it was."),
    "clock": _l("The shop's clock is wrong by more than fifteen minutes, so it does not accept our signature. Have your host set it."),
    "role": _l("The key belongs to somebody who may not see orders. Make one for an administrator or a shop manager."),
    # permissions
    "permissions_good": _l("The key may read products, customers and orders, and set up webhooks."),
    "read_only": _l("The key may only read, and we need to set up webhooks. Edit it in WooCommerce, choose Read/Write, save, and check again."),
    "write_only": _l("The key may only write, and we need to read orders. Edit it in WooCommerce, choose Read/Write, save, and check again."),
    # webhooks
    "webhooks_good": _l("The shop tells us of orders, products and customers (%(count)s webhooks)."),
    # a signed delivery
    "delivery_good": _l("A signed message arrived (%(topic)s)."),
    "delivery_touched": _l("We had the shop save “%(product)s” as it is, so that it tells us about it."),
    "delivery_first": _l("The shop has no product yet that it could tell about. Make one, or place an order; the message is awaited."),
}  # fmt: skip


def say(code: str, values: dict[str, Any]) -> str:
    """Return the words of a code in the reader's language; an unknown one is said as it is."""
    sentence = SENTENCES.get(code)
    return gettext(sentence.sentence, **values) if sentence else code
