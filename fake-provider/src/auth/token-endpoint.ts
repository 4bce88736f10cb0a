import type { Call, Reply } from '../call.ts';
import type { AuthOptions } from './auth-options.ts';
import { GrantError, type Granted, type GrantSite } from './grants/grant.ts';
import { grants } from './grants/index.ts';
import type { TokenSite, TokenWords } from './token-words.ts';

/** Answers a token request, with errors as RFC 6749, section 5.2, has them. */
export function answerTokenRequest(
  request: TokenSite,
  site: GrantSite,
  words: TokenWords,
  issue: (client: string, granted: Granted) => string,
): Reply {
  const { call } = request;
  const { options } = site;
  const invalid = (description: string): Reply => words.refusal({ status: 400, error: 'invalid_request', description });
  const [mediaType] = (call.headers['content-type'] ?? '').toLowerCase().split(/ *;/);
  if (mediaType !== words.mediaType) return invalid(`content-type must be ${words.mediaType}`);

  const form = words.form(call);
  const fields = new Set<string>();
  const repeated = [...form.keys()].find((field) => fields.size === fields.add(field).size);
  if (repeated !== undefined) return invalid(`${printable(repeated)} must be given once`);
  if (call.headers.authorization !== undefined && form.has('client_secret')) {
    return invalid('client_secret must not be given beside authorization');
  }

  const client = readClient(call, form);
  if (client === undefined || !isGenuine(client, options)) {
    const description = 'client_id is unknown, or client_secret is wrong';
    const headers = { 'www-authenticate': 'Basic realm="token"' };
    return words.refusal({ status: 401, error: 'invalid_client', description, headers });
  }

  const type = form.get('grant_type');
  if (!type) return invalid('grant_type is missing');
  const name = options.grants.find((each) => each === type);
  if (name === undefined) {
    const description = `grant_type must be ${options.grants.join(' or ')}`;
    return words.refusal({ status: 400, error: 'unsupported_grant_type', description });
  }
  try {
    const granted = grants[name].exchange({ client: client.id, form }, site);
    const { refreshToken, scope } = granted;
    const expiresInSeconds = toldLifetime(options);
    const grant = {
      accessToken: issue(client.id, granted),
      ...(expiresInSeconds === undefined ? {} : { expiresInSeconds }),
      ...(refreshToken === undefined ? {} : { refreshToken }),
      ...(scope === undefined ? {} : { scope }),
    };
    return words.grant(grant, request);
  } catch (error) {
    if (!(error instanceof GrantError)) throw error;
    return words.refusal({ status: 400, error: error.code, description: error.message });
  }
}

/** Whether a client has proven who it is. One without a secret cannot, and need not. */
function isGenuine({ id, secret }: { id: string; secret: string }, { clients }: AuthOptions): boolean {
  return Object.hasOwn(clients, id) && (clients[id]!.secret ?? '') === secret;
}

/** What `expires_in` says. */
function toldLifetime({ expiresIn, tokenTtlSeconds }: AuthOptions): number | string | undefined {
  const seconds = Math.floor(tokenTtlSeconds);
  switch (expiresIn) {
    case 'stated':
      return seconds;
    case 'omitted':
      return undefined;
    case 'string':
      return `${seconds}`;
    case 'zero':
      return 0;
    case 'negative':
      return -1;
    case 'wrong':
      return seconds * 10;
  }
}

/** The client id of a token request, unchecked: enough to count requests by. */
export function claimedClient(call: Call, words: TokenWords): string | undefined {
  return readClient(call, words.form(call))?.id;
}

/** `client_secret_basic` (both parts form-encoded before base64, RFC 6749, 2.3.1) or `client_secret_post`. */
function readClient(call: Call, form: URLSearchParams): { id: string; secret: string } | undefined {
  const basic = /^basic +([a-z0-9+/]+=*)$/i.exec(call.headers.authorization ?? '')?.[1];
  if (basic !== undefined) return readBasic(basic, formDecoded);
  const id = form.get('client_id');
  return id === null ? undefined : { id, secret: form.get('client_secret') ?? '' };
}

/** The two parts of HTTP Basic credentials (RFC 7617), or `undefined` where they are none. */
export function readBasic(
  credential: string,
  decoded: (text: string) => string = (text) => text,
): { id: string; secret: string } | undefined {
  try {
    const [, id = '', secret = ''] = /^([^:]*):?(.*)$/s.exec(atob(credential))!;
    return { id: decoded(id), secret: decoded(secret) };
  } catch {
    return undefined;
  }
}

function formDecoded(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

/** RFC 6749, section 5.2, allows few characters in a description. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?').slice(0, 40);
}
