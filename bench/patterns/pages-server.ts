/** Serves listings as its parent says, counts what is asked of them, and judges what was delivered of them. */
import { type ConfigInput, createProvider, type Delivered, type RunningServer, serve } from '@steadfetch/fake-provider';

/** Begins again with another configuration, tells how many requests came since, or judges one resource. */
export type Ask =
  | { readonly serve: ConfigInput }
  | { readonly count: true }
  | { readonly judge: string; readonly delivered: Delivered & readonly unknown[] };

/** What came of a reading by the provider's own truth. */
export interface Truth {
  readonly expected: number;
  readonly lost: number;
  readonly repeated: number;
}

const provider = createProvider();
const server: RunningServer = await serve(provider);
process.on('message', (ask: Ask) => void process.send!(answer(ask)));
process.once('disconnect', () => void server.close());
process.send!(server.url);

function answer(ask: Ask): number | Truth {
  if ('serve' in ask) provider.reset(ask.serve);
  if (!('judge' in ask)) return provider.ledger.tally().requests;
  const { expected, lost, duplicated } = provider.judge(ask.judge, ask.delivered);
  return { expected, lost: lost.length, repeated: duplicated.length };
}
