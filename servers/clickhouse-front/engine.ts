import { Session } from 'chdb';
import { refuse } from './exception.js';

export interface RunOptions {
  database: string;
  /** Settings and `param_` substitutions for this statement alone. */
  settings: Record<string, string>;
  format: string;
  /** Runs in the session of this name, which keeps temporary tables and its own SETs. */
  sessionId?: string;
  sessionTimeoutMs: number;
}

export interface Answer { bytes: Uint8Array; rowsRead: number; bytesRead: number; elapsedMs: number }

export interface Engine {
  run(sql: string, options: RunOptions): Promise<Answer>;
  /** Waits until nothing runs; nothing new is accepted. */
  drain(): Promise<void>;
}

interface NamedSession { session: Session; busy: boolean; timer?: NodeJS.Timeout }

const sessionsMax = 64;

/**
 * The engine on one directory. Each statement has a session of its own, which costs 0.2 ms and is the only sure way
 * to leave nothing behind: a setting that stays (a deduplication token, say) silently drops the next request's rows.
 */
export function openEngine(dataDir: string, concurrency: number): Engine {
  new Session(dataDir); // kept open: when the last session closes, the engine shuts down
  const slots = createSlots(concurrency);
  const named = new Map<string, NamedSession>();
  const once = async (sql: string, options: RunOptions): Promise<Answer> => {
    const session = new Session(dataDir);
    try {
      await prepare(session, options);
      return await execute(session, sql, options.format);
    } finally {
      session.close();
    }
  };
  const inNamed = async (id: string, sql: string, options: RunOptions): Promise<Answer> => {
    const entry = claim(named, id, dataDir);
    try {
      await prepare(entry.session, options);
      return await execute(entry.session, sql, options.format);
    } finally {
      await reset(entry.session, options.settings);
      entry.busy = false;
      entry.timer = setTimeout(() => { named.delete(id); entry.session.close(); }, options.sessionTimeoutMs).unref();
    }
  };
  return {
    run: (sql, options) => slots.use(() => (options.sessionId === undefined ? once(sql, options) : inNamed(options.sessionId, sql, options))),
    drain: () => slots.drain(),
  };
}

async function prepare(session: Session, { database, settings }: RunOptions): Promise<void> {
  await session.queryAsync(`USE ${name(database)}`);
  const assignments = Object.entries(settings).map(([key, value]) => `${key} = ${literal(value)}`);
  if (assignments.length > 0) await session.queryAsync(`SET ${assignments.join(', ')}`);
}

async function execute(session: Session, sql: string, format: string): Promise<Answer> {
  const startedAt = performance.now();
  const result = await session.queryAsync(sql, { format });
  return { bytes: result.bytes(), rowsRead: result.rowsRead, bytesRead: result.bytesRead, elapsedMs: performance.now() - startedAt };
}

/** A named session outlives the request, so what the request set goes back to its default. Substitutions are overwritten when used again. */
async function reset(session: Session, settings: Record<string, string>): Promise<void> {
  const names = Object.keys(settings).filter((key) => !key.startsWith('param_'));
  if (names.length > 0) await session.queryAsync(`SET ${names.map((key) => `${key} = DEFAULT`).join(', ')}`).catch(() => undefined);
}

function claim(named: Map<string, NamedSession>, id: string, dataDir: string): NamedSession {
  const known = named.get(id);
  if (known?.busy === true) throw refuse.locked(`Session ${id} is locked by a concurrent client: one statement at a time`);
  if (known === undefined && named.size >= sessionsMax) throw refuse.argument(`There are ${sessionsMax} open sessions already: reuse a session_id, or let one time out`);
  const entry = known ?? { session: new Session(dataDir), busy: false };
  clearTimeout(entry.timer);
  entry.busy = true;
  named.set(id, entry);
  return entry;
}

/** A SQL string literal. */
export function literal(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function name(identifier: string): string {
  return `\`${identifier.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}

interface Slots { use<T>(work: () => Promise<T>): Promise<T>; drain(): Promise<void> }

/** At most `count` pieces of work at a time; the others wait in order of arrival. */
function createSlots(count: number): Slots {
  let free = count;
  const waiting: (() => void)[] = [];
  const take = async (): Promise<void> => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const give = (): void => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return {
    use: async (work) => {
      await take();
      try {
        return await work();
      } finally {
        give();
      }
    },
    drain: async () => { for (let i = 0; i < count; i += 1) await take(); },
  };
}
