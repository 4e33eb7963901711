/** The process to compare with: the least that can stand between a client and the upstream. It sends bytes on and looks at none. */
import { Agent, request as connect, createServer } from 'node:http';
import { listen } from './listen.ts';
import { answer } from './rpc.ts';
import { USAGE_ANSWERS } from './usage.ts';

const agent = new Agent({ keepAlive: true });
let upstreamUrl = '';

const server = createServer((request, response) => {
  const { method, url, headers } = request;
  response.socket?.setNoDelay();
  const upstream = connect(`${upstreamUrl}${url}`, { method, headers, agent }, (answered) => {
    response.writeHead(answered.statusCode ?? 502, answered.headers);
    answered.pipe(response);
  });
  upstream.once('error', () => response.destroy());
  response.once('close', () => upstream.destroy());
  request.pipe(upstream);
});

answer({
  ...USAGE_ANSWERS,
  listen(input) {
    upstreamUrl = String(input);
    return listen(server);
  },
});
