import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { Chores } from '../../src/http/chores.js';
import { StoredFile } from '../../src/files/stored-file.entity.js';
import { adminOf, keeper, startWithAdmin } from '../support/admins.js';
import type { TestApp } from '../support/app.js';
import { eventually, makeLasting, type Lasting } from '../support/database.js';
import { linksOf, messageOf } from '../support/html.js';
import { Script, Visitor } from '../support/people.js';
import { pathOfBytes } from '../support/stored.js';

const files = '/api/v1/files';

let site: TestApp;
let admin: { browser: Visitor; script: Script };
let member: Script;
beforeAll(async () => {
  site = await startWithAdmin({ UPLOAD_LIMIT: '1MB' });
  admin = await adminOf(site);
  member = new Script(site.url);
  await member.register();
});
let lasting: Lasting | undefined;
afterAll(() => site.close());
afterAll(() => lasting?.drop());

interface Shown {
  readonly id: string;
  readonly name: string;
}

const partOf = (bytes: Buffer, name: string, field = 'file') => {
  const form = new FormData();
  form.append(field, new Blob([new Uint8Array(bytes)]), name);
  return form;
};

const send = (path: string, body: FormData, headers: Record<string, string>) =>
  fetch(new URL(path, site.url), { method: 'POST', body, headers, redirect: 'manual' });

const upload = (bytes: Buffer, name: string, by = admin.script) =>
  send(files, partOf(bytes, name), { authorization: `Bearer ${by.token ?? ''}` });

const add = async (name: string, bytes = Buffer.from(name)) => (await (await upload(bytes, name)).json()) as Shown;

/** As a browser sends a form with a file in it. */
const uploadOnPage = (form: FormData) => send('/admin/files/upload', form, cookies());

