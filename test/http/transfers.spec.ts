import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { FilesService } from '../../src/files/files.service.js';
import type { StoredFile } from '../../src/files/stored-file.entity.js';
import { aSite } from '../support/app.js';
import { eventually } from '../support/database.js';
import { Script, Visitor } from '../support/people.js';

const MiB = 1_024 * 1_024;
const size = 64 * MiB;

const site = aSite();
let file: StoredFile;
beforeAll(async () => {
  const block = randomBytes(MiB);
  const stored = await site.app
    .get(FilesService)
    .add(Readable.from(Array.from({ length: size / MiB }, () => block)), { name: 'large.bin' });
  if (!stored) throw new Error('The file was not added.');
  file = stored;
});

/** A download that has begun with a bearer token, and of which one chunk was read. */
const beginDownload = (token: string) =>
  beginAt(`/api/v1/files/${file.id}/content`, { authorization: `Bearer ${token}` });

/** The same, by the link of the page. */
const beginInBrowser = ({ cookies }: Visitor) =>
  beginAt(`/files/${file.id}/download`, { cookie: [...cookies].map((pair) => pair.join('=')).join('; ') });

async function beginAt(
  path: string,
  headers: Record<string, string>,
): Promise<{ answer: IncomingMessage; taken: () => number }> {
  const asked = request(site.url + path, { agent: false, headers }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  let taken = 0;
  answer.on('error', () => undefined);
  answer.once('data', (chunk: Buffer) => {
    taken += chunk.length;
    answer.pause();
  });
  await eventually(() => taken > 0);
  return { answer, taken: () => taken };
}

/** Reads on, as fast as it comes: whether all of it came, or it was cut. */
async function readOn({ answer, taken }: Awaited<ReturnType<typeof beginDownload>>): Promise<'whole' | 'cut'> {
  let size = taken();
  answer.on('data', (chunk: Buffer) => (size += chunk.length));
  // a download that is cut says so by an error first
  const ended = new Promise((resolve) => answer.once('close', resolve));
  answer.resume();
  await ended;
  return size === file.size ? 'whole' : 'cut';
}

/** How the member's downloads ended, as the activity log has it. */
const outcomes = async (email: string) =>
  (
    await site.app
      .get(DataSource)
      .query<{ outcome: string; target: string }[]>(
        `SELECT "outcome", "target" FROM "events" WHERE "kind" = 'file.downloaded' AND "actor" = $1 ORDER BY "id"`,
        [email],
      )
  ).map(({ outcome, target }) => `${outcome} ${target}`);

const member = async () => {
  const script = new Script(site.url);
  const who = await script.register();
  return { script, who };
};

describe('a download of 64 MiB', () => {
  it('arrives whole while its session lasts', async () => {
    const { script } = await member();
    expect(await readOn(await beginDownload(script.token ?? ''))).toBe('whole');
  });

  it('stops when its session logs out', async () => {
    const { script, who } = await member();
    const download = await beginDownload(script.token ?? '');
    await script.ask('/api/v1/auth/logout', { method: 'POST' });
    await eventually(async () => (await outcomes(who.email)).length === 1);
    expect(await readOn(download)).toBe('cut');
  });

  it('stops when another process ends its session, or disables its member', async () => {
    for (const end of [
      'DELETE FROM "sessions" WHERE "userId" = (SELECT "id" FROM "users" WHERE "email" = $1)',
      'UPDATE "users" SET "disabledAt" = 1 WHERE "email" = $1',
    ]) {
      const { script, who } = await member();
      const download = await beginDownload(script.token ?? '');
      await site.app.get(DataSource).query(end, [who.email]);
      await eventually(async () => (await outcomes(who.email)).length === 1);
      expect(await readOn(download)).toBe('cut');
    }
  });

  it('goes on where another session of the member ends', async () => {
    const { script, who } = await member();
    const browser = new Visitor(site.url);
    await browser.visit('/login', { form: { ...who } });
    const download = await beginDownload(script.token ?? '');
    await browser.ask('/logout', { method: 'POST' });
    await sleep(2_500);
    expect(await readOn(download)).toBe('whole');
  });
});

describe('a download of a browser', () => {
  const visitor = async () => {
    const browser = new Visitor(site.url);
    const who = await browser.register();
    return { browser, who };
  };

  it('arrives whole while its session lasts', async () => {
    const { browser } = await visitor();
    const download = await beginInBrowser(browser);
    await sleep(1_500);
    expect(await readOn(download)).toBe('whole');
  });

  it('stops when the browser logs out', async () => {
    const { browser, who } = await visitor();
    const download = await beginInBrowser(browser);
    await browser.ask('/logout', { method: 'POST' });
    await eventually(async () => (await outcomes(who.email)).length === 1);
    expect(await readOn(download)).toBe('cut');
  });

  it('goes on when its member proves again who they are, and stops when they log out then', async () => {
    const { browser, who } = await visitor();
    const [whole, cut] = [await beginInBrowser(browser), await beginInBrowser(browser)];
    await browser.ask('/account/proof', { form: { password: who.password } });
    await sleep(1_500);
    expect(await readOn(whole)).toBe('whole');
    await browser.ask('/logout', { method: 'POST' });
    await eventually(async () => (await outcomes(who.email)).length === 2);
    expect(await readOn(cut)).toBe('cut');
  });
});

describe('a download with a personal token', () => {
  const withToken = async () => {
    const { script, who } = await member();
    const made = await script.ask('/api/v1/users/me/tokens', { json: { name: 'nightly backup', scope: 'read' } });
    const { token, session } = (await made.json()) as { token: string; session: { id: string } };
    return { script, who, token, id: session.id };
  };

  it('arrives whole although the login ends that made the token', async () => {
    const { script, token } = await withToken();
    const download = await beginDownload(token);
    await script.ask('/api/v1/auth/logout', { method: 'POST' });
    await sleep(2_500);
    expect(await readOn(download)).toBe('whole');
  });

  it('stops when the token is ended', async () => {
    const { script, who, id, token } = await withToken();
    const download = await beginDownload(token);
    expect((await script.ask(`/api/v1/users/me/sessions/${id}`, { method: 'DELETE' })).status).toBe(204);
    await eventually(async () => (await outcomes(who.email)).length === 1);
    expect(await readOn(download)).toBe('cut');
  });
});

describe('a download whose member proves again who they are', () => {
  const prove = async (script: Script, password: string) => {
    const answer = await script.ask('/api/v1/users/me/proof', { method: 'PUT', json: { password } });
    script.token = ((await answer.json()) as { access_token: string }).access_token;
  };

  it('goes on, however often that is', async () => {
    const { script, who } = await member();
    const download = await beginDownload(script.token ?? '');
    for (let round = 0; round < 3; round++) await prove(script, who.password);
    await sleep(1_500);
    await prove(script, who.password);
    await sleep(1_500);
    expect(await readOn(download)).toBe('whole');
  });

  it('stops when the session ends after that', async () => {
    const { script, who } = await member();
    const download = await beginDownload(script.token ?? '');
    await prove(script, who.password);
    await script.ask('/api/v1/auth/logout', { method: 'POST' });
    await eventually(async () => (await outcomes(who.email)).length === 1);
    expect(await readOn(download)).toBe('cut');
  });
});

describe('the activity log', () => {
  it('has a line for a download that ended, and for one that broke off', async () => {
    const { script, who } = await member();
    await readOn(await beginDownload(script.token ?? ''));
    await eventually(async () => (await outcomes(who.email)).length === 1);
    const { answer } = await beginDownload(script.token ?? '');
    answer.destroy();
    await eventually(async () => (await outcomes(who.email)).length === 2);
    expect(await outcomes(who.email)).toEqual(['success large.bin', 'broken large.bin']);
  });
});
