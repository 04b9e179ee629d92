/**
 * A process that dies: from its `killAt`-th call of a port on nothing answers any more. Every other death comes after
 * the call took effect, the worst moment there is.
 */
export interface Mortal {
  wrap<A extends unknown[], R>(call: (...args: A) => Promise<R>): (...args: A) => Promise<R>;
  /** true when it died before `work` was done */
  orDone(work: Promise<unknown>): Promise<boolean>;
}

export function mortal(killAt: number): Mortal {
  let calls = 0;
  let died: (value: boolean) => void = () => undefined;
  const dead = new Promise<boolean>((resolve) => { died = resolve; });
  const never = new Promise<never>(() => undefined);
  return {
    wrap: (call) => async (...args) => {
      calls += 1;
      if (calls < killAt) return call(...args);
      if (calls === killAt && killAt % 2 === 0) await call(...args);
      died(true);
      return never;
    },
    orDone: (work) => Promise.race([dead, work.then(() => false)]),
  };
}