const cookies = () => ({
  origin: new URL(site.url).origin,
  cookie: [...admin.browser.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
});

const change = (id: string, json: object) => admin.script.ask(`${files}/${id}`, { method: 'PATCH', json });
const statusFor = async (script: Script, path: string) => (await script.ask(path)).status;
const featured = async () => {
  const browser = new Visitor(site.url);
  await browser.register();
  return (await browser.ask('/download')).text();
};

/** What lies in the file store, drafts included. */
const kept = () =>
  readdirSync(join(site.settings.dataDir, 'files'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);

describe('an admin who adds a file', () => {
  it('has it on the shelf, whole, as the answer says', async () => {
    const bytes = randomBytes(300_000);
    const answer = await upload(bytes, 'Übersicht 2026.pdf');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const file = (await answer.json()) as Shown;
    expect([answer.status, file]).toEqual([
      201,
      expect.objectContaining({ name: 'Übersicht 2026.pdf', contentType: 'application/pdf', size: 300_000, sha256 }),
    ]);
    const content = await member.ask(`${files}/${file.id}/content`);
    expect(Buffer.from(await content.arrayBuffer()).equals(bytes)).toBe(true);
    const { items } = (await (await admin.script.ask('/api/v1/activity?kind=file.added&limit=1')).json()) as {
      items: object[];
    };
    expect(items).toEqual([expect.objectContaining({ actor: keeper.email, target: 'Übersicht 2026.pdf' })]);
  });

  it('does so on the page, without JavaScript', async () => {
    expect((await admin.browser.visit('/admin/files/upload')).html).toContain('1.0 MB is the most');
    const answer = await uploadOnPage(partOf(Buffer.from('minutes'), 'minutes.txt'));
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/admin/files']);
    expect((await admin.browser.visit('/admin/files')).html).toContain('<bdi>minutes.txt</bdi>');
    expect((await (await member.ask(`${files}?q=minutes`)).json()) as object).toMatchObject({
      items: [{ name: 'minutes.txt', size: 7 }],
    });
  });

  it('is told where there is no file, on the page at its field', async () => {
    for (const form of [new FormData(), partOf(Buffer.alloc(0), '')]) {
      const answer = await uploadOnPage(form);
      expect([answer.status, await answer.text()]).toEqual([422, expect.stringContaining('Please choose a file.')]);
    }
    const empty = await send(files, new FormData(), { authorization: `Bearer ${admin.script.token ?? ''}` });
    expect([empty.status, await empty.json()]).toEqual([
      422,
      expect.objectContaining({ errors: [{ field: 'file', message: 'Please choose a file.' }] }),
    ]);
    expect((await send(files, partOf(Buffer.from('x'), 'x', 'other'), bearer())).status).toBe(422);
    expect((await admin.script.ask(files, { json: {} })).status).toBe(415);
    expect((await admin.script.ask(files, { method: 'POST' })).status).toBe(422);
  });

  it('is told that a file is too large, and nothing of it is left', async () => {
    const before = kept();
    const most = await upload(randomBytes(1_000_000), 'most.bin');
    expect(most.status).toBe(201);
    expect(kept()).toHaveLength(before.length + 1);
    const answer = await upload(randomBytes(1_000_001), 'too-large.bin');
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      413,
      expect.stringMatching(/^application\/problem\+json/),
    ]);
    const page = await uploadOnPage(partOf(randomBytes(1_200_000), 'too-large.bin'));
    expect([page.status, await page.text()]).toEqual([413, expect.stringContaining('too much at once')]);
    expect(kept()).toHaveLength(before.length + 1);
    expect((await (await member.ask(`${files}?q=too-large`)).json()) as object).toMatchObject({ items: [] });
  });

  it('who breaks off leaves nothing behind', async () => {
    const before = kept();
    const asked = request(new URL(files, site.url), {
      method: 'POST',
      agent: false,
      headers: { ...bearer(), 'content-type': 'multipart/form-data; boundary=x', 'content-length': 900_000 },
    });
    asked.on('error', () => undefined);
    asked.write('--x\r\ncontent-disposition: form-data; name="file"; filename="half.bin"\r\n\r\n');
    asked.write(randomBytes(200_000));
    await eventually(() => kept().length > before.length);
    const closed = new Promise((resolve) => asked.once('close', resolve));
    asked.destroy();
    await closed;
    await eventually(() => kept().length === before.length);
    expect((await (await member.ask(`${files}?q=half`)).json()) as object).toMatchObject({ items: [] });
    expect(site.log()).not.toContain('"level":60');
  });

  it('keeps names as they are, but for paths and what no header takes', async () => {
    const names = ['a/b\\c.txt', '../../etc/passwd', 'quo"te;.txt', 'n\u0000ul.txt', 'x'.repeat(300)];
    for (const name of names) {
      const answer = await upload(Buffer.from('x'), name);
      expect([name.slice(0, 20), answer.status]).toEqual([name.slice(0, 20), 201]);
      const { id, name: shown } = (await answer.json()) as Shown;
      expect(shown).not.toMatch(/[/\p{Cc}]/u);
      expect(shown.length).toBeLessThanOrEqual(255);
      expect((await change(id, { name: shown, note: 'kept' })).status).toBe(200);
      expect(await statusFor(member, `${files}/${id}/content`)).toBe(200);
    }
  });
});

const bearer = () => ({ authorization: `Bearer ${admin.script.token ?? ''}` });

describe('a member', () => {
  it('adds, changes and deletes nothing, and sees no page of the library', async () => {
    const { id } = await add('theirs.txt');
    expect((await upload(Buffer.from('x'), 'x.txt', member)).status).toBe(403);
    expect((await member.ask(`${files}/${id}`, { method: 'PATCH', json: { name: 'mine' } })).status).toBe(403);
    expect((await member.ask(`${files}/${id}`, { method: 'DELETE' })).status).toBe(403);
    const browser = new Visitor(site.url);
    await browser.register();
    for (const path of ['/admin/files', `/admin/files/${id}`, '/admin/files/upload'])
      expect((await browser.ask(path)).status).toBe(403);
    expect((await upload(Buffer.from('x'), 'x.txt', new Script(site.url))).status).toBe(401);
  });
});

