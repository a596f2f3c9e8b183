// A real Node application: breaks in functions of its own and reports through the official @sentry/node.
import * as Sentry from "@sentry/node";

Sentry.init({ dsn: process.env.SENTRY_DSN, release: process.env.RELEASE, environment: "production", tracesSampleRate: 1 });

function totalOf(cart) {
  const currency = "EUR";
  return cart.items.map((item) => item.price.amount + currency.length);
}

function checkout(orderId, cart) {
  try {
    return { orderId, total: totalOf(cart) };
  } catch (error) {
    throw new Error(`could not check out order ${orderId}`, { cause: error });
  }
}

for (const orderId of process.argv.slice(2)) {
  Sentry.setUser({ id: `customer-${Number(orderId) % 2}` });
  try {
    checkout(orderId, { items: [{ sku: "mug" }] });
  } catch (error) {
    Sentry.captureException(error);
  }
}
await Sentry.close(20000);
