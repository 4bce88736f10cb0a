import type { Scenario } from '../scenario.ts';
import { refreshTokenRotation } from './auth/refresh-token-rotation.ts';
import { tokenEndpointUnavailable } from './auth/token-endpoint-unavailable.ts';
import { tokenExpiresMidRun } from './auth/token-expires-mid-run.ts';
import { tokenRevokedMidRun } from './auth/token-revoked-mid-run.ts';
import { cursorChurn } from './pagination/cursor-churn.ts';
import { cursorExpires } from './pagination/cursor-expires.ts';
import { cursorLoop } from './pagination/cursor-loop.ts';
import { duplicateRecords } from './pagination/duplicate-records.ts';
import { emptyPage } from './pagination/empty-page.ts';
import { foreignNext } from './pagination/foreign-next.ts';
import { lastPageSaysMore } from './pagination/last-page-says-more.ts';
import { lateCommits } from './pagination/late-commits.ts';
import { linkChurn } from './pagination/link-churn.ts';
import { offsetDrift } from './pagination/offset-drift.ts';
import { pageNumberDrift } from './pagination/page-number-drift.ts';
import { pageSizeCapped } from './pagination/page-size-capped.ts';
import { shortPage } from './pagination/short-page.ts';
import { ties } from './pagination/ties.ts';
import { windowCutOff } from './pagination/window-cut-off.ts';
import { wrongTotal } from './pagination/wrong-total.ts';
import { concurrency } from './rate-limit/concurrency.ts';
import { fixedWindow } from './rate-limit/fixed-window.ts';
import { hiddenLimit } from './rate-limit/hidden-limit.ts';
import { okFalse } from './rate-limit/ok-false.ts';
import { quotaExhausted } from './rate-limit/quota-exhausted.ts';
import { retryAfterGarbage } from './rate-limit/retry-after-garbage.ts';
import { retryAfterHttpDate } from './rate-limit/retry-after-http-date.ts';
import { retryAfterSeconds } from './rate-limit/retry-after-seconds.ts';
import { secondaryLimit } from './rate-limit/secondary-limit.ts';
import { tokenBucket } from './rate-limit/token-bucket.ts';
import { outage } from './resilience/outage.ts';
import { unavailableNowAndThen } from './resilience/unavailable-now-and-then.ts';
import { hostile } from './sync/hostile.ts';
import { hang } from './wire/hang.ts';
import { htmlErrorPage } from './wire/html-error-page.ts';
import { malformedJson } from './wire/malformed-json.ts';
import { reset } from './wire/reset.ts';
import { slowHeaders } from './wire/slow-headers.ts';
import { truncatedBody } from './wire/truncated-body.ts';
import { ambiguousCreate } from './writes/ambiguous-create.ts';
import { batchPartialFailure } from './writes/batch-partial-failure.ts';
import { batchTooLarge } from './writes/batch-too-large.ts';
import { keyInUse } from './writes/key-in-use.ts';
import { poisonItem } from './writes/poison-item.ts';

export type { Scenario } from '../scenario.ts';

/** Every scenario, in the order of its id. */
export const scenarios = [
  refreshTokenRotation,
  tokenEndpointUnavailable,
  tokenExpiresMidRun,
  tokenRevokedMidRun,
  cursorChurn,
  cursorExpires,
  cursorLoop,
  duplicateRecords,
  emptyPage,
  foreignNext,
  lastPageSaysMore,
  lateCommits,
  linkChurn,
  offsetDrift,
  pageNumberDrift,
  pageSizeCapped,
  shortPage,
  ties,
  windowCutOff,
  wrongTotal,
  concurrency,
  fixedWindow,
  hiddenLimit,
  okFalse,
  quotaExhausted,
  retryAfterGarbage,
  retryAfterHttpDate,
  retryAfterSeconds,
  secondaryLimit,
  tokenBucket,
  outage,
  unavailableNowAndThen,
  hostile,
  hang,
  htmlErrorPage,
  malformedJson,
  reset,
  slowHeaders,
  truncatedBody,
  ambiguousCreate,
  batchPartialFailure,
  batchTooLarge,
  keyInUse,
  poisonItem,
] as const satisfies readonly Scenario[];

/** The id of a scenario. */
export type ScenarioId = (typeof scenarios)[number]['id'];

/** The scenario with this id. */
export function scenario(id: ScenarioId): Scenario {
  return scenarios.find((other) => other.id === id)!;
}
