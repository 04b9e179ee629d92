/** Wall-clock times without a zone (`2010-12-01 08:26:00`), read as UTC. NaN means "not such a time". */

const pattern = /^(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2})(?::(\d{2}))?$/;

export function parseWallTime(text: string): number {
  const match = pattern.exec(text);
  if (match === null) return NaN;
  const [year, month, day, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0));
  const atMs = Date.UTC(year, month - 1, day, hour, minute, second);
  // Date.UTC rolls 31 November over into December; a time that does not come back as it went in was never one.
  const back = new Date(atMs);
  const same = back.getUTCMonth() === month - 1 && back.getUTCDate() === day && back.getUTCHours() === hour && back.getUTCMinutes() === minute;
  return same && second < 60 ? atMs : NaN;
}

/** Files in time order repeat a time over many rows, and parsing it costs more than the rest of the row. */
export function cachedWallTime(): (text: string) => number {
  let lastText = '';
  let lastMs = NaN;
  return (text) => {
    if (text !== lastText) {
      lastText = text;
      lastMs = parseWallTime(text);
    }
    return lastMs;
  };
}
