import { applyDiscount } from "./pricing";
import { describe } from "./texts";

export interface Line {
  sku: string;
  price: { amount: number };
}

export class CheckoutController {
  private readonly lines: Line[] = [];

  add(line: Line): this {
    this.lines.push(line);
    return this;
  }

  get total(): number {
    if (this.lines.length > 2) {
      throw new RangeError(describe("too many lines for one order"));
    }
    return this.lines.reduce((sum, line) => sum + line.price.amount, 0);
  }

  submitOrder(customer: { address?: { city: string } }): string {
    const amount = this.lines.length * 10;
    console.debug("submitting", amount, "🚚 発送 📦", this.lines.map((line) => line.sku).join(", "), customer.address!.city);
    return `${amount}`;
  }

  discounted(code: string): number {
    return applyDiscount(this.total, code);
  }
}
