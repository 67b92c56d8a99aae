import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { eventually } from '../support/database.js';
import { person, Script, Visitor } from '../support/people.js';
import { table } from '../support/route-table.js';
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
      for (const { socket } of refused) if (socket.writable) socket.write(chunk('a'));
      upload.write(chunk('a'));
    }, 200);
    try {
      await Promise.all([headers, body, silent, ...refused.map(({ socket }) => socket)].map(end));
    } finally {
      clearInterval(drips);
    }
    expect(refused.map(({ what, heard }) => [what, heard().slice(9, 12)])).toEqual(
      refused.map(({ what, answer }) => [what, answer]),
    );
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

/** Ways in which a body comes, each as the headers of one that is taken somewhere. */
const ways: Readonly<Record<string, readonly string[]>> = {
  form: ['content-type: multipart/form-data; boundary=x'],
  piece: ['content-type: application/offset+octet-stream', 'tus-resumable: 1.0.0', 'upload-offset: 0'],
};

/**
 * Bodies that somebody begins to send, and goes on with for ever, who may not, or for which there is no room: each is
 * answered before it has come. A stranger and a member try every route that is closed to them, since any may be, or
 * become, one that takes uploads; an admin those for what is not there. The answers are those of the table of routes.
 */
async function refusedUploads() {
  const [member, keeper] = [new Visitor(server.url), new Visitor(server.url)];
  const [script, keeperScript] = [new Script(server.url), new Script(server.url)];
  await script.logIn(await member.register());
  await keeperScript.logIn({ ...person(), ...admin });
  await keeper.visit('/login', { form: admin });
  const carried = (path: string, browser?: Visitor, api?: Script) => {
    if (path.startsWith('/api/')) return api?.token === undefined ? [] : [`authorization: Bearer ${api.token}`];
    const cookies = [...(browser?.cookies ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
    return [`origin: ${server.url}`, ...(cookies && [`cookie: ${cookies}`])];
  };
  const begun = async (method: string, path: string, more: readonly string[], answer: string) => {
    const socket = await connectTo(server.url);
    const lines = [`${method} ${path} HTTP/1.1`, `host: ${new URL(server.url).host}`, ...more];
    socket.write(`${lines.join('\r\n')}\r\ntransfer-encoding: chunked\r\n\r\n${chunk('a')}`);
    return { what: `${method} ${path} ${more.join(' ').slice(0, 40)}`, socket, heard: () => socket.heard(), answer };
  };
  const all = [];
  for (const [name, [asStranger = '', asMember = '']] of Object.entries(table)) {
    const [method = '', pattern = ''] = name.split(' ');
    // a login by passkey without its cookie leads to the login too, but is open to everybody
    if (!['POST', 'PUT', 'PATCH'].includes(method) || pattern === '/login/passkey') continue;
    const path = pattern.replace(/:name/, 'slow.txt').replace(/:\w+/g, randomUUID());
    for (const way of Object.values(ways)) {
      if (/^(401|→\/login)$/.test(asStranger))
        all.push(begun(method, path, [...carried(path), ...way], asStranger === '401' ? '401' : '303'));
      if (asMember === '403') all.push(begun(method, path, [...carried(path, member, script), ...way], '403'));
      // what takes an id of a file or an upload, and a body that is no form's
      if (asMember === '403' && /\/(files|uploads)\/:id(\/(content|versions|replacement))?$/.test(pattern))
        all.push(begun(method, path, [...carried(path, keeper, keeperScript), ...way], '404'));
    }
  }
  for (const path of ['/api/v1/uploads', '/admin/uploads']) {
    const large = ['upload-length: 1000000000', 'upload-metadata: filename eA==', 'tus-resumable: 1.0.0'];
    const piece = 'content-type: application/offset+octet-stream';
    all.push(begun('POST', path, [...carried(path, keeper, keeperScript), ...large, piece], '507'));
  }
  const sockets = await Promise.all(all);
  expect(sockets.length).toBeGreaterThan(150);
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
  // a reset is an end too, which `once` would throw
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
}

async function statusOf(path: string): Promise<number | undefined> {
  const answer = await begin(server.url + path);
  answer.resume();
  return answer.statusCode;
}
