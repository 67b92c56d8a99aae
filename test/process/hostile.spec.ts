import { beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { eventually } from '../support/database.js';
import { person, Script } from '../support/people.js';
import { begin, connectTo, startServer, type Server } from '../support/server.js';

let server: Server;
const admin = { email: 'keeper@example.com', password: 'the keeper of all the keys' };
beforeAll(
  async () =>
    void (server = await startServer({
      ADMIN_EMAIL: admin.email,
      ADMIN_PASSWORD: admin.password,
      LIBRARY_QUOTA: '100MB',
    })),
);

describe('a client that wastes the time of the site', () => {
  // in real time: the waiting times of app.ts are no settings
  it('is cut when its headers, or its body, come a byte at a time without an end, but for a file that is added', async () => {
    const upload = await beginUpload();
    const headers = await connectTo(server.url);
    const body = await connectTo(server.url);
    const silent = await connectTo(server.url);
    const refused = await refusedUploads();
    headers.write('GET / HTTP/1.1\r\nhost: here\r\nx-slow: ');
    body.write('POST /login HTTP/1.1\r\nhost: here\r\ncontent-type: application/x-www-form-urlencoded\r\n');
    body.write('content-length: 10000\r\n\r\nemail=');
    const drips = setInterval(() => {
      for (const socket of [headers, body]) if (socket.writable) socket.write('a');
      for (const socket of refused) if (socket.writable) socket.write(chunk('a'));
      upload.write(chunk('a'));
    }, 200);
    try {
      await Promise.all([headers, body, silent, ...refused].map(end));
    } finally {
      clearInterval(drips);
    }
    expect(refused.map((socket) => socket.heard().slice(9, 12))).toEqual([
      '401',
      '401',
      '401',
      '403',
      '403',
      '403',
      '507',
    ]);
    for (const slow of [headers, body]) expect(slow.heard()).toMatch(/^HTTP\/1\.1 408 |^$/);
    expect(upload.heard()).toBe('');
    upload.write(`${chunk('\r\n--x--\r\n')}${chunk('')}`);
    await eventually(() => upload.heard().length > 0);
    expect(upload.heard()).toMatch(/^HTTP\/1\.1 201 /);
    upload.destroy();
    expect(await statusOf('/health')).toBe(200);
  });

  it('is told that its headers are too many', async () => {
    const socket = await connectTo(server.url);
    socket.write(`GET / HTTP/1.1\r\nhost: here\r\n${`x-more: ${'a'.repeat(1_000)}\r\n`.repeat(17)}\r\n`);
    await end(socket);
    expect(socket.heard()).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('is told that its body is too large, before it has sent it', async () => {
    const socket = await connectTo(server.url);
    socket.write('POST /login HTTP/1.1\r\nhost: here\r\ncontent-type: application/x-www-form-urlencoded\r\n');
    socket.write('content-length: 1000000000\r\n\r\n');
    await eventually(() => Promise.resolve(socket.heard().length > 0));
    expect(socket.heard()).toMatch(/^HTTP\/1\.1 413 /);
    socket.destroy();
  });

  it('is told that what it says is not HTTP', async () => {
    for (const nonsense of ['hello\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00', 'GET / HTTP/9.9\r\n\r\n']) {
      const socket = await connectTo(server.url);
      socket.write(nonsense);
      await end(socket);
      expect(socket.heard()).toMatch(/^HTTP\/1\.1 (400|505) /);
    }
  });
});

it('connections beyond MAX_CONNECTIONS are refused, until others leave', async () => {
  const small = await startServer({ MAX_CONNECTIONS: '10' });
  const kept: Socket[] = [];
  for (let turn = 0; turn < 10; turn++) kept.push(await answeredConnection(small));
  for (let turn = 0; turn < 5; turn++) {
    const refused = await connectTo(small.url);
    await end(refused);
    expect(refused.heard()).toBe('');
  }
  for (const socket of kept.slice(0, 5)) socket.destroy();
  await eventually(async () => {
    try {
      (await answeredConnection(small)).destroy();
      return true;
    } catch {
      return false;
    }
  });
});

/** An admin's upload, of whose file only the first byte has been sent. */
async function beginUpload() {
  const script = new Script(server.url);
  await script.logIn({ ...person(), ...admin });
  const socket = await connectTo(server.url);
  socket.write(`POST /api/v1/files HTTP/1.1\r\nhost: here\r\nauthorization: Bearer ${script.token ?? ''}\r\n`);
  socket.write('content-type: multipart/form-data; boundary=x\r\ntransfer-encoding: chunked\r\n\r\n');
  socket.write(chunk('--x\r\ncontent-disposition: form-data; name="file"; filename="slow.txt"\r\n\r\na'));
  return socket;
}

/** Uploads that somebody begins who may not, or for which there is no room: each is answered before its body has come. */
async function refusedUploads() {
  const member = new Script(server.url);
  await member.register();
  const script = new Script(server.url);
  await script.logIn({ ...person(), ...admin });
  const file = '/api/v1/uploads/slow.txt';
  const form = '/api/v1/files\r\ncontent-type: multipart/form-data; boundary=x';
  const tus = '/api/v1/uploads\r\ntus-resumable: 1.0.0\r\nupload-length: 10';
  const begun = (method: string, target: string, token?: string) => {
    const [path = '', ...more] = target.split('\r\n');
    const authorization = token === undefined ? [] : [`authorization: Bearer ${token}`];
    const lines = [`${method} ${path} HTTP/1.1`, 'host: here', ...authorization, ...more, 'transfer-encoding: chunked'];
    return connectTo(server.url).then((socket) => {
      socket.write(`${lines.join('\r\n')}\r\n\r\n${chunk('a')}`);
      return socket;
    });
  };
  const sockets = [];
  for (const token of [undefined, member.token])
    for (const [method, target] of [
      ['PUT', file],
      ['POST', form],
      ['POST', tus],
    ] as const)
      sockets.push(await begun(method, target, token));
  const large = `/api/v1/uploads\r\ntus-resumable: 1.0.0\r\nupload-length: 1000000000\r\nupload-metadata: filename eA==`;
  sockets.push(await begun('POST', `${large}\r\ncontent-type: application/offset+octet-stream`, script.token));
  return sockets;
}

const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

/** A connection that stays open after its answer. */
async function answeredConnection({ url }: Server): Promise<Socket> {
  const socket = await connectTo(url);
  socket.write('GET /health HTTP/1.1\r\nhost: here\r\n\r\n');
  await Promise.race([once(socket, 'data'), end(socket)]);
  if (socket.heard() === '') throw new Error('The connection was refused.');
  return socket;
}

async function end(socket: Socket): Promise<void> {
  if (!socket.closed) await once(socket, 'close');
}

async function statusOf(path: string): Promise<number | undefined> {
  const answer = await begin(server.url + path);
  answer.resume();
  return answer.statusCode;
}
