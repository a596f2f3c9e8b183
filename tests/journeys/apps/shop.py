"""A real Python application: breaks in a chain of its own functions and reports through the official sentry-sdk."""

import os
import sys

import sentry_sdk

PRICES = {"tea": 4.5}


def price_of(sku: str) -> float:
    rate = 1.08
    return PRICES[sku] * rate


def price_order(order_id: int, skus: list[str]) -> float:
    try:
        return sum(price_of(sku) for sku in skus)
    except KeyError as error:
        raise RuntimeError(f"could not price order {order_id}") from error


def main() -> None:
    sentry_sdk.init(dsn=os.environ["SENTRY_DSN"], release=os.environ["RELEASE"], environment="production")
    for order_id in map(int, sys.argv[1:]):
        sentry_sdk.set_user({"id": f"customer-{order_id % 2}"})
        try:
            price_order(order_id, ["tea", "mug"])
        except RuntimeError:
            sentry_sdk.capture_exception()
    sentry_sdk.flush(20)


main()
