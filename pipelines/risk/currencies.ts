/**
 * What an amount is worth in the shop's own money, so that costs can be compared: by the shop's rates where it gives some.
 * Without any, the usual order of a currency is taken to be worth the usual order of the currency that is seen most:
 *
 *   rate(c) = exp(mean ln a of the main currency - mean ln a of c)        of orders that were decided so far
 *
 * That puts thousands of yen beside tens of euros; it is a stand-in for rates, not a rate. Before `SEEN_MIN` orders of a
 * currency it is taken at 1.
 */
const SEEN_MIN = 20;
/** More currencies than there are; codes beyond them are taken at 1. */
const CURRENCIES_MAX = 200;

export interface Currencies {
  /** Minor units of the shop's money for one of the currency; undefined where the shop gives rates and this one is not among them. */
  rate(currency: string): number | undefined;
  observe(currency: string, amountMinor: number): void;
  /** In the order of their codes. */
  save(): SavedCurrency[];
}
export type SavedCurrency = [currency: string, count: number, sumOfLogs: number];

export function createCurrencies(rates: ReadonlyMap<string, number>, saved: readonly SavedCurrency[] = []): Currencies {
  const seen = new Map(saved.map(([currency, count, sum]) => [currency, { count, sum }]));
  let main: string | undefined;
  for (const currency of [...seen.keys()].sort()) main = usualMain(currency);
  function usualMain(currency: string): string {
    const [mine, best] = [seen.get(currency)?.count ?? 0, main === undefined ? 0 : seen.get(main)?.count ?? 0];
    // By code where two are level, so that the history does not matter.
    return main === undefined || mine > best || (mine === best && currency < main) ? currency : main;
  }
  return {
    rate(currency) {
      if (rates.size > 0) return rates.get(currency);
      const [own, usual] = [seen.get(currency), main === undefined ? undefined : seen.get(main)];
      if (own === undefined || usual === undefined || own.count < SEEN_MIN || currency === main) return 1;
      return Math.exp(usual.sum / usual.count - own.sum / own.count);
    },
    observe(currency, amountMinor) {
      let of = seen.get(currency);
      if (of === undefined) {
        if (seen.size >= CURRENCIES_MAX) return;
        seen.set(currency, (of = { count: 0, sum: 0 }));
      }
      of.count += 1;
      of.sum += Math.log1p(amountMinor);
      main = usualMain(currency);
    },
    save: () => [...seen].map(([currency, { count, sum }]): SavedCurrency => [currency, count, sum]).sort(([a], [b]) => (a < b ? -1 : 1)),
  };
}