describe('a file', () => {
  it('is renamed, and found and saved under the new name from then on', async () => {
    const { id } = await add('draft.txt');
    const renamed = await change(id, { name: ' Final Report.pdf ' });
    expect([renamed.status, await renamed.json()]).toEqual([
      200,
      expect.objectContaining({ id, name: 'Final Report.pdf' }),
    ]);
    expect((await (await member.ask(`${files}?q=final%20rep`)).json()) as object).toMatchObject({ items: [{ id }] });
    const { headers } = await member.ask(`${files}/${id}/content`);
    expect(headers.get('content-disposition')).toContain('Final Report.pdf');
    for (const json of [
      { name: '' },
      { name: 'a\nb' },
      { name: 'x'.repeat(256) },
      { name: 1 },
      { featured: 'yes' },
      { deleted: true },
    ])
      expect([json, (await change(id, json)).status]).toEqual([json, 422]);

    const path = `/admin/files/${id}`;
    const form = { name: '', note: 'kept <b>', availableAt: 'soon', expiresAt: '2027-13-01T00:00' };
    const refused = await admin.browser.visit(`${path}/details`, { form });
    expect(refused.status).toBe(422);
    expect(refused.html).toContain('kept &lt;b&gt;</textarea>');
    expect(refused.html.match(/Please give a date and a time/g)).toHaveLength(4);
    const { availableAt } = (await (await member.ask(`${files}/${id}`)).json()) as { availableAt: string };
    const { at, html } = await admin.browser.visit(`${path}/details`, {
      form: { name: 'Last.pdf', note: ' Two\r\nlines ', availableAt: availableAt.slice(0, 16), expiresAt: '' },
    });
    expect([at, messageOf(html, 'status')]).toEqual([path, 'That is what members are told now.']);
    expect(await (await member.ask(`${files}/${id}`)).json()).toMatchObject({
      name: 'Last.pdf',
      note: 'Two\nlines',
      expiresAt: null,
    });
  });

  it('is there for members from and until when an admin says, and for admins always', async () => {
    const { id } = await add('timed.txt');
    const [past, future, later] = [-60_000, 60_000, 120_000].map((ms) => new Date(Date.now() + ms).toISOString());
    const shownTo = async (script: Script) => {
      const { items } = (await (await script.ask(`${files}?q=timed`)).json()) as { items: Shown[] };
      return [
        items.length,
        await statusFor(script, `${files}/${id}`),
        await statusFor(script, `${files}/${id}/content`),
      ];
    };
    const times: [object, number][] = [
      [{ availableAt: future }, 404],
      [{ expiresAt: later }, 404],
      [{ availableAt: past }, 200],
      [{ availableAt: '2026-01-31T00:00+01:00', expiresAt: past }, 404],
      [{ expiresAt: null }, 200],
    ];
    for (const [json, status] of times) {
      expect([json, (await change(id, json)).status]).toEqual([json, 200]);
      expect([json, await shownTo(member)]).toEqual([json, [status === 200 ? 1 : 0, status, status]]);
      expect([json, await shownTo(admin.script)]).toEqual([json, [1, 200, 200]]);
    }
    await change(id, { availableAt: future });
    expect((await admin.browser.visit(`/admin/files/${id}`)).html).toContain('not before');
    for (const json of [
      { expiresAt: past },
      { expiresAt: future },
      { expiresAt: '2027-02-30T00:00Z' },
      { availableAt: null },
      { availableAt: 1_800_000_000 },
      { note: 'x'.repeat(1_001) },
      { note: 'a\u0000b' },
      { note: null },
    ])
      expect([json, (await change(id, json)).status]).toEqual([json, 422]);
  });

  it('that is replaced has the new bytes under the same address, and the old version on record', async () => {
    const { id } = await add('plan.txt', Buffer.from('the first plan'));
    await member.ask(`${files}/${id}/content`);
    const answer = await send(`${files}/${id}/versions`, partOf(Buffer.from('the second'), 'other-name.txt'), bearer());
    expect([answer.status, await answer.json()]).toEqual([
      201,
      expect.objectContaining({ id, name: 'plan.txt', size: 10, version: 2 }),
    ]);
    expect(await (await member.ask(`${files}/${id}/content`)).text()).toBe('the second');
    const page = await send(`/admin/files/${id}/replacement`, partOf(Buffer.from('third'), 'x'), cookies());
    expect([page.status, page.headers.get('location')]).toEqual([303, `/admin/files/${id}`]);
    expect(await (await member.ask(`${files}/${id}/content`)).text()).toBe('third');
    const { html } = await admin.browser.visit(`/admin/files/${id}`);
    expect(html).toContain(createHash('sha256').update('the first plan').digest('hex'));
    expect(html).toContain(createHash('sha256').update('the second').digest('hex'));

    await admin.script.ask(`${files}/${id}`, { method: 'DELETE' });
    const before = kept();
    expect((await send(`${files}/${id}/versions`, partOf(Buffer.from('no'), 'x'), bearer())).status).toBe(404);
    expect((await send(`/admin/files/${id}/replacement`, partOf(Buffer.from('no'), 'x'), cookies())).status).toBe(404);
    expect(kept()).toHaveLength(before.length);
  });

  it('is what /download serves once an admin features it, until another is', async () => {
    const [one, two] = [await add('one.txt'), await add('two.txt')];
    expect(await featured()).toBe('two.txt');
    await change(one.id, { featured: true });
    expect(await featured()).toBe('one.txt');
    await admin.browser.ask(`/admin/files/${two.id}/featuring`, { form: {} });
    expect(await featured()).toBe('two.txt');
    await admin.browser.ask(`/admin/files/${two.id}/unfeaturing`, { form: {} });
    expect(await featured()).toBe('one.txt');
    await change(one.id, { featured: false });
    await add('three.txt');
    expect(await featured()).toBe('three.txt');
  });

  it('that is deleted is there for nobody from the next request on, and can be had back', async () => {
    const { id } = await add('gone.txt');
    await change(id, { featured: true });
    expect((await admin.script.ask(`${files}/${id}`, { method: 'DELETE' })).status).toBe(204);
    for (const path of [`${files}/${id}`, `${files}/${id}/content`])
      for (const script of [member, admin.script]) expect([path, await statusFor(script, path)]).toEqual([path, 404]);
    expect(await featured()).not.toBe('gone.txt');
    expect((await admin.script.ask(`${files}/${id}`, { method: 'DELETE' })).status).toBe(404);
    expect((await change(id, { name: 'other' })).status).toBe(404);
    expect((await admin.browser.visit('/admin/files?q=gone')).html).not.toContain('gone.txt');
    const deleted = await admin.browser.visit('/admin/files?state=deleted');
    expect(linksOf(deleted.html)).toContain(`/admin/files/${id}`);

    const back = await admin.browser.visit(`/admin/files/${id}/restoration`, { form: {} });
    expect([back.at, messageOf(back.html, 'status')]).toEqual([`/admin/files/${id}`, 'The file is back on the shelf.']);
    expect(await statusFor(member, `${files}/${id}/content`)).toBe(200);
    expect(await featured()).toBe('gone.txt');
    await admin.browser.visit(`/admin/files/${id}/deletion`, { form: {} });
    expect(await statusFor(member, `${files}/${id}`)).toBe(404);
    expect((await change(id, { deleted: false })).status).toBe(200);
    expect(await statusFor(member, `${files}/${id}`)).toBe(200);
  });

  it('is shown, hidden, deleted and had back together with others', async () => {
    const ids: string[] = [];
    for (const name of ['a1.txt', 'a2.txt', 'a3.txt']) ids.push((await add(name)).id);
    const [first = '', second = '', third = ''] = ids;
    const together = async (act: string, ...chosen: string[]) => {
      const form = new URLSearchParams([['act', act], ...chosen.map((id): [string, string] => ['files', id])]);
      const answer = await fetch(new URL('/admin/files/selection', site.url), {
        method: 'POST',
        body: form,
        headers: cookies(),
        redirect: 'manual',
      });
      return answer.status;
    };
    const there = async () => Promise.all(ids.map((id) => statusFor(member, `${files}/${id}`)));
    expect([await together('hide', first, second), await there()]).toEqual([303, [404, 404, 200]]);
    expect((await admin.browser.visit('/admin/files?q=a1')).html).toContain('<span class="tag">hidden</span>');
    await change(third, { availableAt: new Date(Date.now() + 60_000).toISOString() });
    expect([await together('show', first, third), await there()]).toEqual([303, [200, 404, 404]]);
    expect([await together('delete', ...ids, randomUUID()), await there()]).toEqual([303, [404, 404, 404]]);
    expect([await together('restore', second, third), await there()]).toEqual([303, [404, 404, 404]]);
    expect((await admin.browser.visit('/admin/files')).html).not.toContain('a1.txt');
    for (const wrong of [['delete'], ['burn', first], ['delete', 'x'], ['delete', ...Array<string>(101).fill(first)]])
      expect(await together(...(wrong as [string]))).toBe(422);
    expect(await there()).toEqual([404, 404, 404]);
  });

  it('that is hidden is there for no member, and keeps from when and until when it is there', async () => {
    const { id } = await add('kept back.txt');
    const [past, future, later] = [-60_000, 60_000, 120_000].map((ms) => new Date(Date.now() + ms).toISOString());
    const shown = async () => {
      const list = (await (await member.ask(`${files}?q=kept%20back`)).json()) as { items: Shown[] };
      const sums = await (await reader.ask('/files/SHA256SUMS')).text();
      return [list.items.length, await statusFor(member, `${files}/${id}/content`), sums.includes('kept back.txt')];
    };
    const reader = new Visitor(site.url);
    await reader.register();
    const view = async () => (await (await admin.script.ask(`${files}/${id}`)).json()) as Record<string, unknown>;
    const page = (act: string) => admin.browser.visit(`/admin/files/${id}/${act}`, { form: {} });
    const together = (act: string) => admin.browser.visit('/admin/files/selection', { form: { act, files: id } });
    const ways: [() => Promise<unknown>, () => Promise<unknown>][] = [
      [() => change(id, { hidden: true }), () => change(id, { hidden: false })],
      [() => page('hiding'), () => page('showing')],
      [() => together('hide'), () => together('show')],
    ];
    const allTimes = [
      { availableAt: past, expiresAt: later },
      { availableAt: future, expiresAt: later },
      { availableAt: past, expiresAt: null },
    ];
    for (const [n, [hide, unhide]] of ways.entries()) {
      const times = allTimes[n] ?? {};
      await change(id, times);
      const before = await shown();
      await hide();
      expect(await view()).toMatchObject({ ...times, hidden: true });
      expect(await shown()).toEqual([0, 404, false]);
      expect((await admin.script.ask(`${files}/${id}/reminders`, { method: 'POST' })).status).toBe(409);
      expect((await admin.browser.visit('/admin/files?q=kept')).html).toContain('<span class="tag">hidden</span>');
      await unhide();
      expect(await view()).toMatchObject({ ...times, hidden: false });
      expect(await shown()).toEqual(before);
    }
    expect((await change(id, { hidden: 'yes' })).status).toBe(422);
    expect((await change(id, { hidden: null })).status).toBe(422);
    const log = (await (await admin.script.ask('/api/v1/activity?q=kept%20back&limit=100')).json()) as {
      items: { kind: string }[];
    };
    expect(log.items.filter(({ kind }) => /hidden|shown/.test(kind))).toHaveLength(6);
  });

  it('that is none is 404', async () => {
    for (const id of ['nothing', '01980000-0000-7000-8000-000000000000']) {
      expect((await change(id, { name: 'x' })).status).toBe(404);
      expect((await change(id, { deleted: false })).status).toBe(404);
      expect((await admin.script.ask(`${files}/${id}`, { method: 'DELETE' })).status).toBe(404);
      expect((await admin.browser.ask(`/admin/files/${id}`)).status).toBe(404);
    }
  });
});

