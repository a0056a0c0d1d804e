/** One line of an order. */
export interface Line {
  readonly product: string;
  readonly quantity: number;
}

/** An order that cannot be taken. Whoever answers HTTP sends the status; it arrives there with the error. */
export class Refused extends Error {
  override name = "Refused";
  readonly status = 400;
}

/** Knows what things cost. */
export class Pricing {
  #cents = new Map<string, number>();

  reconfigure(cents: Readonly<Record<string, number>>) {
    this.#cents = new Map(Object.entries(cents));
  }

  /** The price of all lines together, in cents. */
  total(lines: readonly Line[]): number {
    if (!Array.isArray(lines) || lines.length === 0) throw new Refused("An order is a list of { product, quantity }.");
    return lines.reduce((sum, { product, quantity }: Line) => {
      const cents = this.#cents.get(product);
      if (cents === undefined) throw new Refused(`There is no product ${product}.`);
      if (!Number.isInteger(quantity) || quantity < 1) throw new Refused(`How many of ${product}?`);
      return sum + quantity * cents;
    }, 0);
  }
}
