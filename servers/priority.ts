import { writeFile } from 'node:fs/promises';
import { getPriority, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * How far what nobody waits for stands behind what answers: a third of its share of a core when both want it. Rows may come a
 * second later and a model a minute; an answer may not. It is not more, as rows that never get a core pile up.
 */
export const behindAnswers = 5;

/** Of ClickHouse: whoever waits for it is itself somebody whom nobody waits for. It has no lease to lose, and a tenth of a core when all cores are wanted. */
export const behindRows = 10;

const niceMax = 19;
/** Linux takes one such change in 100 ms from all users who are not root. */
const [triesMax, retryMs] = [20, 150];

/**
 * Lets a process that was just started, and the threads that it will start, give way to others. On Linux a niceness counts within
 * a session only, and a server here is the leader of one: the session's own is set beside it. Where the system refuses,
 * the process runs as all others do: it is a courtesy, without which all still works.
 * @param niceness  0 (like this process) to 19
 */
export function giveWay(pid: number, niceness: number): void {
  try {
    setPriority(pid, Math.min(niceMax, getPriority() + niceness));
  } catch {
    return;
  }
  void ofSession(pid, niceness);
}

async function ofSession(pid: number, niceness: number): Promise<void> {
  for (let tries = 0; tries < triesMax; tries += 1) {
    try {
      await writeFile(`/proc/${pid}/autogroup`, String(niceness), { flag: 'r+' });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return; // no Linux, no groups of sessions, or the process has gone
      await sleep(retryMs, undefined, { ref: false });
    }
  }
}
