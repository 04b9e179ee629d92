import { setFlagsFromString } from 'node:v8';

/**
 * Lets V8's collector hold up less of what shares the cores with this process. On two cores, at 1,000 answers and 2,000 events a second:
 *
 * - Young objects are collected by the loop's thread alone. With helpers it waits for each of them to get a core: 1.4 to 2.4 ms each time and 7 to 16
 *   at most, alone 1.0 and 2 to 4.
 * - Old ones are collected when they have doubled, and not at a tenth more, as V8 does where little is allocated. Each time its
 *   helpers take both cores for 70 ms, in which some 90 answers wait: every five seconds before, once a minute now, for as much memory again as
 *   there are living objects (80 MB of a shard).
 */
export function collectSeldom(): void {
  setFlagsFromString('--no-parallel-scavenge');
  setFlagsFromString('--heap-growing-percent=100');
}
