import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect, createSecureContext, TLSSocket } from 'node:tls';
import { startApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/database.js';
import { certificate, certificateKey, startSmtp } from '../support/mail.js';

/** What PostgreSQL's clients ask for TLS with: its length, and a version that is none (protocol 3.0, SSLRequest). */
const sslRequest = '0000000804d2162f';

describe('a database on another machine, where the operator asks for TLS', () => {
  let server: Server;
  let answers: 'N' | 'S' = 'N';
  let heard: string[] = [];
  const sockets: Socket[] = [];
  beforeAll(async () => {
    server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.once('data', (first: Buffer) => {
        heard.push(first.toString('hex'));
        socket.write(answers);
        if (answers === 'N') return void socket.on('data', (more: Buffer) => heard.push(more.toString('hex')));
        const secureContext = createSecureContext({ cert: certificate, key: certificateKey });
        const secure = new TLSSocket(socket, { isServer: true, secureContext });
        secure.on('error', () => undefined);
        secure.on('data', (more: Buffer) => heard.push(more.toString('hex')));
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  const start = () => {
    const { port } = server.address() as AddressInfo;
    return startApp({ DATABASE_URL: `postgres://gate:the-password@127.0.0.1:${port}/gate?sslmode=verify-full` });
  };

  it('is told nothing where it has no TLS, and the start stops', async () => {
    [answers, heard] = ['N', []];
    await expect(start()).rejects.toThrow(/DATABASE_URL cannot be opened: .*SSL/);
    expect(heard).toEqual([sslRequest]);
  });

  it('is told nothing where its certificate is not one to trust', async () => {
    [answers, heard] = ['S', []];
    await expect(start()).rejects.toThrow(/DATABASE_URL cannot be opened: .*certificate/);
    expect(heard).toEqual([sslRequest]);
  });
});

describe('a mail server that knows old versions of TLS alone', () => {
  it('gets no mail and no password', async () => {
    const versions = { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    const smtp = await startSmtp({ ...versions, secure: true, disabledCommands: [] });
    let site: TestApp | undefined;
    try {
      // somebody who takes them is served
      const { port } = new URL(smtp.url);
      const client = connect({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false, ...versions });
      await once(client, 'secureConnect');
      expect(client.getProtocol()).toBe('TLSv1.1');
      client.destroy();

      const url = smtp.url.replace('smtp://', 'smtps://gate:the-password@');
      site = await startApp({ SMTP_URL: `${url}/?tls.rejectUnauthorized=false`, EMAIL_VERIFICATION: 'required' });
      await fetch(new URL('/api/v1/auth/register', site.url), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'Ada', email: 'ada@example.com', password: 'correct horse battery staple' }),
      });
      await eventually(() => site?.log().includes('a letter could not be sent and is tried again') ?? false);
      expect(smtp.mails).toEqual([]);
      expect(site.log()).toMatch(/"cause":"ERR_SSL_|"code":"ESOCKET"|"cause":"EPROTO"/);
    } finally {
      await site?.close();
      await smtp.close();
    }
  });
});
