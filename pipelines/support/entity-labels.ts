/**
 * The true entities of a ticket, as an agent names them: by their texts, which are looked for in the ticket as it is kept, masked.
 *
 *   "order SO-1 for 12 euros, SO-1!"  +  [{order, "SO-1"}, {amount, "12 euros"}]   ->   order 6-10, order 25-29, amount 15-23
 *
 * What is stored is cut out of the masked ticket, never what the label brings: an e-mail address stands nowhere in it. A list is
 * taken as a whole or not at all, as what it leaves out counts as no entity.
 */
import { spanScores, type Span } from '../../models/metrics/spans.js';
import { spanText } from '../../models/support/span-text.js';
import { normalise } from '../../models/text/normalise.js';
import type { Label } from '../../schemas/events.js';
import type { LabelledEntities } from '../../schemas/support-tables.js';
import type { SupportState } from './state.js';
import { KEPT_TEXT } from './tickets.js';

export type NamedEntity = NonNullable<Label['entities']>[number];
export type Placed = { spans: Span[] } | { outcome: 'not_found' | 'overlapping'; detail: string };

const masks = /<(?:email|phone|card|national_id|address)>/g;

/** Letters of one kind and digits make words and numbers; a Han letter stands for itself, and so does any sign. */
const classOf = (character: string): 'letter' | 'digit' | 'other' => {
  if (/\p{Nd}/u.test(character)) return 'digit';
  return /[\p{L}\p{M}]/u.test(character) && !/\p{Script=Han}/u.test(character) ? 'letter' : 'other';
};
const isBorder = (before: string, after: string): boolean => classOf(before) === 'other' || classOf(before) !== classOf(after);

/**
 * @param text  masked, as it is kept
 * @returns in the order of the text, none overlapping; or why not, which names the field and holds no word of either text
 */
export function placeEntities(text: string, named: readonly NamedEntity[]): Placed {
  const taken: (Span & { of: number })[] = [];
  const masked = Array.from(text.matchAll(masks), ({ index, 0: found }) => ({ start: index, end: index + found.length }));
  const wanted = named.map(({ kind, text: raw, occurrence }, of) => ({ of, kind, needle: normalise(raw), occurrence })).filter(isFirst);
  const places = wanted.map(({ needle }) => wholePlaces(text, needle).filter((place) => !masked.some((mask) => overlap(mask, place))));
  for (const [i, { of, kind, occurrence }] of wanted.entries()) {
    const count = places[i].length;
    if (count === 0) return { outcome: 'not_found', detail: `entities.${of}.text (${kind}) stands nowhere in the ticket in whole words, within its first ${KEPT_TEXT} characters and outside of what is masked; send it as the ticket has it` };
    if (occurrence !== undefined && occurrence > count) return { outcome: 'not_found', detail: `entities.${of}.occurrence (${kind}) is ${occurrence}, and its text stands in ${count} places of the ticket; send at most that` };
  }
  // "12 May" before "12": the longer one has fewer places to go to.
  const order = [...wanted.keys()].sort((a, b) => wanted[b].needle.length - wanted[a].needle.length || a - b);
  for (const i of order) {
    const { of, kind, occurrence } = wanted[i];
    const own = occurrence === undefined ? places[i] : [places[i][occurrence - 1]];
    const free = own.filter((place) => !taken.some((other) => overlap(other, place)));
    if (free.length === 0) {
      const other = taken.find((one) => overlap(one, own[0])) as (typeof taken)[number];
      return { outcome: 'overlapping', detail: `entities.${of} (${kind}) stands where entities.${other.of} (${other.kind}) does; send one of them, or the occurrence of each` };
    }
    for (const place of free) taken.push({ kind, ...place, of });
  }
  return { spans: taken.sort((a, b) => a.start - b.start).map(({ kind, start, end }) => ({ kind, start, end })) };
}

/** Whoever names an order in each place where it stands has named it once. */
function isFirst(one: { kind: string; needle: string; occurrence: number | undefined }, i: number, all: readonly (typeof one)[]): boolean {
  return all.findIndex((other) => other.kind === one.kind && other.needle === one.needle && other.occurrence === one.occurrence) === i;
}

interface Place {
  start: number;
  end: number;
}

const overlap = (a: Place, b: Place): boolean => a.start < b.end && b.start < a.end;

/** Every place that cuts no word and no number in two. */
function wholePlaces(text: string, needle: string): Place[] {
  const found: Place[] = [];
  if (needle === '') return found;
  for (let start = text.indexOf(needle); start >= 0; start = text.indexOf(needle, start + 1)) {
    const end = start + needle.length;
    // Of a text that was cut nobody knows how it goes on.
    const open = end === KEPT_TEXT && text.length === KEPT_TEXT && classOf(text[end - 1]) !== 'other';
    const whole = (start === 0 || isBorder(text[start - 1], text[start])) && (end === text.length || isBorder(text[end - 1], text[end]));
    if (whole && !open && (found.at(-1)?.end ?? 0) <= start) found.push({ start, end });
  }
  return found;
}

const refused = { kinds: [], values: [], starts: [], ends: [], found: 0, right: 0 } as const;

/** Of the entities of a ticket the first list that can be taken counts in the scorecard, and the last one for training. @param n  of the ticket, where it is held */
export function judgeEntities({ tickets, versions, scorecard }: SupportState, n: number | undefined, named: readonly NamedEntity[]): LabelledEntities {
  if (n === undefined) return { outcome: 'unknown', detail: '', ...refused, model: '' };
  const version = tickets.columns.entityVersion[tickets.slotOf(n)];
  const model = versions.nameOf(version);
  const text = tickets.textOf(n);
  const placed = placeEntities(text, named);
  if (!('spans' in placed)) return { ...placed, ...refused, model };
  const { spans } = placed;
  const { found, truth: before } = tickets.entitiesOf(n);
  const { right } = spanScores([found], [spans]);
  const truth = spanText(spans);
  if (before === undefined) scorecard.entities(version, { found: found.length, true: spans.length, right });
  tickets.setEntities(n, spans);
  return {
    outcome: before === undefined ? (right === spans.length && right === found.length ? 'right' : 'wrong') : spanText(before) === truth ? 'repeated' : 'contradicted', detail: '',
    kinds: spans.map(({ kind }) => kind), values: spans.map(({ start, end }) => text.slice(start, end)), starts: spans.map(({ start }) => start), ends: spans.map(({ end }) => end),
    found: found.length, right, model,
  };
}
