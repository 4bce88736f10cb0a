import { grants } from './grants/index.ts';

/** Every way of letting a client in, with one line for people who choose. */
export function listAuth(): { readonly name: string; readonly summary: string }[] {
  return [
    ...Object.values(grants).map(({ name, summary }) => ({ name, summary })),
    { name: 'api-key', summary: 'a key that never expires, where a token would be or in a header (auth.apiKeys)' },
    { name: 'basic', summary: 'client id and secret, or an API key as the id, as HTTP Basic (auth.basic; RFC 7617)' },
  ];
}
