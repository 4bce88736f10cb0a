import { z } from 'zod';
import { grants } from './grants/index.ts';

const names = Object.keys(grants) as [keyof typeof grants, ...(keyof typeof grants)[]];

const secret = z.string().min(1);

/** RFC 6749, section 3.3. */
const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be one scope, without spaces, quotes, backslashes');

const client = z.union(
  [
    secret.transform((text) => ({ secret: text, organisation: 'default' })),
    z.strictObject({
      /** Left out for a public client, such as an app in a browser. */
      secret: secret.optional(),
      organisation: z.string().min(1).default('default'),
      /** Where the authorization endpoint may send a browser back to; on this machine anywhere, if left out. */
      redirectUris: z.array(z.url()).optional(),
      /** The scopes it may have; all there are, if left out. */
      scopes: z.array(scope).optional(),
    }),
  ],
  'must be a secret, or an object with secret and organisation',
);

const refresh = z.strictObject({
  /**
   * `none`: a refresh token stays good. `strict`: each is good once, and who presents a spent one loses the whole family.
   * `grace`: the same, but a spent one is still taken for `graceSeconds`, in case the answer was lost.
   */
  rotation: z.enum(['none', 'strict', 'grace']).default('strict'),
  graceSeconds: z.number().positive().default(30),
  /** How long a refresh token lives. */
  ttlSeconds: z.number().positive().default(5_184_000),
});

/** How a provider finds out who calls. */
export const authOptions = z.strictObject({
  /** Secrets by client id; or a secret and the organisation the client belongs to. */
  clients: z
    .record(z.string().min(1), client)
    .refine((clients) => Object.keys(clients).length > 0, 'must name at least one client')
    .prefault({ 'demo-client': 'demo-secret' }),
  tokenTtlSeconds: z.number().positive().default(3_600),
  revokeAfterRequests: z.int().min(1).optional(),
  /** What the token endpoint exchanges for a token. */
  grants: z.array(z.enum(names)).min(1).default(['client_credentials']),
  /** What `expires_in` says: the truth, nothing, the truth as a string, 0, -1, or ten times as long as it lasts. */
  expiresIn: z.enum(['stated', 'omitted', 'string', 'zero', 'negative', 'wrong']).default('stated'),
  /** How far the clock of who checks tokens is ahead of who issues them: they expire so much sooner than promised. */
  clockSkewSeconds: z.number().min(-31_536_000).max(31_536_000).default(0),
  refresh: refresh.prefault({}),
  /** Client ids by refresh tokens that are good from the start. */
  refreshTokens: z.record(secret, z.string()).default({}),
  /** How long an authorization code may be exchanged. */
  codeTtlSeconds: z.number().positive().default(60),
  /** Whether the authorization endpoint demands a `code_challenge` (RFC 7636). Public clients always need one. */
  pkce: z.enum(['required', 'optional']).default('required'),
  /** The scope that a route demands. */
  scopes: z.record(z.string(), scope).default({}),
  /** Client names by API keys, which never expire. They are taken where a token would be, or in `apiKeyHeader`. */
  apiKeys: z.record(secret, z.string().min(1)).default({}),
  apiKeyHeader: z
    .string()
    .regex(/^[a-z0-9-]+$/i, 'must be the name of a header')
    .transform((name) => name.toLowerCase())
    .default('x-api-key'),
  /** Whether a client's id and secret are taken as HTTP Basic credentials in place of a token, or an API key as the id. */
  basic: z.boolean().default(false),
});

/** How a provider finds out who calls, with every default filled in. */
export type AuthOptions = z.output<typeof authOptions>;

/** A client that a provider knows. */
export type Client = AuthOptions['clients'][string];
