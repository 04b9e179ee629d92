/** Progress on stderr: a bar on a terminal, a line every few seconds elsewhere, nothing when `--quiet`. */
import cliProgress from 'cli-progress';

export interface Progress {
  update(done: number, total?: number, note?: string): void;
  stop(): void;
}

const plainMs = 3000;
/** Nothing is shown for what is over sooner. */
const showAfterMs = 1500;

export function startProgress(title: string, unit: string): Progress {
  const startMs = performance.now();
  const bar = process.stderr.isTTY ? terminalBar(title, unit) : undefined;
  let lastMs = startMs;
  return {
    update(done, total, note = '') {
      const nowMs = performance.now();
      if (nowMs - startMs < showAfterMs) return;
      if (bar !== undefined) return bar(done, total, note);
      if (nowMs - lastMs < plainMs) return;
      lastMs = nowMs;
      const share = total === undefined || total === 0 ? '' : ` (${Math.floor((done / total) * 100)} %)`;
      process.stderr.write(`${title}: ${done.toLocaleString('en')} ${unit}${share}${note === '' ? '' : `, ${note}`}, ${((nowMs - startMs) / 1000).toFixed(0)} s\n`);
    },
    stop() { bar?.(-1); },
  };
}

function terminalBar(title: string, unit: string): (done: number, total?: number, note?: string) => void {
  const bar = new cliProgress.SingleBar({
    format: `${title} {bar} {percentage}% | {value}/{total} ${unit} | {note} {duration_formatted}`,
    stream: process.stderr, hideCursor: true, clearOnComplete: true, barsize: 30,
  }, cliProgress.Presets.shades_classic);
  let started = false;
  return (done, total, note = '') => {
    if (done < 0) {
      if (started) bar.stop();
      return;
    }
    if (!started) bar.start(total ?? done, done, { note });
    started = true;
    bar.setTotal(Math.max(total ?? done, 1));
    bar.update(done, { note });
  };
}
