"""Refusals in Stripe's error shape; each carries its HTTP status."""

from typing import Any


class Refused(Exception):
    """Any answer that is an error; with ``keeps`` what was written before stays written (a declined charge does)."""

    status = 400
    type = "invalid_request_error"
    keeps = False

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None, status: int | None = None):
        super().__init__(message)
        self.message, self.code, self.param = message, code, param
        if status is not None:
            self.status = status

    def body(self) -> dict[str, Any]:
        """This function will give the JSON body that Stripe's libraries read."""
        error: dict[str, Any] = {"type": self.type, "message": self.message}
        if self.code:
            error |= {
                "code": self.code,
                "doc_url": "https://docs.stripe.com/error-codes/" + self.code.replace("_", "-"),
            }
        if self.param:
            error["param"] = self.param
        return {"error": error}


class Unauthorized(Refused):
    status = 401


class IdempotencyClash(Refused):
    type = "idempotency_error"


class CardRefused(Refused):
    """The bank said no. ``intent`` is the presented PaymentIntent or SetupIntent the refusal belongs to."""

    status = 402
    type = "card_error"
    keeps = True

    def __init__(self, message: str, *, code: str, decline_code: str | None = None, param: str | None = None):
        super().__init__(message, code=code, param=param)
        self.decline_code = decline_code
        self.details: dict[str, Any] = {}

    def body(self) -> dict[str, Any]:
        body = super().body()
        if self.decline_code:
            body["error"]["decline_code"] = self.decline_code
        body["error"] |= self.details
        return body


def missing(kind: str, identifier: str, *, param: str = "id", status: int = 404) -> Refused:
    """This function will make the refusal for an id that nobody has."""
    name = kind.split(".")[-1].replace("_", " ").replace("invoiceitem", "invoice item")
    return Refused(f"No such {name}: '{identifier}'", code="resource_missing", param=param, status=status)
