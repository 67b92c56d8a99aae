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
import { sized } from '../support/suite.js';

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

/** A server whose admin asks a member to have a file, and which dies as the letter is to be queued, or just was. */
const remindAndDie = `
  import { createApp } from ${dist('app.js')};
  import { readSettings } from ${dist('config/settings.js')};
  import { createLogger } from ${dist('http/logging.js')};
  import { onThisMachine } from ${dist('http/caller.js')};
  import { StoredFile } from ${dist('files/stored-file.entity.js')};
  import { MailService } from ${dist('mail/mail.service.js')};
  import { Reminders } from ${dist('receipts/reminders.js')};
  import { DataSource } from ${JSON.stringify(import.meta.resolve('typeorm'))};
  const settings = readSettings(process.env);
  const app = await createApp(settings, createLogger(settings, false));
  await app.listen(0, '127.0.0.1');
  const [isQueued] = JSON.parse(process.argv[1]);
  const ada = { name: 'Ada', email: 'ada@example.com', password: 'a sentence of my own' };
  const headers = { 'content-type': 'application/json' };
  await fetch(await app.getUrl() + '/api/v1/auth/register', { method: 'POST', headers, body: JSON.stringify(ada) });
  const mail = app.get(MailService);
  const send = mail.send.bind(mail);
  mail.send = async (letter) => {
    if (isQueued) await send(letter);
    process.kill(process.pid, 'SIGKILL');
  };
  const file = await app.get(DataSource).getRepository(StoredFile).findOneByOrFail({ origin: 'welcome' });
  await app.get(Reminders).remind(file, { admin: null, caller: onThisMachine('1') });
  setInterval(() => undefined, 1000);
`;

const leaveLetters = (environment: Record<string, string>, addresses: readonly string[]) =>
  runToDeath(sendAndDie, environment, addresses);

async function runToDeath(
  script: string,
  environment: Record<string, string>,
  given: readonly unknown[],
): Promise<void> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, JSON.stringify(given)], {
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
    if (kind === 'postgres' && !sized('letters of a dead process that another sends, on SQLite alone', false, true))
      return;
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

describe('a reminder whose server is killed', () => {
  it.each([
    [false, 1],
    [true, 2],
  ])('before (or after: %s) its letter is queued is sent by the next, and is not lost', async (isQueued, letters) => {
    const smtp = await startSmtp();
    try {
      const WELCOME_FILE = join(newFolder(), 'minutes.txt');
      writeFileSync(WELCOME_FILE, 'the minutes');
      const environment = { DATA_DIR: newFolder(), PUBLIC_URL: 'http://127.0.0.1', SMTP_URL: smtp.url, WELCOME_FILE };
      await runToDeath(remindAndDie, { ...environment, SMTP_URL: 'smtp://127.0.0.1:1' }, [isQueued]);
      const state = () => ask<Record<string, number>>(environment, 'SELECT "takenAt", "sentAt" FROM "reminders"');
      expect(await state()).toEqual([{ takenAt: expect.any(Number), sentAt: null }]);
      // nobody has it after its lease of a minute
      await ask(environment, '\nUPDATE "reminders" SET "takenAt" = "takenAt" - 60001');
      await ask(environment, '\nUPDATE "outbox" SET "dueAt" = 0');
      const server = await startServer(environment);
      const reminders = () => smtp.mails.filter(({ subject }) => subject?.startsWith('A file waits for you'));
      await eventually(async () => reminders().length >= letters && typeof (await state())[0]?.sentAt === 'number');
      expect(await server.stop()).toBe(0);
      expect(reminders().map(({ to }) => to?.[0]?.address)).toEqual(Array(letters).fill('ada@example.com'));
    } finally {
      await smtp.close();
    }
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
    expect(await server.stop()).toBe(0);
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
