/** An Express 5 app that sends the provider's bytes from memory: as fast as Express is. */
import { readFileSync } from 'node:fs';
import express from 'express';

const [file = '', port = '0'] = process.argv.slice(2);
const { headers, body } = JSON.parse(readFileSync(file, 'utf8')) as { headers: Record<string, string>; body: string };

express()
  .disable('x-powered-by')
  .disable('etag')
  .use((_request, response) => {
    response.set(headers).send(body);
  })
  .listen(Number(port), '127.0.0.1');
