"""A small shop whose checkout breaks: the application that the demo watches, an ordinary user of `sentry-sdk`."""

from __future__ import annotations

import os

import sentry_sdk

PRICES = {"tea": 4.5, "cup": 12.0}


class CheckoutError(Exception):
    """Say that an order could not be priced."""


def price_of(sku: str, currency: str) -> float:
    """Return the price of an article."""
    rates = {"EUR": 1.0, "USD": 1.08}
    return PRICES[sku] * rates[currency]


def price_order(order_id: int, items: list[str], currency: str) -> float:
    """Return the price of an order."""
    try:
        return sum(price_of(sku, currency) for sku in items)
    except KeyError as error:
        raise CheckoutError(f"could not price order {order_id}") from error


def ship(order_id: int, address: dict[str, str]) -> str:
    """Return the label of a parcel."""
    return f"{order_id}: {address['street'].strip()}, {address.get('city')}"


def main() -> None:
    """Take a few orders; report what breaks and go on, as a server would. Once mended, refuse what has no price."""
    mended = "SHOP_MENDED" in os.environ
    sentry_sdk.init(
        dsn=os.environ["SENTRY_DSN"],
        release=os.environ["SHOP_RELEASE"],
        environment="production",
        default_integrations=False,
        shutdown_timeout=10,
    )
    for order_id, items, currency in ((1001, ["tea", "mug"], "EUR"), (1002, ["cup"], "GBP"), (1003, ["mug"], "USD")):
        sentry_sdk.set_user({"id": f"customer-{order_id}"})
        sentry_sdk.add_breadcrumb(category="cart", message=f"{len(items)} articles in {currency}")
        try:
            price_order(order_id, items, currency)
        except CheckoutError:
            if not mended:
                sentry_sdk.capture_exception()
    try:
        ship(1004, {"city": "Delft"})
    except KeyError:
        sentry_sdk.capture_exception()
    sentry_sdk.flush(10)


if __name__ == "__main__":
    main()
