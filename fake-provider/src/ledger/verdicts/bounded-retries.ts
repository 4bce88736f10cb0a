import { defineVerdict } from '../verdict.ts';

export const boundedRetries = defineVerdict({
  name: 'bounded-retries',
  summary: 'gives up after a number of attempts',
  begin: ({ manners: { maxAttempts } }, find) => ({
    observe({ sequence, client, route, attempt, retryOf, isSilent }) {
      if (attempt <= maxAttempts || isSilent) return;
      find({
        ...{ sequences: [retryOf!, sequence], client, route },
        expected: `at most ${maxAttempts} attempts`,
        actual: `attempt ${attempt}`,
        why: 'retries without end keep an outage alive, and hide it from whoever could act',
      });
    },
  }),
});
