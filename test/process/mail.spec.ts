import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DataSource } from 'typeorm';
import { projectFolder, readSettings } from '../../src/config/settings.js';
import { dataSourceOptions } from '../../src/database/data-source.js';
import { newDatabase } from '../support/app.js';
import { eventually } from '../support/database.js';
import { certificate, mailsIn, startSmtp, type Smtp } from '../support/mail.js';
import { freePort, newFolder, startServer } from '../support/server.js';

const dist = (file: string) => JSON.stringify(pathToFileURL(join(projectFolder, 'dist', file)).href);

/** A process of the site that has a letter sent to each address in its argument, and dies the moment that is said to be done. */
const sendAndDie = `
  import { createApp } from ${dist('app.js')};
  import { readSettings } from ${dist('config/settings.js')};
  import { createLogger } from ${dist('http/logging.js')};
  import { MailService } from ${dist('mail/mail.service.js')};
  const settings = readSettings(process.env);
  const app = await createApp(settings, createLogger(settings, false));
  const letter = { view: 'reset-password', data: { link: settings.publicUrl + '/reset?token=canary' } };
  await Promise.all(JSON.parse(process.argv[1]).map((to) => app.get(MailService).send({ ...letter, to })));
  process.kill(process.pid, 'SIGKILL');
`;

async function leaveLetters(environment: Record<string, string>, addresses: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', sendAndDie, JSON.stringify(addresses)], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  if (signal !== 'SIGKILL') throw new Error(`The sender ended with ${code}:\n${errors}`);
}

/** Asks the database of a site, beside its processes. */
async function ask<Row>(environment: Record<string, string>, sql: string): Promise<Row[]> {
  const dataSource = await new DataSource(dataSourceOptions(readSettings(environment))).initialize();
  try {
    return await dataSource.query<Row[]>(sql);
  } finally {
    await dataSource.destroy();
  }
}

const addressesOf = ({ mails }: Smtp) => mails.flatMap((mail) => mail.to?.map(({ address }) => address)).toSorted();

describe.each(['sqlite', 'postgres'] as const)('letters on %s', (kind) => {
  let database: Awaited<ReturnType<typeof newDatabase>>;
  let environment: Record<string, string>;
  let smtp: Smtp | undefined;
  let port: number;

  beforeEach(async () => {
    database = await newDatabase(kind);
    port = Number(await freePort());
    environment = {
      DATA_DIR: newFolder(),
      PUBLIC_URL: 'http://127.0.0.1',
      SMTP_URL: `smtp://127.0.0.1:${port}`,
      ...(database && { DATABASE_URL: database.url }),
    };
  });
  afterEach(async () => {
    await smtp?.close();
    smtp = undefined;
    await database?.drop();
  });

  const rows = () => ask<{ id: string; dueAt: number }>(environment, 'SELECT * FROM "outbox"');
  const makeDue = () => ask(environment, '\nUPDATE "outbox" SET "dueAt" = 0');

  it('that were taken on before a SIGKILL, with no mail server there, arrive after the next start', async () => {
    const addresses = Array.from({ length: 8 }, (_, number) => `ada-${number}@example.com`);
    await leaveLetters(environment, addresses);
    expect(await rows()).toHaveLength(8);
    await makeDue();

    smtp = await startSmtp({ port });
    const server = await startServer(environment);
    await eventually(async () => (await rows()).length === 0);
    expect(addressesOf(smtp)).toEqual(addresses);
    expect(await server.stop()).toBe(0);
    expect(server.log()).not.toMatch(/canary|ada-/);
  });

  it('are sent once each by two processes that find them at the same moment', async () => {
    const addresses = Array.from({ length: 40 }, (_, number) => `ada-${number + 10}@example.com`);
    await leaveLetters(environment, addresses);
    await makeDue();

    const there = (smtp = await startSmtp({ port, pause: 60 }));
    const servers = await Promise.all([startServer(environment), startServer(environment)]);
    await eventually(() => there.mails.length >= 40);
    expect(await Promise.all(servers.map((server) => server.stop()))).toEqual([0, 0]);
    expect(await rows()).toEqual([]);
    expect(addressesOf(there)).toEqual(addresses);
  });

  it('of a process that died are sent by another that is running, with nobody asking it to', async () => {
    const there = (smtp = await startSmtp({ port }));
    const server = await startServer(environment);
    await leaveLetters(environment, ['left@example.com']);
    const wait = async (tries: number): Promise<void> =>
      eventually(() => there.mails.length > 0).catch((error: unknown) => {
        if (tries === 0) throw error;
        return wait(tries - 1);
      });
    await wait(3);
    expect(addressesOf(there)).toEqual(['left@example.com']);
    expect(await server.stop()).toBe(0);
  });
});

describe('an operator', () => {
  let smtp: Smtp | undefined;
  afterEach(async () => {
    await smtp?.close();
    smtp = undefined;
  });

  it('who ends the site while its mail server hangs sees it end with 0, and loses no letter', async () => {
    const there = (smtp = await startSmtp());
    there.mood = 'hangs';
    const environment = { DATA_DIR: newFolder(), PUBLIC_URL: 'http://127.0.0.1', SMTP_URL: there.url };
    await leaveLetters({ ...environment, SMTP_URL: 'smtp://127.0.0.1:1' }, ['ada@example.com']);
    await ask(environment, '\nUPDATE "outbox" SET "dueAt" = 0');

    const server = await startServer(environment);
    await eventually(() => there.connections === 1);
    const beginning = Date.now();
    expect(await server.stop()).toBe(0);
    expect(Date.now() - beginning).toBeLessThan(9_000);
    const [row] = await ask<{ dueAt: number }>(environment, 'SELECT * FROM "outbox"');
    expect(row?.dueAt).toBeLessThanOrEqual(Date.now());
  });

  it('whose mail server has a certificate that the machine trusts needs to say nothing of it', async () => {
    const there = (smtp = await startSmtp({ secure: true }));
    const trusted = join(newFolder(), 'trusted.pem');
    writeFileSync(trusted, certificate);
    const environment = {
      DATA_DIR: newFolder(),
      PUBLIC_URL: 'http://127.0.0.1',
      SMTP_URL: there.url.replace('smtp:', 'smtps:'),
      NODE_EXTRA_CA_CERTS: trusted,
    };
    await leaveLetters(environment, ['ada@example.com']);
    await ask(environment, '\nUPDATE "outbox" SET "dueAt" = 0');
    const server = await startServer(environment);
    await eventually(() => there.mails.length === 1);
    expect(await server.stop()).toBe(0);
  });

  it('who sets no mail server finds each mail in the data folder, and where in the log', async () => {
    const environment = { DATA_DIR: newFolder(), PUBLIC_URL: 'http://127.0.0.1' };
    await leaveLetters(environment, ['ada@example.com']);
    const server = await startServer(environment);
    await eventually(async () => (await mailsIn(server)).length === 1);
    await eventually(() => server.log().includes('SMTP_URL is not set'));
    expect(server.log()).toContain(`${environment.DATA_DIR}/outbox/`);
    expect(await server.stop()).toBe(0);
  });
});
