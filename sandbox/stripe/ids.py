"""Object ids in Stripe's manner: a prefix that names the kind, then letters and digits."""

import secrets
import string

ALPHABET = string.ascii_letters + string.digits


def make(prefix: str, length: int = 24) -> str:
    """This function will make an id such as ``cus_NffrFeUfNV2Hib``."""
    return prefix + "_" + "".join(secrets.choice(ALPHABET) for _ in range(length))
