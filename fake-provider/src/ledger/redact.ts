/** Tells secrets from other text, and takes them out of what is kept. */
export interface Redactor {
  /** Whether this is a secret that the provider knows: a token it issued, a client's secret. */
  isSecret(text: string): boolean;
  /** The path without anything that is a secret, or looks like one, or was presented as one beside it. */
  path(path: string, presented: readonly string[]): string;
}

const REDACTED = '[redacted]';

/** How well-known platforms spell their secrets, and JSON web tokens. */
const LOOKS_SECRET =
  /(?:tok|sk|rk|pk|xox[abeprs]|gh[opsu]|github_pat|ya29|shpat|pat|secret)[-_.][\w.~+-]{8,}|eyJ[\w-]+\.[\w-]+\.[\w-]*/g;

const BETWEEN_TOKENS = /[^\w.~+-]/;

/** Longer than any path that leads somewhere. */
const MAX_PATH_LENGTH = 300;

/**
 * Makes a redactor. `isToken` says of any text whether it was ever issued as a token; to `hidden`, which are secret too,
 * more may come later.
 */
export function createRedactor(
  secrets: Iterable<string>,
  isToken: (text: string) => boolean,
  hidden: ReadonlySet<string> = new Set(),
): Redactor {
  const known = new Set(secrets);
  const telling = [...known].filter(isTelling);
  const isSecret = (text: string): boolean => text !== '' && (known.has(text) || hidden.has(text) || isToken(text));

  return {
    isSecret,
    path(path, presented) {
      const all = hidden.size === 0 ? telling : [...telling, ...[...hidden].filter(isTelling)];
      const whole = decoded(path);
      // In none of the steps would one be found that has a slash.
      if (all.some((secret) => secret.includes('/') && whole.includes(secret))) return `/${REDACTED}`;
      const steps = path.split('/').map((step) => {
        const text = decoded(step);
        const isPresented = presented.some((secret) => secret !== '' && text.includes(secret));
        const holdsKnown = all.some((secret) => text.includes(secret));
        const holdsToken = BETWEEN_TOKENS.test(text) && text.split(BETWEEN_TOKENS).some(isSecret);
        if (isSecret(text) || isPresented || holdsKnown || holdsToken) return REDACTED;
        return step.replace(LOOKS_SECRET, REDACTED);
      });
      return steps.join('/').slice(0, MAX_PATH_LENGTH);
    },
  };
}

/** Everything a request presents as a secret: what stands in its credential headers and cookies, whole and in parts. */
export function presentedSecrets(headers: Readonly<Record<string, string | undefined>>): string[] {
  const secrets: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || !/authorization|cookie|api-?key|token|secret|idempotency/.test(name)) continue;
    const parts = value.split(/[\s;,]+|(?<=^[^=]*)=/).filter((part) => part.length > 5);
    secrets.push(value, ...parts);
  }
  return secrets;
}

/** A shorter one would be found in half of all words. */
function isTelling(secret: string): boolean {
  return secret.length > 3;
}

function decoded(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
