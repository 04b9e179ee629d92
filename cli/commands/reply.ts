/** `reply`: what would be read in a ticket and answered, or why a person would get it. */
import type { Command } from 'commander';
import { Option } from 'commander';
import { requestService } from '../../pipelines/runtime/request.js';
import type { SupportAnswer } from '../../schemas/services.js';
import { serviceSubject } from '../../schemas/subjects.js';
import { readContext, runningEndpoints, withNats } from '../context.js';
import { dataDirOption, jsonOption } from '../options.js';
import { columns, print } from '../print.js';

interface ReplyOptions {
  dataDir?: string;
  json?: boolean;
  customer: string;
  language?: string;
  order?: string;
  item?: string;
}

export function addReply(program: Command): void {
  program
    .command('reply')
    .description('What a ticket would be answered, in Chinese or English, or why a person would get it: intent, confidence, entities, and what else was read. Asking teaches nothing and sends nothing; the decision on record comes with the ticket\'s event')
    .argument('<text>', 'what the customer writes')
    .option('--customer <id>', 'who writes: their orders fill the answer', 'nobody')
    .option('--order <id>', 'the order that it is about, where the shop knows it')
    .option('--item <id>', 'the item that it is about, where the shop knows it')
    .addOption(new Option('--language <code>', 'its language, for a text without letters; else the text tells').choices(['en', 'zh']))
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExamples:\n  $ aftercare reply "为什么这个商品没有配送选项？"\n  $ aftercare reply "Where is my order SO-5001?" --customer c42 --json')
    .action(async (text: string, options: ReplyOptions) => {
      const { customer, language, order, item } = options;
      const answer = await withNats(runningEndpoints(readContext(options.dataDir)), 'reply', (nc) => requestService<SupportAnswer>(nc, serviceSubject('support'), { customer, text, language, order, item }));
      print(options, answer, () => shown(answer));
    });
}

function shown(answer: SupportAnswer): string {
  const { decision, reply, because, intent, confidence, alternatives, abstained, language, urgency, sentiment, entities, personal, order, model } = answer;
  const read: [string, string][] = [
    ['intent', intent === null ? 'none' : `${intent} ${percent(confidence)}${alternatives.length === 0 ? '' : `  (then ${alternatives.map((of) => `${of.intent} ${percent(of.confidence)}`).join(', ')})`}`],
    ...(abstained === null ? [] : [['abstained', abstained] as [string, string]]),
    ['language', language ?? 'neither en nor zh'],
    ['urgency', urgency],
    ['sentiment', sentiment.toFixed(2)],
    ['entities', entities.length === 0 ? 'none' : entities.map(({ kind, value }) => `${kind} ${value}`).join(', ')],
    ['masked', personal.length === 0 ? 'nothing' : personal.join(', ')],
    ['order', order ?? 'none'],
    ['model', model],
  ];
  const text = reply === null ? '' : decision === 'reply' ? `${reply.text}\n\n` : `not sent: ${reply.text}\n\n`;
  return `${text}${because.join('\n')}\n\n${columns(['read', ''], read)}`;
}

const percent = (p: number): string => `${(p * 100).toFixed(p < 0.1 || p > 0.9 ? 1 : 0)} %`;
