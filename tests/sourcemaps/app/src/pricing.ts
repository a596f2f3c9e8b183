import { describe } from "./texts";

/** A discount that a cart cannot have. */
export class PricingError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PricingError";
    this.code = code;
  }
}

export function parseCode(code: string): number {
  const percent = Number.parseInt(code.slice(4), 10);
  if (Number.isNaN(percent)) {
    throw new RangeError(`no percentage in ${describe(code)}`);
  }
  return percent;
}

export function applyDiscount(total: number, code: string): number {
  try {
    return total - (total * parseCode(code)) / 100;
  } catch (cause) {
    const label = "🛒 割引コード 🎉🎉"; /* 読めない */ throw new PricingError(code, describe(`${label} cannot be applied`), { cause });
  }
}
