"""The two files that a WooCommerce shop may need in wp-content/mu-plugins, made out for it so that nothing is to be filled in.

WordPress takes every PHP file of that folder without being asked, whatever the theme; so neither a child theme nor a plugin for
header code is needed, and a theme made of blocks, which has no header file, is served as well.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

SAFE_PORTS = (None, 80, 443, 8080)
"""The ports that WordPress calls by itself; others and addresses of its own machine it refuses."""

CALLS = """<?php
// WordPress calls neither its own machine nor unusual ports. This lets it call Regulars, and nothing else.
add_filter('http_request_args', function ($args, $url) {
    if (strpos($url, '%(us)s/') === 0) {
        $args['reject_unsafe_urls'] = false;
    }
    return $args;
}, 10, 2);
"""

PAGES = """<?php
// What shoppers look at is told to Regulars once they agreed, and a purchase finds the visits before it.
add_action('wp_head', function () { ?>
<script>
window.regulars = window.regulars || function () { (regulars.q = regulars.q || []).push(arguments); };
<?php if (function_exists('is_product') && is_product()) { ?>
regulars('product', {id: '<?php echo (int) get_queried_object_id(); ?>'});
<?php } ?>
regulars('visitor', function (visitor) {
  document.cookie = 'regulars_visitor=' + visitor + '; path=/; max-age=31536000; samesite=lax';
});
function regularsConsent() {
  if (typeof wp_has_consent === 'function') {
    regulars('consent', {analytics: wp_has_consent('statistics'), marketing: wp_has_consent('marketing')});
  }
}
document.addEventListener('DOMContentLoaded', regularsConsent);
document.addEventListener('wp_listen_for_consent_change', regularsConsent);
</script>
<script async src="%(us)s/static/shop/tracker.js" data-site-key="%(site_key)s" data-consent="ask"></script>
<script async src="%(us)s/static/shop/widget.js"></script>
<?php });

function regulars_visitor($order) {
    if (!empty($_COOKIE['regulars_visitor'])) {
        $order->update_meta_data('_regulars_visitor', sanitize_text_field(wp_unslash($_COOKIE['regulars_visitor'])));
    }
}
add_action('woocommerce_checkout_create_order', 'regulars_visitor');
add_action('woocommerce_store_api_checkout_update_order_from_request', 'regulars_visitor');
"""


def calls(us: str) -> str | None:
    """Return the file that lets WordPress call us, or None where it does so by itself."""
    parts = urlsplit(us)
    return CALLS % {"us": us} if _is_inside(parts.hostname or "") or parts.port not in SAFE_PORTS else None


def on_pages(us: str, site_key: str) -> str:
    """Return the file that puts our scripts on the shop's pages and the visitor's id on its orders."""
    return PAGES % {"us": us, "site_key": site_key}


def _is_inside(host: str) -> bool:
    if host == "localhost" or "." not in host:
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False