describe('after 30 days', () => {
  it('what was deleted goes, bytes and all, and nothing else does', async () => {
    lasting = await makeLasting();
    await site.close();
    site = await startWithAdmin(lasting.environment);
    admin = await adminOf(site);
    const [over, recent] = [await add('over.txt'), await add('recent.txt')];
    const rows = site.app.get(DataSource).getRepository(StoredFile);
    const first = pathOfBytes(site, await rows.findOneByOrFail({ id: over.id }));
    await send(`${files}/${over.id}/versions`, partOf(Buffer.from('over again'), 'x'), bearer());
    const bytes = pathOfBytes(site, await rows.findOneByOrFail({ id: over.id }));
    for (const [{ id }, days] of [
      [over, 31],
      [recent, 29],
    ] as const)
      await rows.update({ id }, { deletedAt: new Date(Date.now() - days * 86_400_000) });
    expect([first, bytes].map((path) => existsSync(path))).toEqual([true, true]);
    expect((await change(over.id, { deleted: false })).status).toBe(404);
    await site.close();

    site = await startWithAdmin(lasting.environment);
    admin = await adminOf(site);
    await site.app.get(Chores).beforeApplicationShutdown();
    expect([first, bytes].map((path) => existsSync(path))).toEqual([false, false]);
    expect((await admin.browser.ask(`/admin/files/${over.id}`)).status).toBe(404);
    expect((await change(recent.id, { deleted: false })).status).toBe(200);
  });
});

