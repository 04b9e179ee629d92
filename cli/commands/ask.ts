/** `recommend`, `similar`, `basket`, `profile`: asking the live models. */
import type { Command } from 'commander';
import { requestService } from '../../pipelines/runtime/request.js';
import type { BasketAnswer, Because, ProfileAnswer, RecommendAnswer, ServiceName, SimilarAnswer } from '../../schemas/services.js';
import { limits } from '../../schemas/limits.js';
import { serviceSubject } from '../../schemas/subjects.js';
import { readContext, runningEndpoints, withNats } from '../context.js';
import { dataDirOption, jsonOption, wholeNumber } from '../options.js';
import { columns, print } from '../print.js';

interface AskOptions {
  dataDir?: string;
  json?: boolean;
  count?: number;
  seen?: boolean;
}

function ask<T>(name: ServiceName, options: AskOptions, body: object): Promise<T> {
  const context = readContext(options.dataDir);
  return withNats(runningEndpoints(context), name, (nc) => requestService<T>(nc, serviceSubject(name), body));
}

const count = ['-k, --count <items>', 'how many items', wholeNumber(1, limits.answerItemsMax), 10] as const;
const rounded = (value: number): number => Number(value.toPrecision(4));

const reason = ({ item, customers, against }: Because): string => (against === undefined ? item ?? `${customers ?? 0} customers` : `though ${item} had a ${against}`);

export function addAsk(program: Command): void {
  program
    .command('recommend')
    .description('What to show to a customer now: item, score, channel and because')
    .argument('<customer>')
    .option(...count)
    .option('--seen', 'also what the customer looked at or put into a cart; what was bought lately or sent back stays out')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExamples:\n  $ aftercare recommend c0042 -k 5\n  $ aftercare recommend c0042 --seen')
    .action(async (customer: string, options: AskOptions) => {
      const answer = await ask<RecommendAnswer>('recommend', options, { customer, k: options.count, ...(options.seen === true && { seen: true }) });
      print(options, answer, () => columns(
        ['item', 'score', 'channel', 'because'],
        answer.items.map((i) => [i.item, rounded(i.score), i.channel, i.because.map(reason).join(', ')]),
      ));
    });
  program
    .command('similar')
    .description('The items most similar to an item')
    .argument('<item>')
    .option(...count)
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  $ aftercare similar 85123A')
    .action(async (item: string, options: AskOptions) => {
      const answer = await ask<SimilarAnswer>('similar', options, { item, k: options.count });
      print(options, answer, () => columns(['item', 'similarity'], answer.items.map((i) => [i.item, rounded(i.similarity)])));
    });
  addBasket(program);
  program
    .command('profile')
    .description('What the models hold about a customer')
    .argument('<customer>')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .action(async (customer: string, options: AskOptions) => {
      const answer = await ask<ProfileAnswer>('profile', options, { customer });
      print(options, answer, () => columns(['item', 'strength'], answer.items.map((i) => [i.item, rounded(i.strength)])));
    });
}

function addBasket(program: Command): void {
  program
    .command('basket')
    .description('What is most likely to be added to a cart next, with its probability')
    .argument('<items...>', 'what is in the cart, the latest last')
    .option(...count)
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  $ aftercare basket 85123A 71053 -k 5')
    .action(async (items: string[], options: AskOptions) => {
      const answer = await ask<BasketAnswer>('basket', options, { items, k: options.count });
      if (answer.unknown.length > 0) process.stderr.write(`not known, left out: ${answer.unknown.join(', ')}\n`);
      print(options, answer, () => columns(
        ['item', 'probability', 'channel', 'because'],
        answer.items.map((i) => [i.item, rounded(i.probability), i.channel, i.because.map((b) => b.item).join(', ')]),
      ));
    });
}
