import { afterAll, afterEach, beforeAll } from 'vitest';
import type { ConfigInput } from './config.ts';
import type { VerdictName } from './ledger/verdicts/index.ts';
import { createProvider, type Provider, type ProviderOptions } from './provider.ts';
import { type RunningServer, serve } from './transports/express.ts';

/** A provider that a test file uses. */
export interface TestProvider extends Provider {
  /** Where it listens. Known once the tests run. */
  readonly url: string;
}

/** How a provider is used in a test file. */
export interface UseFakeProviderOptions extends ProviderOptions {
  /** Fails a test in which the client showed bad manners: any, or those named. */
  readonly judgeManners?: boolean | readonly VerdictName[];
}

/**
 * A provider for the tests of this file: listens before the first, begins again after each, and stops after the last.
 *
 * @throws {@link ConfigError} naming the field that is wrong.
 */
export function useFakeProvider(config: ConfigInput = {}, options: UseFakeProviderOptions = {}): TestProvider {
  const { judgeManners = false, ...rest } = options;
  const provider = createProvider(config, rest);
  let server: RunningServer | undefined;

  beforeAll(async () => {
    server = await serve(provider);
  });
  afterEach(() => {
    const complaint = judgeManners === false ? '' : complaints(provider, judgeManners);
    provider.reset();
    if (complaint !== '') throw new Error(`the client showed bad manners:\n${complaint}`);
  });
  afterAll(() => server?.close());

  return Object.defineProperty(provider as TestProvider, 'url', {
    get() {
      if (server === undefined) throw new Error('useFakeProvider: url is known once the tests run');
      return server.url;
    },
  });
}

/** One line for each finding. */
function complaints(provider: Provider, judged: true | readonly VerdictName[]): string {
  return provider
    .report()
    .manners.filter(({ verdict }) => judged === true || judged.includes(verdict as VerdictName))
    .flatMap(({ verdict, findings }) =>
      findings.map(
        ({ sequences, route, expected, actual }) =>
          `${verdict}: ${route} (request ${sequences.join(', ')}): expected ${expected}, got ${actual}`,
      ),
    )
    .join('\n');
}
