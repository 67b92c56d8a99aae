import { beforeAll, describe, expect, it } from '@jest/globals';
import { adminOf, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { parseCsv } from '../support/csv.js';
import { faultsOf } from '../support/faults.js';
import { waitForMail } from '../support/mail.js';
import { person, Script, Visitor } from '../support/people.js';
import { TusClient } from '../support/tus.js';

/** Text in which each decoding that is done once too often, or each interpreter, would change something. */
const awkward = "50%2541 &lt;b&gt; {{7+7}} ${7+7} %s %d %o %j é 'q' <b>b. =SUM(1)";
const safe = awkward.replace('<b>b', 'b');
const fileName = `${safe}.txt`;
const files = '/api/v1/files';

const site = aSite(() => startWithAdmin());
let admin: { browser: Visitor; script: Script };
beforeAll(async () => {
  admin = await adminOf(site);
});

interface Shown {
  readonly id: string;
  readonly name: string;
}

const json = async <Body>(answer: Response | Promise<Response>) => (await (await answer).json()) as Body;

/** Text as a page has it (HTML 13.1.4): what markup is made of is a character reference. */
const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', "'": '&#x27;', '=': '&#x3D;' };
const asText = (text: string) => text.replace(/[&<>'=]/g, (character) => escapes[character] ?? character);

describe('what comes in is decoded once, for the way it comes', () => {
  it('by a form, by a path, by a header and by JSON: the same name each time', async () => {
    const form = new FormData();
    form.append('file', new Blob(['x']), fileName);
    const headers = { authorization: `Bearer ${admin.script.token ?? ''}` };
    const byForm = await fetch(new URL(files, site.url), { method: 'POST', headers, body: form });
    const byPath = await admin.script.ask(`/api/v1/uploads/${encodeURIComponent(fileName)}`, { method: 'PUT' });
    const client = new TusClient(site.url, headers);
    const byHeader = await client.begin(0, { filename: fileName });
    const link = /<(.+)>; rel="describedby"/.exec(byHeader.headers.get('link') ?? '')?.[1] ?? '';
    const other = await json<Shown>(admin.script.ask('/api/v1/uploads/other.txt', { method: 'PUT' }));
    const byJson = await admin.script.ask(`${files}/${other.id}`, { method: 'PATCH', json: { name: fileName } });
    for (const answer of [byForm, byPath, await admin.script.ask(link), byJson])
      expect((await json<Shown>(answer)).name).toBe(fileName);
  });

  it('and so is what is looked for', async () => {
    const found = (q: string) => admin.script.ask(`${files}?q=${q}`).then(json<{ items: Shown[] }>);
    expect((await found(encodeURIComponent('50%2541'))).items.length).toBeGreaterThan(0);
    expect((await found(encodeURIComponent('50%41'))).items).toEqual([]);
    expect((await found(encodeURIComponent('50A'))).items).toEqual([]);
    expect((await found(encodeURIComponent('<b>'))).items).toEqual([]);
  });
});

describe('what goes out is encoded for where it goes, and is the same text there', () => {
  it('in JSON, in a page, in a header, in a list of checksums, in a table, in a mail and in the log', async () => {
    const [member, who] = [new Script(site.url), person({ name: awkward, email: `ada.o'b+%41&amp@example.com` })];
    await member.register(who);
    const { id: memberId, name } = await json<Shown>(member.ask('/api/v1/users/me'));
    expect(name).toBe(awkward);
    const { id } = await json<Shown>(
      admin.script.ask(`/api/v1/uploads/${encodeURIComponent(`one ${fileName}`)}`, { method: 'PUT' }),
    );
    await admin.script.ask(`${files}/${id}/audience`, {
      method: 'PUT',
      json: { everyone: false, members: [memberId] },
    });

    // before the member has it
    await admin.script.ask(`${files}/${id}/reminders`, { method: 'POST' });
    const page = await admin.browser.visit(`/admin/members/${memberId}`);
    for (const text of [awkward, who.email]) expect(page.html).toContain(asText(text));
    const own = await admin.browser.visit(`/admin/files/${id}`);
    expect(own.html).toContain(asText(`one ${fileName}`));

    const content = await member.ask(`${files}/${id}/content`);
    const [, extended = ''] = /filename\*=UTF-8''(\S+)/.exec(content.headers.get('content-disposition') ?? '') ?? [];
    expect(decodeURIComponent(extended)).toBe(`one ${fileName}`);
    const sums = await (await member.ask(`${files}/SHA256SUMS`)).text();
    expect(sums.split('\n').map((line) => line.slice(66))).toContain(`one ${fileName}`);

    const receipts = await admin.browser.ask(`/admin/files/${id}/receipts.csv`);
    expect(parseCsv(await receipts.text()).flat()).toEqual(expect.arrayContaining([awkward, who.email]));
    const mail = await waitForMail(site, who.email, /./);
    expect(mail.text?.replace(/\s+/g, ' ')).toContain(`one ${fileName}`);
    expect(mail.html).not.toContain('<b>b');

    const lines = site.log().split('\n').filter(Boolean);
    const targets = lines.map((line) => (JSON.parse(line) as { target?: string }).target);
    expect(targets).toContain(`one ${fileName}`);
  });

  it('a note is text, whatever language of markup it is in', async () => {
    const note =
      '# T\n**b** [x](javascript:alert(1)) <style>*{}</style> [b]x[/b] {{note}} ![i](http://elsewhere.example/i)';
    const { id } = await json<Shown>(admin.script.ask('/api/v1/uploads/noted.txt', { method: 'PUT' }));
    await admin.script.ask(`${files}/${id}`, { method: 'PATCH', json: { note } });
    const member = new Visitor(site.url);
    await member.register();
    for (const { html } of [await member.visit(`/files/${id}`), await admin.browser.visit(`/admin/files/${id}`)]) {
      expect(html).toContain(asText(note.split('\n')[1] ?? ''));
      expect(html).not.toMatch(/<strong>b|href="javascript|<style>\*|src="http/);
    }
  });

  it('an address that the site makes holds what was looked for, and nothing more', async () => {
    const q = `a&limit=100&x=<"'>#y%41 {{z}}`;
    for (let count = 0; count < 2; count++)
      await admin.script.ask(`/api/v1/uploads/${encodeURIComponent(`${count} ${q.replace(/[<>"]/g, '_')}`)}`, {
        method: 'PUT',
      });
    const looked = q.replace(/[<>"]/g, '_');
    const { html } = await admin.browser.visit(`/admin/files?limit=1&q=${encodeURIComponent(looked)}`);
    const [, next = ''] = /href="(\/admin\/files\?cursor[^"]*)"/.exec(html) ?? [];
    const { searchParams } = new URL(next.replaceAll('&amp;', '&').replaceAll('&#x3D;', '='), site.url);
    expect([searchParams.get('q'), searchParams.getAll('limit'), searchParams.get('x')]).toEqual([looked, ['1'], null]);
  });
});

describe('a number', () => {
  it('that is too large, too small or none is refused, and never taken for another', async () => {
    const { id } = await json<Shown>(admin.script.ask('/api/v1/uploads/counted.txt', { method: 'PUT' }));
    const numbers = ['9007199254740993', '-9007199254740993', '1e308', '1e400', '-1', '1.5', '2147483648000000', 'NaN'];
    const wrong: string[] = [];
    const expectRefused = (what: string, { status }: Response) => {
      if (status < 400 || status >= 500) wrong.push(`${what}: ${status}`);
    };
    for (const number of numbers) {
      expectRefused(`limit=${number}`, await admin.script.ask(`${files}?limit=${number}`));
      for (const [path, method, field] of [
        [`${files}/${id}`, 'PATCH', 'memberLimit'],
        [`${files}/${id}`, 'PATCH', 'totalLimit'],
        ['/api/v1/invites', 'POST', 'days'],
        ['/api/v1/users/me/tokens', 'POST', 'days'],
      ] as const) {
        const body = `{"name":"a name","scope":"read","${field}":${number === 'NaN' ? '"NaN"' : number}}`;
        const headers = { 'content-type': 'application/json', authorization: `Bearer ${admin.script.token ?? ''}` };
        expectRefused(`${field}=${number}`, await fetch(new URL(path, site.url), { method, headers, body }));
      }
      for (const header of ['upload-length', 'upload-offset']) {
        const headers = { 'tus-resumable': '1.0.0', 'upload-metadata': 'filename eA==', [header]: number };
        expectRefused(`${header}: ${number}`, await admin.script.ask('/api/v1/uploads', { method: 'POST', headers }));
      }
    }
    expect(wrong).toEqual([]);
    const range = await admin.script.ask(`${files}/${id}/content`, { headers: { range: `bytes=${'9'.repeat(40)}-` } });
    expect(range.status).toBe(416);
  });
});

it('nothing of all that went wrong on the server’s side', () => {
  expect(faultsOf(site)).toEqual([]);
});
