/** What the risk step owns, and one snapshot of all. */
import { createHash } from 'node:crypto';
import { createRoster, type Roster } from '../../models/roster.js';
import { pack, unpack, type Format } from '../../models/snapshot.js';
import { bundle, hashOfAll, unbundle } from '../bundle.js';
import { createAssessor, D, type Assessor } from './assess.js';
import type { Level } from './costs.js';
import { createRiskFeatures, type RiskFeatures } from './features.js';
import { createCurrencies, type Currencies, type SavedCurrency } from './currencies.js';
import { createLedger, type Ledger } from './ledger.js';
import { createOnlineChampion, type Counts, type OnlineChampion } from './online.js';
import { SHADOWS } from './promoted.js';
import { createUnusual, type Unusual } from './unusual.js';
import { createScorecard, type Scorecard } from './scorecard.js';
import type { RiskSettings } from './settings.js';

/** Customers above `allow`, by costs: what their next decision sticks to. */
export interface Raised {
  customers: Roster;
  level: Uint8Array;
  atMs: Float64Array;
}

export interface RiskState {
  features: RiskFeatures;
  online: OnlineChampion;
  ledger: Ledger;
  scorecard: Scorecard;
  raised: Raised;
  currencies: Currencies;
  unusual: Unusual;
  /** Names of the models that have scored; the ledger holds their numbers. */
  versions: string[];
  /** Reads the rest of the state. */
  assessor: Assessor;
  rules: string;
  /** The largest time of an event so far, none taken as later than it was received; milliseconds. */
  clockMs: number;
}

const format: Format = { name: 'risk', magic: 'AFRK', version: 1 };
const parts = ['features', 'online', 'ledger', 'scorecard', 'unusual', 'rest'] as const;

interface Meta {
  counts: Counts;
  versions: string[];
  currencies: SavedCurrency[];
  clockMs: number;
}

export function emptyRisk(settings: RiskSettings): RiskState {
  return {
    features: createRiskFeatures(settings.features),
    online: createOnlineChampion(settings),
    ledger: createLedger({ capacity: settings.ledger, features: D, shadows: SHADOWS }),
    scorecard: createScorecard(),
    raised: raisedOf(settings.raised),
    currencies: createCurrencies(settings.rates),
    unusual: createUnusual(settings.anomalyShare),
    versions: [],
    assessor: createAssessor(settings),
    rules: settings.rules.version,
    clockMs: 0,
  };
}

function raisedOf(max: number, saved?: [Uint8Array, Uint8Array]): Raised {
  const [level, atMs] = [new Uint8Array(max), new Float64Array(max)];
  const onDrop = (id: number): void => {
    level[id] = 0;
    atMs[id] = 0;
  };
  return { customers: createRoster({ max, onDrop, saved }), level, atMs };
}

/** The last level by costs: `allow` is not remembered. */
export function setRaised({ customers, level, atMs }: Raised, customer: string, to: Level, at: number): void {
  if (to === 0) {
    if (customers.size() === 0) return;
    const known = customers.idOf(customer);
    if (known !== undefined) customers.drop(known);
    return;
  }
  const id = customers.touch(customer);
  level[id] = to;
  atMs[id] = at;
}

export function snapshotOfRisk(state: RiskState, settings: RiskSettings): Uint8Array[] {
  return bundle({ features: state.features.snapshot(), online: state.online.save(), ledger: state.ledger.snapshot(), scorecard: state.scorecard.snapshot(), unusual: state.unusual.snapshot(), rest: restOf(state, settings) });
}

function restOf({ raised: { customers, level, atMs }, online: { counts }, currencies, versions, clockMs }: RiskState, { raised: max }: RiskSettings): Uint8Array[] {
  const used = customers.used();
  const meta: Meta = { counts, versions, currencies: currencies.save(), clockMs };
  const sections = [...customers.save(), level.subarray(0, used), new Uint8Array(atMs.buffer, 0, used * 8), Buffer.from(JSON.stringify(meta))];
  return pack({ settings: { customers: max }, sections: sections.map(({ length }) => length) }, sections, format);
}

/** @throws RangeError when they are not a whole snapshot of this version made with these settings */
export function restoreRisk(chunks: Uint8Array[], settings: RiskSettings): RiskState {
  const saved = unbundle(chunks, parts);
  const { next } = unpack(saved.rest, { customers: settings.raised }, format);
  const part = (): Uint8Array => next((bytes) => new Uint8Array(bytes));
  const raised = raisedOf(settings.raised, [part(), part()]);
  next((bytes) => raised.level.subarray(0, bytes));
  next((bytes) => new Uint8Array(raised.atMs.buffer, 0, bytes));
  const { counts, versions, currencies, clockMs } = JSON.parse(Buffer.from(part()).toString('utf8')) as Meta;
  return {
    features: createRiskFeatures(settings.features, saved.features),
    online: createOnlineChampion(settings, { chunks: saved.online, counts }),
    ledger: createLedger({ capacity: settings.ledger, features: D, shadows: SHADOWS }, saved.ledger),
    scorecard: createScorecard(saved.scorecard),
    unusual: createUnusual(settings.anomalyShare, saved.unusual),
    raised, versions, clockMs, currencies: createCurrencies(settings.rates, currencies), assessor: createAssessor(settings), rules: settings.rules.version,
  };
}

/** sha256, hexadecimal, of what a snapshot would hold. */
export function hashOfRisk(state: RiskState, settings: RiskSettings): string {
  const of = (chunks: Uint8Array[]): string => chunks.reduce((sum, chunk) => sum.update(chunk), createHash('sha256')).digest('hex');
  return hashOfAll([state.features.hash(), of(state.online.save()), state.ledger.hash(), state.scorecard.hash(), of(state.unusual.snapshot()), of(restOf(state, settings))]);
}
