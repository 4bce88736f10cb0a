import { z } from 'zod';
import { defineFault, when } from '../fault.ts';

/** Answers with the page of a gateway that knows nothing of JSON; with 200, that of a login wall. */
export const htmlErrorPage = defineFault({
  name: 'html-error-page',
  summary: 'an HTML page in place of JSON, 502 or another status',
  options: z.strictObject({
    status: z
      .int()
      .min(200)
      .max(599)
      .refine((status) => ![204, 205, 304].includes(status), 'must be a status whose answer has a body')
      .default(502),
    when,
  }),
  apply(options, next) {
    if (options.when === 'after') next();
    return { status: options.status, headers: { 'content-type': 'text/html; charset=utf-8' }, body: PAGE };
  },
});

const PAGE = `<!DOCTYPE html>
<html>
<head><title>Bad Gateway</title></head>
<body><h1>Bad Gateway</h1><p>The upstream server sent an answer that could not be understood.</p></body>
</html>
`;