describe('a day after a file was replaced', () => {
  it('the bytes of the version before go, unless somebody is in the middle of them', async () => {
    const [idle, busy] = [
      await add('idle.txt', Buffer.from('idle one')),
      await add('busy.txt', Buffer.from('busy one')),
    ];
    const rows = site.app.get(DataSource);
    const old = await Promise.all([idle, busy].map(({ id }) => rows.getRepository(StoredFile).findOneByOrFail({ id })));
    for (const { id } of [idle, busy])
      await send(`${files}/${id}/versions`, partOf(Buffer.from('second'), 'x'), bearer());
    const reader = new Script(site.url);
    const who = await reader.register();
    const etag = `"${old[1]?.sha256}"`;
    await rows.query(
      `UPDATE "file_versions" SET "createdAt" = "createdAt" - 90000000 WHERE "fileId" IN ('${idle.id}', '${busy.id}')`,
    );
    await rows.query(
      `INSERT INTO "downloads" ("memberId", "versionId", "fileId", "spent", "openedAt", "grantedBytes", "firstAt", "lastAt")
       SELECT "id", '${old[1]?.versionId}', '${busy.id}', 1, ${Date.now()}, 1, 1, 1 FROM "users" ORDER BY "id" DESC LIMIT 1`,
    );
    const { dataDir } = site.settings;
    const there = () => old.map((file) => existsSync(pathOfBytes(site, file)));
    await site.close();
    site = await startWithAdmin({ ...lasting?.environment });
    expect(site.settings.dataDir).toBe(dataDir);
    await site.app.get(Chores).beforeApplicationShutdown();
    expect(there()).toEqual([false, true]);
    const again = new Script(site.url);
    await again.logIn(who);
    const rest = await again.ask(`${files}/${busy.id}/content`, { headers: { range: 'bytes=5-', 'if-range': etag } });
    expect([rest.status, await rest.text()]).toEqual([206, 'one']);
    admin = await adminOf(site);
    expect((await admin.script.ask(`${files}/${idle.id}/versions`)).status).toBe(200);
  });
});
