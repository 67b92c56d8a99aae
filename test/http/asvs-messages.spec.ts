import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { aSite } from '../support/app.js';
import { faultsOf } from '../support/faults.js';

const site = aSite();

/** What comes back for bytes that are sent as they are, until the server closes the connection. */
async function answersTo(text: string): Promise<string> {
  const { hostname, port } = new URL(site.url);
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk));
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(text, 'latin1');
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

const statusesOf = (answers: string) => [...answers.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => status);

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
const post = (headers: string, body: string) =>
  `POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n${headers}\r\n${body}`;

describe('a message whose end can be read in two ways', () => {
  // RFC 9112 6.1, 6.3, 5.1, 5.2, 7.1 and 2.2; RFC 9110 5.5
  it.each([
    ['a length and chunks', post(`Content-Length: 5\r\nTransfer-Encoding: chunked\r\n`, `0\r\n\r\n${smuggled}`)],
    ['chunks and a length', post(`Transfer-Encoding: chunked\r\nContent-Length: 5\r\n`, `0\r\n\r\n${smuggled}`)],
    ['two lengths', post(`Content-Length: 0\r\nContent-Length: ${smuggled.length}\r\n`, smuggled)],
    ['a length of two numbers', post(`Content-Length: 0, ${smuggled.length}\r\n`, smuggled)],
    ['a length with a sign', post(`Content-Length: +${smuggled.length}\r\n`, smuggled)],
    ['a length in hex', post('Content-Length: 0x10\r\n', smuggled)],
    ['chunked before another coding', post('Transfer-Encoding: chunked, identity\r\n', `0\r\n\r\n${smuggled}`)],
    ['a coding that nobody knows', post('Transfer-Encoding: xchunked\r\n', `0\r\n\r\n${smuggled}`)],
    ['a space before a colon', post('Transfer-Encoding : chunked\r\nContent-Length: 5\r\n', `0\r\n\r\n${smuggled}`)],
    ['a header over two lines', post('X-A: b\r\n Transfer-Encoding: chunked\r\nContent-Length : 5\r\n', smuggled)],
    ['a chunk whose size is none', post('Transfer-Encoding: chunked\r\n', `zz\r\n${smuggled}`)],
    ['a chunk that is longer than it says', post('Transfer-Encoding: chunked\r\n', `1\r\nabc\r\n0\r\n\r\n${smuggled}`)],
    ['a zero byte in a header', post('X-A: a\0b\r\nContent-Length: 0\r\n', smuggled)],
    ['a bare carriage return in a header', post('X-A: a\rContent-Length: 5\r\n', smuggled)],
    ['the beginning of HTTP/2', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${smuggled}`],
    ['a version that is none', `GET / HTTP/9.9\r\nHost: x\r\n\r\n${smuggled}`],
  ])('is refused, and what hides behind it is not read: %s', async (_, text) => {
    const answers = await answersTo(text);
    expect(statusesOf(answers).every((status) => /^(4\d\d|501|505)$/.test(status ?? ''))).toBe(true);
    expect(statusesOf(answers).length).toBeLessThanOrEqual(1);
    expect(site.log()).not.toContain('/smuggled');
  });

  it('would be read by this test, where nothing is wrong with it', async () => {
    const whole = `Content-Length: 0\r\n\r\n${smuggled.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')}`;
    const answers = await answersTo(`GET / HTTP/1.1\r\nHost: x\r\n${whole}`);
    expect(statusesOf(answers)).toEqual(['200', '404']);
    expect(site.log()).toContain('/smuggled');
  });
});

it('nothing of all that went wrong on the server’s side', () => {
  // a coding that nobody knows is 501 (RFC 9112 6.1)
  expect(faultsOf(site).filter(({ status }) => status !== 501)).toEqual([]);
});
