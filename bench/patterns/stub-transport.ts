import type { ClientRequest, IncomingMessage } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import type { RequestFunction } from 'got';

/** Node's `http.request`, as far as got looks at it, without a socket: a status is all there is to an answer. */
export function stubTransport(send: () => Promise<number>): RequestFunction {
  return (_url, _options, callback) => {
    const request = Object.assign(new PassThrough({ autoDestroy: false }).resume(), { setTimeout: () => request });
    void send().then((statusCode) => {
      const response = Object.assign(Readable.from([]), { statusCode, headers: {}, rawHeaders: [], complete: true });
      Object.assign(request, { res: response });
      callback?.(response as unknown as IncomingMessage);
      request.emit('response', response);
    });
    return request as unknown as ClientRequest;
  };
}
