import { CheckoutController } from "./checkout";
import { loadProfile } from "./profile";
import { makeRetrier, summarise } from "./retries";
import { weigh } from "./shipping";

type Report = (error: unknown) => void;

const order = (): CheckoutController =>
  new CheckoutController().add({ sku: "mug", price: { amount: 10 } }).add({ sku: "tea", price: { amount: 5 } });

const bugs: Record<string, () => unknown> = {
  discount: () => order().discounted("SALEx"),
  submit: () => order().submitOrder({}),
  total: () => order().add({ sku: "pot", price: { amount: 1 } }).total,
  profile: () => loadProfile(7),
  callback: () => weigh([{ weight: { grams: 5 } }, {}]),
  row: () => summarise(["a=[1]", "b={"]),
};

/** Makes every mistake of this application once, and leaves one rejected promise behind. */
export async function makeMistakes(report: Report): Promise<void> {
  for (const run of Object.values(bugs)) {
    try {
      await run();
    } catch (error) {
      report(error);
    }
  }
  makeRetrier(3)();
  await new Promise((resolve) => setTimeout(resolve, 50));
}
