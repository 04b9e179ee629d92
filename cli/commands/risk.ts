/** `risk`: what would be decided about a purchase or a refund, and why. */
import type { Command } from 'commander';
import { requestService } from '../../pipelines/runtime/request.js';
import { AftercareError } from '../../schemas/errors.js';
import type { RiskAnswer } from '../../schemas/services.js';
import { limits } from '../../schemas/limits.js';
import { serviceSubject } from '../../schemas/subjects.js';
import { readContext, runningEndpoints, withNats } from '../context.js';
import { dataDirOption, jsonOption, wholeNumber } from '../options.js';
import { columns, print } from '../print.js';

interface RiskOptions {
  dataDir?: string;
  json?: boolean;
  refund?: boolean;
  amountMinor: number;
  currency: string;
  at?: string;
  order?: string;
  device?: string;
  card?: string;
  address?: string;
  payment?: string;
  shippingCountry?: string;
  billingCountry?: string;
  reason?: string;
}

export function addRisk(program: Command): void {
  program
    .command('risk')
    .description('What would be decided about a purchase or a refund of a customer: decision, probability of fraud, and why. Asking teaches nothing; the decision on record comes with the event')
    .argument('<customer>')
    .requiredOption('--amount-minor <n>', 'amount in minor units (cents)', wholeNumber(0, limits.amountMinorMax))
    .requiredOption('--currency <code>', 'ISO 4217 code of the amount')
    .option('--refund', 'about a refund; without it about a purchase')
    .option('--at <time>', 'the moment that is asked about, such as 2026-01-31T12:00:00Z; now without it')
    .option('--order <id>', 'the order')
    .option('--device <id>', 'fingerprint of the device')
    .option('--card <id>', 'purchase: fingerprint of the card')
    .option('--address <id>', 'purchase: fingerprint of the shipping address')
    .option('--payment <kind>', 'purchase: card, wallet, transfer, invoice, voucher, cash or other')
    .option('--shipping-country <code>', 'purchase: ISO 3166 code')
    .option('--billing-country <code>', 'purchase: ISO 3166 code')
    .option('--reason <text>', 'refund: why, in the shop\'s own words')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExamples:\n  $ aftercare risk c0042 --amount-minor 6998 --currency EUR --device d-51aa\n  $ aftercare risk c0042 --refund --amount-minor 3499 --currency EUR --order SO-5001')
    .action(async (customer: string, options: RiskOptions) => {
      const context = readContext(options.dataDir);
      const body = requestOf(customer, options);
      const answer = await withNats(runningEndpoints(context), 'risk', (nc) => requestService<RiskAnswer>(nc, serviceSubject('risk'), body));
      print(options, answer, () => `${answer.because.join('\n')}\n\n${columns(['feature', 'value', 'usual', 'log-odds'], answer.reasons.map((r) => [r.feature, shown(r.value), shown(r.usual), rounded(r.term)]))}`);
    });
}

/** An option that only the other kind of event has is sent too: the service names it. What was not given JSON leaves out. */
function requestOf(customer: string, options: RiskOptions): object {
  const { refund, at, amountMinor, currency, order, device, card, address, payment, shippingCountry, billingCountry, reason } = options;
  const atMs = at === undefined ? undefined : Date.parse(at);
  if (Number.isNaN(atMs)) throw new AftercareError('bad_request', `--at "${at}" must be a time such as 2026-01-31T12:00:00Z`);
  return { type: refund === true ? 'refund' : 'purchase', customer, atMs, amountMinor, currency, order, device, card, address, payment, shippingCountry, billingCountry, reason };
}

const rounded = (value: number): number => Number(value.toPrecision(4));
const shown = (value: number | null): string | number => (value === null ? 'missing' : rounded(value));
