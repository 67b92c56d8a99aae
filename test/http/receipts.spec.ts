import { beforeAll, describe, expect, it } from '@jest/globals';
import { Readable } from 'node:stream';
import { DataSource } from 'typeorm';
import { FilesService } from '../../src/files/files.service.js';
import { adminOf, idOf, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { eventually } from '../support/database.js';
import { messageOf } from '../support/html.js';
import { linkIn, mailsIn, waitForMail } from '../support/mail.js';
import { person, Script, type Visitor, type Person } from '../support/people.js';
import { shelve, type Shelved } from '../support/stored.js';

const site = aSite(() => startWithAdmin());
let admin: { browser: Visitor; script: Script };
beforeAll(async () => {
  admin = await adminOf(site);
});

interface Member {
  readonly who: Person;
  readonly script: Script;
  readonly id: string;
}

async function join(name = 'Ada Lovelace'): Promise<Member> {
  const [script, who] = [new Script(site.url), person({ name })];
  await script.register(who);
  return { who, script, id: await idOf(site, who) };
}

const json = async <Body>(answer: Response | Promise<Response>) => (await (await answer).json()) as Body;
const pathOf = ({ file }: Shelved) => `/api/v1/files/${file.id}`;
const share = (shelved: Shelved, ...members: Member[]) =>
  admin.script.ask(`${pathOf(shelved)}/audience`, {
    method: 'PUT',
    json: { everyone: false, members: members.map(({ id }) => id) },
  });

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly bytes: number;
}

const receiptsOf = async (shelved: Shelved, query = '') =>
  (await json<{ items: Shown[] }>(admin.script.ask(`${pathOf(shelved)}/receipts${query}`))).items.map(
    ({ id, state, bytes }) => ({ id, state, bytes }),
  );

const get = async (shelved: Shelved, { script }: Member, range?: string) =>
  (await script.ask(shelved.content, { headers: range ? { range } : {} })).arrayBuffer();

describe('the receipts of a file', () => {
  it('say of everybody who may have it how far they are, and of nobody else', async () => {
    const [ada, grace, mary, stranger] = [await join(), await join(), await join(), await join()];
    const shelved = await shelve(site, 1_000, 'minutes.txt');
    await share(shelved, ada, grace, mary);
    await get(shelved, ada);
    await get(shelved, grace, 'bytes=0-249');
    const expected = [
      { id: mary.id, state: 'none', bytes: 0 },
      { id: grace.id, state: 'started', bytes: 250 },
      { id: ada.id, state: 'complete', bytes: 1_000 },
    ];
    await eventually(async () => (await receiptsOf(shelved))[2]?.state === 'complete');
    expect(await receiptsOf(shelved)).toEqual(expected);
    for (const state of ['complete', 'started', 'none'])
      expect(await receiptsOf(shelved, `?state=${state}`)).toEqual(expected.filter((one) => one.state === state));
    expect(await receiptsOf(shelved, `?q=${grace.who.email}`)).toEqual([expected[1]]);
    const first = await json<{ nextCursor: string }>(admin.script.ask(`${pathOf(shelved)}/receipts?limit=2`));
    expect(await receiptsOf(shelved, `?limit=2&cursor=${first.nextCursor}`)).toEqual([expected[2]]);
    expect((await admin.script.ask(`${pathOf(shelved)}/receipts?state=half`)).status).toBe(422);

    const { html } = await admin.browser.visit(`/admin/files/${shelved.file.id}/receipts`);
    expect(html).toContain('Started, 25 %');
    expect(html).not.toContain(stranger.who.email);
    const own = await admin.browser.visit(`/admin/members/${grace.id}/receipts`);
    expect([own.html.includes('minutes.txt'), own.html.includes('Started, 25 %')]).toEqual([true, true]);

    await admin.script.ask(`/api/v1/users/${mary.id}`, { method: 'PATCH', json: { disabled: true } });
    await site.app.get(FilesService).addVersion(shelved.file, Readable.from([Buffer.from('second')]));
    expect(await receiptsOf(shelved)).toEqual([
      { id: grace.id, state: 'none', bytes: 0 },
      { id: ada.id, state: 'none', bytes: 0 },
    ]);
    await admin.script.ask(`${pathOf(shelved)}/audience`, { method: 'PUT', json: { everyone: true } });
    const everybody = (await receiptsOf(shelved, '?limit=100')).map(({ id }) => id);
    expect(everybody).toEqual(expect.arrayContaining([ada.id, grace.id, stranger.id]));
    expect(everybody).not.toContain(mary.id);
  });

  it('come as a table, in which no name is a formula', async () => {
    const [ada, formula] = [await join(), await join('=1+1')];
    const shelved = await shelve(site, 10);
    await share(shelved, ada, formula);
    await get(shelved, ada);
    await eventually(async () => (await receiptsOf(shelved, '?state=complete')).length === 1);
    const answer = await admin.browser.ask(`/admin/files/${shelved.file.id}/receipts.csv`);
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="receipts.csv"');
    const lines = (await answer.text()).split('\r\n');
    expect(lines.slice(0, 2)).toEqual([
      'name,email,state,bytes,completedAt,lastAt',
      `"'=1+1","${formula.who.email}","none","0",,`,
    ]);
    expect(lines[2]).toMatch(new RegExp(`^"Ada Lovelace","${ada.who.email}","complete","10","20`));
  });
});

