/** The proxy of the chaos harness between real sockets: each way in which it misbehaves. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { startTcpProxy } from '../../chaos/tcp-proxy.ts';

/** Sends back what it receives. */
async function startEcho() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    target: { host: '127.0.0.1', port },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function dial(port: number) {
  const socket = connect(port, '127.0.0.1');
  const seen = { text: '', error: '' };
  socket.setEncoding('utf8').on('data', (text) => {
    seen.text += text;
  });
  socket.on('error', ({ message }) => {
    seen.error = message;
  });
  return { socket, seen, [Symbol.dispose]: () => void socket.destroy() };
}

test('passes on what it is given, and goes on after a stall', async () => {
  await using echo = await startEcho();
  await using proxy = await startTcpProxy(echo.target);
  using client = dial(proxy.port);
  client.socket.write('one');
  await expect.poll(() => client.seen.text).toBe('one');
  proxy.stall();
  client.socket.write('two');
  using other = dial(proxy.port);
  other.socket.write('hello');
  await once(other.socket, 'connect');
  expect(client.seen.text + other.seen.text).toBe('one');
  proxy.resume();
  await expect.poll(() => client.seen.text).toBe('onetwo');
  await expect.poll(() => other.seen.text).toBe('hello');
});

test('is late by the time that it is told, and keeps the order', async () => {
  await using echo = await startEcho();
  await using proxy = await startTcpProxy(echo.target);
  using client = dial(proxy.port);
  proxy.setLatency(60);
  const startedAt = performance.now();
  for (const piece of ['a', 'b', 'c']) client.socket.write(piece);
  await expect.poll(() => client.seen.text).toBe('abc');
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(110);
});

test('cuts what is open, and lets connect again', async () => {
  await using echo = await startEcho();
  await using proxy = await startTcpProxy(echo.target);
  using client = dial(proxy.port);
  client.socket.write('one');
  await expect.poll(() => client.seen.text).toBe('one');
  proxy.cut();
  await expect.poll(() => client.seen.error).toContain('ECONNRESET');
  using again = dial(proxy.port);
  again.socket.write('two');
  await expect.poll(() => again.seen.text).toBe('two');
});

test('leaves the near side alone when the far side is gone: it may write, and nothing answers', async () => {
  await using echo = await startEcho();
  await using proxy = await startTcpProxy(echo.target);
  using client = dial(proxy.port);
  client.socket.write('one');
  await expect.poll(() => client.seen.text).toBe('one');
  proxy.halfOpen();
  client.socket.write('two');
  using other = dial(proxy.port);
  other.socket.write('hello');
  await expect.poll(() => other.seen.text).toBe('hello');
  expect(client.socket.destroyed).toBe(false);
  expect(client.seen.text).toBe('one');
});

test('refuses when it leads nowhere', async () => {
  await using proxy = await startTcpProxy();
  using client = dial(proxy.port);
  await expect.poll(() => client.seen.error).toContain('ECONNRESET');
  await using echo = await startEcho();
  proxy.setTarget(echo.target);
  using again = dial(proxy.port);
  again.socket.write('one');
  await expect.poll(() => again.seen.text).toBe('one');
});
