import { backoff } from '@steadfetch/backoff';
import { requestLog } from '@steadfetch/request-log';
import { type Fetch, fated, none, type Play, type Stage, sent } from '../play.ts';
import { fault, worldOf } from '../world.ts';

export const play: Play = {
  pattern: 'request-log',
  question:
    'The token is in the URL, and requests are retried. A log of URLs gives the one away and says nothing of the other. Each square is one request.',
  sliders: {
    ratio: { label: 'Stumbles', unit: '% of requests', min: 0, max: 60, step: 5, value: 30 },
    calls: { label: 'Work', unit: 'calls', min: 20, max: 300, step: 20, value: 200 },
    attempts: { label: 'Attempts', min: 1, max: 8, step: 1, value: 4 },
  },
  world: ({ ratio = 0 }, seed) => worldOf({ seed, faults: [fault('unavailable', {}, { ratio: ratio / 100 })] }),
  naive: (stage) => work(naive(retrying(stage), stage), stage),
  steady: (stage) => work(steady(stage), stage),
  records: ({ delivered }) =>
    (delivered as Attempt[]).map(({ line }) => {
      if (line === undefined) return 'lost';
      return line.includes(TOKEN) ? 'twice' : 'once';
    }),
  words: {
    once: 'in the log, without the token',
    twice: 'in the log, with the token',
    lost: 'sent, and not in the log',
  },
  figures: (run) => [
    none(fated(run, 'twice'), 'tokens in the log'),
    none(fated(run, 'lost'), 'requests that it does not know of'),
    sent(run),
  ],
};

const TOKEN = 'a-secret';

/** A request, and what the log says of it. */
interface Attempt {
  line?: string;
}

function naive(next: Fetch, { delivered }: Stage): Fetch {
  return async (url, init) => {
    const response = await next(url, init);
    (delivered.at(-1) as Attempt).line = `${url} ${response.status}`;
    return response;
  };
}

function steady(stage: Stage): Fetch {
  const log = requestLog({
    sink: (record) => {
      (stage.delivered.at(-1) as Attempt).line = JSON.stringify(record);
    },
  });
  return log.numbered(retrying(stage, log));
}

function retrying({ fetch, random, values, delivered }: Stage, log = (next: Fetch) => next): Fetch {
  const noticed: Fetch = (input, init) => {
    delivered.push({} satisfies Attempt);
    return fetch(input, init);
  };
  return backoff({ attempts: values.attempts!, random, budget: false })(log(noticed));
}

/** One call after the other, so that a line belongs to the request before it. */
async function work(fetch: Fetch, { values, call, signal }: Stage): Promise<void> {
  for (let left = values.calls!; left > 0 && !signal.aborted; left--) {
    await call((init) => fetch(`https://api.test/items?limit=1&token=${TOKEN}`, init));
  }
}