describe('a reminder', () => {
  it('goes to those who do not have all of it, once a day', async () => {
    const [ada, grace, mary] = [await join(), await join(), await join()];
    const shelved = await shelve(site, 10, 'annual “report”.pdf');
    await share(shelved, ada, grace);
    await get(shelved, ada);
    await eventually(async () => (await receiptsOf(shelved, '?state=complete')).length === 1);
    const remind = () => json<{ count: number }>(admin.script.ask(`${pathOf(shelved)}/reminders`, { method: 'POST' }));
    expect(await remind()).toEqual({ count: 1 });
    const letter = await waitForMail(site, grace.who.email, /^A file waits for you/);
    expect(letter.text).toContain('annual “report”.pdf');
    expect(new URL(linkIn(letter)).pathname).toBe(`/files/${shelved.file.id}`);
    expect(await remind()).toEqual({ count: 0 });
    await site.app.get(DataSource).query(`UPDATE "reminders" SET "askedAt" = "askedAt" - 86400001`);
    const again = await admin.browser.visit(`/admin/files/${shelved.file.id}/reminders`, { form: {} });
    expect(messageOf(again.html, 'status')).toBe(
      'This site sends no mail: whoever runs it has the letters for 1 member.',
    );
    const none = await admin.browser.visit(`/admin/files/${shelved.file.id}/reminders`, { form: {} });
    expect(messageOf(none.html, 'status')).toBe('Everybody has it, or was reminded within the last day.');
    const { items } = await json<{ items: object[] }>(admin.script.ask('/api/v1/activity?kind=file.reminded'));
    expect(items).toHaveLength(2);
    expect(mary.who.email).not.toBe(grace.who.email);
  });

  it('is not forgotten where its letter cannot be queued, or a crash came between', async () => {
    const [ada, grace] = [await join(), await join()];
    const shelved = await shelve(site, 10, 'by-laws.pdf');
    await share(shelved, ada);
    const data = site.app.get(DataSource);
    const run = (sql: string) => data.query(`\n${sql}`);
    const remind = () => admin.script.ask(`${pathOf(shelved)}/reminders`, { method: 'POST' });
    const isTaken = async () => {
      const [row] = await data.query<Record<'sentAt' | 'takenAt', unknown>[]>(
        `SELECT "sentAt", "takenAt" FROM "reminders" WHERE "fileId" = '${shelved.file.id}'`,
      );
      return [row?.sentAt === null, row?.takenAt === null];
    };
    await run(`ALTER TABLE "outbox" RENAME TO "outbox_away"`);
    try {
      expect(await json<{ count: number }>(remind())).toEqual({ count: 1 });
      // taken, and given back as the queue fails
      await eventually(() => site.log().includes('outbox'));
      await eventually(async () => (await isTaken()).every(Boolean));
    } finally {
      await run(`ALTER TABLE "outbox_away" RENAME TO "outbox"`);
    }
    expect(await json<{ count: number }>(remind())).toEqual({ count: 0 });
    await waitForMail(site, ada.who.email, /^A file waits for you/);
    await eventually(async () => !(await isTaken())[0]);

    // what a process left that was killed once it had taken it: nobody else's for a minute, then anybody's
    const left = (since: number) =>
      run(`UPDATE "reminders" SET "sentAt" = NULL, "takenAt" = ${since} WHERE "fileId" = '${shelved.file.id}'`);
    await left(Date.now() - 61_000);
    await remind();
    await waitForMail(site, ada.who.email, /^A file waits for you/);

    // who may not have it any more is told nothing of it
    await eventually(async () => !(await isTaken())[0]);
    await share(shelved, grace);
    await left(Date.now() - 61_000);
    await remind();
    await waitForMail(site, grace.who.email, /^A file waits for you/);
    const letters = (await mailsIn(site)).filter(({ to }) => to?.[0]?.address === ada.who.email);
    expect(letters).toHaveLength(2);
  });
});
