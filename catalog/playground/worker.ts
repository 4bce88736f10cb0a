import { show } from './markup.ts';
import type { Values } from './play.ts';
import { plays } from './plays/index.ts';

/** What the page asks for. */
export interface Order {
  readonly id: number;
  readonly pattern: string;
  readonly values: Values;
  readonly seed: number;
}

/** One order at a time: a run owns the clock. */
let last: Promise<void> = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<Order>) => {
  last = last.then(() => carryOut(data));
};

async function carryOut({ id, pattern, values, seed }: Order): Promise<void> {
  try {
    const { play } = await plays[pattern]!();
    self.postMessage({ id, shown: await show(play, values, seed) });
  } catch (error) {
    self.postMessage({ id, error: String(error) });
  }
}
