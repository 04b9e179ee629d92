/** A suite is parts by name: those that were asked for, or all, in their order. */
import { messageOf } from '../schemas/errors.js';
import type { SuiteOptions } from './main.js';
import type { Row } from './report.js';

export type Part = (say: SuiteOptions['say']) => Promise<Row[]> | Row[];

/** @throws Error when a part is asked for that the suite does not have */
export async function runParts(suite: string, parts: Record<string, Part>, { only, say }: SuiteOptions): Promise<Row[]> {
  const unknown = only.filter((part) => !Object.hasOwn(parts, part));
  if (unknown.length > 0) throw new Error(`bench: ${suite} has no part "${unknown.join(', ')}"; it has ${Object.keys(parts).join(', ')}`);
  const rows: Row[] = [];
  for (const [name, part] of Object.entries(parts)) {
    if (only.length > 0 && !only.includes(name)) continue;
    try {
      rows.push(...(await part(say)));
    } catch (error) {
      // Minutes of other parts must not be lost; the exit code says that something was.
      say(`${suite}.${name} failed and has no rows: ${messageOf(error)}`);
      process.exitCode = 1;
    }
  }
  return rows;
}
