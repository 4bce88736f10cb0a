import type { Call, Reply } from '../call.ts';
import { ConfigError } from '../config.ts';
import { plain } from '../dialects/dialect.ts';
import { Problem } from '../problem.ts';
import { createRouter } from '../routes.ts';
import type { Guard } from './access.ts';
import { adminRoutes } from './index.ts';
import type { Steered } from './route.ts';

/** What answers under `/__admin`: outside of faults and limits, and not in the ledger. */
export interface Admin {
  /** Answers one request. `guard` refuses those who may not steer; nobody is refused, if left out. */
  handle(call: Call, guard?: Guard): Reply;
}

/** Makes the admin of a provider. */
export function createAdmin(provider: Steered): Admin {
  const router = createRouter(adminRoutes);

  function answer(call: Call, guard: Guard | undefined): Reply {
    const { match, refusal } = router.find(call.method, call.path);
    // The page itself holds nothing, and asks for the token that its own requests need.
    if (!match?.route.isPublic) guard?.(call);
    if (match === undefined) throw refusal;
    return match.route.answer(provider, call, match.id ?? '');
  }

  return {
    handle(call, guard) {
      const { status, headers, body } = worded(() => answer(call, guard));
      return { status, headers: { ...COMMON_HEADERS, ...headers }, body: call.method === 'HEAD' ? '' : body };
    },
  };
}

const COMMON_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

function worded(attempt: () => Reply): Reply {
  try {
    return attempt();
  } catch (error) {
    if (error instanceof Problem) return plain.problem(error);
    if (!(error instanceof ConfigError)) throw error;
    return plain.problem(new Problem(400, 'invalid_field', error.message, { field: error.field }));
  }
}
