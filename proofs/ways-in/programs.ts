/** What a program does with a pattern, for every pattern: least of all it shows that the code that arrived runs. */
const USES: Readonly<Record<string, { readonly names: string; readonly use: string }>> = {
  'adaptive-throttle': policy('adaptiveThrottle', 'adaptiveThrottle()'),
  backoff: policy('backoff', 'backoff({ attempts: 2 })'),
  batch: {
    names: 'batch',
    use: `for await (const { index } of batch(API, [{ id: 1 }], { fetch: answer })) console.log(index === 0 ? 200 : index);`,
  },
  'circuit-breaker': policy('circuitBreaker', 'circuitBreaker()'),
  'concurrency-limit': policy('concurrencyLimit', 'concurrencyLimit({ max: 2 })'),
  'cursor-pagination': pages('cursorPagination', '{ fetch: answer, next: () => null }'),
  'idempotency-key': policy('idempotencyKey', 'idempotencyKey()'),
  'keyset-pagination': pages('keysetPagination', "{ fetch: answer, params: { after: 'after_id' } }"),
  'link-pagination': pages('linkPagination', '{ fetch: answer }'),
  'offset-pagination': pages('offsetPagination', '{ fetch: answer }'),
  'request-log': policy('requestLog', 'requestLog()'),
  'resumable-sync': {
    names: 'resumableSync',
    use: `const response = await answer(API);
const pages = async function* () {
  yield { items: [{ id: '1' }], response, resume: {} };
};
const { added } = await resumableSync(
  pages,
  { load: () => null, commit: (_source, { length }) => ({ added: length, changed: 0 }) },
  { source: API },
);
console.log(added === 1 ? 200 : added);`,
  },
  timeout: policy('timeout', 'timeout({ afterMs: 1_000 })'),
  'token-bucket': policy('tokenBucket', 'tokenBucket({ ratePerSecond: 10 })'),
  'token-cache': {
    names: 'tokenCache',
    use: `const tokens = tokenCache({ request: async () => ({ access_token: 'token', expires_in: 60 }) });
const { value } = await tokens.get();
const response = await answer(API, { headers: { authorization: \`Bearer \${value}\` } });
console.log(value === 'token' ? response.status : value);`,
  },
};

/** The patterns that a program is known for. */
export const PATTERNS: readonly string[] = Object.keys(USES);

/** What every program prints. */
export const PRINTED = '200\n';

/** A program that imports a pattern from somewhere, uses it once, and prints {@link PRINTED}. */
export function programOf(pattern: string, language: 'ts' | 'js', specifier: string): string {
  const { names, use } = USES[pattern]!;
  return `import { ${names} } from '${specifier}';

const API = 'https://api.test';
const answer${language === 'ts' ? ': typeof fetch' : ''} = async (url) =>
  Response.json(/offset=[1-9]/.test(String(url)) ? [] : [{ id: '1' }]);

${use}
`;
}

function policy(names: string, call: string) {
  return { names, use: `console.log((await ${call}(answer)(API)).status);` };
}

function pages(name: string, options: string) {
  return {
    names: name,
    use: `let count = 0;
for await (const { items } of ${name}(API, ${options})) count += items.length;
console.log(count === 1 ? 200 : count);`,
  };
}
