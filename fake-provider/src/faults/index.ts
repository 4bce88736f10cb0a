import { close } from './close.ts';
import { closeIdle } from './close-idle.ts';
import { drippedBody } from './dripped-body.ts';
import { gatewayTimeout } from './gateway-timeout.ts';
import { hang } from './hang.ts';
import { htmlErrorPage } from './html-error-page.ts';
import { hugeHeaders } from './huge-headers.ts';
import { internalError } from './internal-error.ts';
import { locked } from './locked.ts';
import { malformedJson } from './malformed-json.ts';
import { okFalse } from './ok-false.ts';
import { overloaded } from './overloaded.ts';
import { rateLimited } from './rate-limited.ts';
import { reset } from './reset.ts';
import { slowHeaders } from './slow-headers.ts';
import { truncatedBody } from './truncated-body.ts';
import { unauthorized } from './unauthorized.ts';
import { unavailable } from './unavailable.ts';
import { wrongContentType } from './wrong-content-type.ts';

/** Every fault, by the name used in a configuration. */
export const faults = {
  'rate-limited': rateLimited,
  unavailable,
  overloaded,
  'internal-error': internalError,
  'gateway-timeout': gatewayTimeout,
  unauthorized,
  locked,
  'ok-false': okFalse,
  'html-error-page': htmlErrorPage,
  'malformed-json': malformedJson,
  'wrong-content-type': wrongContentType,
  'huge-headers': hugeHeaders,
  reset,
  close,
  hang,
  'slow-headers': slowHeaders,
  'dripped-body': drippedBody,
  'truncated-body': truncatedBody,
  'close-idle': closeIdle,
} as const;
