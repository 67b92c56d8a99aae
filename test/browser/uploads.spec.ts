import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { parse } from 'content-disposition';
import { once } from 'node:events';
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { DataSource } from 'typeorm';
import { StoredFile } from '../../src/files/stored-file.entity.js';
import { keeper, startWithAdmin } from '../support/admins.js';
import { aSite } from '../support/app.js';
import { sha256 } from '../support/hash.js';
import { violationsOn } from '../support/axe.js';
import { inTab, launchChromium, launchTimeout, openTab } from '../support/browser.js';
import { eventually } from '../support/database.js';
import { Line } from '../support/line.js';
import { shelve } from '../support/stored.js';
import { isAt, logIn, send } from '../support/walks.js';
import { Visitor } from '../support/people.js';

const MB = 1_000_000;

const site = aSite(() => startWithAdmin({ UPLOAD_LIMIT: '150MB' }));
let browser: Browser;
let folder: string;
beforeAll(async () => void (browser = await launchChromium()), launchTimeout);
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'gatehouse-uploads-'))));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
afterAll(() => browser.close());

/** A file on the admin's own disk. */
function fileOf(name: string, size: number): { path: string; sha256: string } {
  const bytes = randomBytes(size);
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return { path, sha256: sha256(bytes) };
}

const onShelf = (name: string) => site.app.get(DataSource).getRepository(StoredFile).findOneBy({ name });
const rowOf = (page: Page, name: string) => page.getByRole('listitem').filter({ hasText: name });
const shareOf = async (page: Page, name: string) =>
  Number(await rowOf(page, name).getByRole('progressbar').getAttribute('value'));

/** From now on the page sends no more than so many bytes a second. */
async function slowDown(page: Page, uploadThroughput: number): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  const conditions = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput };
  await session.send('Network.emulateNetworkConditions', conditions);
}

/** What the page asks of uploads, as `PATCH 0`: the method, and from which byte on. */
function askedBy(page: Page): string[] {
  const asked: string[] = [];
  page.on('request', (request) => {
    const offset = request.headers()['upload-offset'] ?? '';
    if (request.url().includes('/admin/uploads')) asked.push(`${request.method()} ${offset}`.trim());
  });
  return asked;
}

it('several files are added at once, each with a bar, and can pause', () =>
  inTab(browser, site.url, async ({ page }) => {
    const [large, small] = [fileOf('large.bin', 12 * MB), fileOf('small.txt', 2_000)];
    await logIn(page, keeper);
    await page.goto('/admin/files/upload');
    await slowDown(page, 2 * MB);
    await page.getByLabel('File').setInputFiles([large.path, small.path]);
    await send(page, 'Add to the shelf');
    const row = rowOf(page, 'large.bin');
    await row.getByText(/^[\d.]+ MB of 12 MB, [\d.]+ MB a second, \d+ seconds? left$/).waitFor();
    await page.getByRole('status').getByText('“small.txt” is here.').waitFor();
    const early = await shareOf(page, 'large.bin');
    expect([early > 0, early < 1]).toEqual([true, true]);

    await row.getByRole('button', { name: 'Pause' }).click();
    await row.getByText(/^Paused at [\d.]+ MB of 12 MB$/).waitFor();
    expect(await violationsOn(page)).toEqual([]);
    expect(await onShelf('large.bin')).toBeNull();
    const asked = askedBy(page);
    await row.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('status').getByText('All 2 files are here.').waitFor();
    expect(asked).toEqual(['HEAD', expect.stringMatching(/^PATCH [1-9]\d+$/)]);
    expect(await shareOf(page, 'large.bin')).toBe(1);
    expect(await violationsOn(page)).toEqual([]);
    expect([(await onShelf('large.bin'))?.sha256, (await onShelf('small.txt'))?.sha256]).toEqual([
      large.sha256,
      small.sha256,
    ]);
    await page.getByRole('link', { name: 'large.bin' }).click();
    await isAt(page, `/admin/files/${(await onShelf('large.bin'))?.id ?? ''}`);
  }));

it('an upload goes on by itself after a lost connection, and by hand after a closed tab', async () => {
  const { path, sha256 } = fileOf('resumed.bin', 16 * MB);
  const line = await Line.to(site.url);
  const { page, close } = await openTab(browser, line.url);
  try {
    await logIn(page, keeper);
    await page.goto('/admin/files/upload');
    await slowDown(page, 3 * MB);
    const asked = askedBy(page);
    await page.getByLabel('File').setInputFiles(path);
    await send(page, 'Add for nobody yet');
    await eventually(async () => (await shareOf(page, 'resumed.bin')) > 0.1);
    line.cut();
    await rowOf(page, 'resumed.bin').getByText('The connection is lost; trying again').waitFor();
    line.mend();
    await eventually(() => asked.some((one) => /^PATCH [1-9]/.test(one)));

    const again = await page.context().newPage();
    await page.close();
    const askedAgain = askedBy(again);
    await again.goto('/admin/files/upload');
    await again.getByLabel('File').setInputFiles(path);
    await send(again, 'Add for nobody yet');
    await again.getByRole('status').getByText('“resumed.bin” is here.').waitFor();
    expect(askedAgain).toEqual(['HEAD', expect.stringMatching(/^PATCH [1-9]\d+$/)]);
    expect(await onShelf('resumed.bin')).toMatchObject({ sha256, isForEveryone: false });
  } finally {
    await close();
    await line.close();
  }
});

it('files are dropped on the form, and what is too large is said at once', () =>
  inTab(browser, site.url, async ({ page }) => {
    await logIn(page, keeper);
    await page.goto('/admin/files/upload');
    const dropped = await page.evaluateHandle(`
      const data = new DataTransfer();
      data.items.add(new File(['one'], 'dropped-one.txt'));
      data.items.add(new File([new Uint8Array(150_000_001)], 'dropped-two.bin'));
      data;`);
    for (const event of ['dragenter', 'dragover', 'drop'])
      await page.locator('form[data-upload]').dispatchEvent(event, { dataTransfer: dropped });
    await send(page, 'Add to the shelf');
    await rowOf(page, 'dropped-two.bin').getByText('That is more than this site takes.').waitFor();
    await eventually(async () => (await onShelf('dropped-one.txt')) !== null);
    expect(await violationsOn(page)).toEqual([]);
    await rowOf(page, 'dropped-one.txt').getByText('Here').waitFor();
    expect(await onShelf('dropped-two.bin')).toBeNull();
  }));

it('a file is replaced in pieces too, and an upload that is cancelled leaves nothing', () =>
  inTab(browser, site.url, async ({ page }) => {
    const { file } = await shelve(site, 1_000, 'first.bin');
    const [second, never] = [fileOf('second.bin', 8 * MB), fileOf('never.bin', 8 * MB)];
    await logIn(page, keeper);
    await page.goto(`/admin/files/${file.id}/replacement`);
    await slowDown(page, 4 * MB);
    await page.getByLabel('The new version').setInputFiles(never.path);
    await send(page, 'Replace the file');
    await eventually(async () => (await shareOf(page, 'never.bin')) > 0);
    await rowOf(page, 'never.bin').getByRole('button', { name: 'Cancel' }).click();
    await eventually(async () => (await rowOf(page, 'never.bin').count()) === 0);
    await page.getByLabel('The new version').setInputFiles(second.path);
    await send(page, 'Replace the file');
    await page.getByRole('status').getByText('“second.bin” is here.').waitFor();
    expect(await onShelf('first.bin')).toMatchObject({ id: file.id, versionNumber: 2, sha256: second.sha256 });
    const waiting = await site.app
      .get(DataSource)
      .query<object[]>('SELECT * FROM "uploads" WHERE "addedFileId" IS NULL');
    expect(waiting.filter((upload) => (upload as { name: string }).name === 'first.bin')).toEqual([]);
  }));

interface Piece {
  readonly size: number;
  /** Of the proxy itself, where it does not hand the piece on. */
  readonly status?: number | undefined;
}

/** A proxy before the site: it answers a request of so many bytes itself, if it is told with which status. */
async function proxyOf(statusFor: (size: number, pieces: number) => number | undefined) {
  const pieces: Piece[] = [];
  const server = createServer((asked, answer) => {
    const { method, url, headers } = asked;
    const size = Number(headers['content-length'] ?? 0);
    const status = statusFor(size, pieces.length);
    if (method === 'PATCH') pieces.push({ size, status });
    if (status !== undefined) {
      // it has read what it refuses
      asked
        .resume()
        .once('end', () => answer.writeHead(status, { 'content-type': 'text/html' }).end('<h1>Not by me</h1>'));
      return;
    }
    const passed = request(new URL(url ?? '/', site.url), { method, headers }, (found) => {
      answer.writeHead(found.statusCode ?? 502, found.headers);
      found.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    asked.pipe(passed);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, pieces, close };
}

/** Sends a file through such a proxy, and waits for what its row or the news say; the pieces in which it went. */
async function sendThrough(
  statusFor: (size: number, pieces: number) => number | undefined,
  { path }: { path: string },
  ...said: string[]
): Promise<Piece[]> {
  const proxy = await proxyOf(statusFor);
  const { page, close } = await openTab(browser, proxy.url);
  try {
    await logIn(page, keeper);
    await page.goto('/admin/files/upload');
    await page.getByLabel('File').setInputFiles(path);
    await send(page, 'Add to the shelf');
    for (const words of said) await page.locator('main').getByText(words).first().waitFor({ timeout: 60_000 });
    return proxy.pieces;
  } finally {
    await close();
    await proxy.close();
  }
}

it('an upload goes in pieces of 50 MB: smaller ones after a failure, then twice as much each time, up to what a proxy refused', async () => {
  const file = fileOf('huge.bin', 130 * MB);
  // its way to the site is gone once, and then it takes less than before
  const statusFor = (size: number, pieces: number) =>
    size > MB && pieces === 1 ? 502 : size > 30 * MB && pieces > 1 ? 413 : undefined;
  const pieces = await sendThrough(statusFor, file, '“huge.bin” is here.');
  expect(pieces).toEqual([
    { size: 50 * MB },
    { size: 50 * MB, status: 502 },
    { size: 12.5 * MB },
    { size: 25 * MB },
    { size: 42.5 * MB, status: 413 },
    { size: 12.5 * MB },
    { size: 25 * MB },
    { size: 5 * MB },
  ]);
  expect(await onShelf('huge.bin')).toMatchObject({ size: 130 * MB, sha256: file.sha256 });
});

it('through a proxy that takes little at once, pieces become smaller until they pass', async () => {
  const file = fileOf('proxied.bin', 6 * MB);
  const pieces = await sendThrough((size) => (size > 1_048_576 ? 413 : undefined), file, '“proxied.bin” is here.');
  expect(await onShelf('proxied.bin')).toMatchObject({ size: 6 * MB, sha256: file.sha256 });
  const taken = pieces.filter(({ status }) => status === undefined);
  expect(taken.reduce((sum, { size }) => sum + size, 0)).toBe(6 * MB);
  expect(pieces[0]).toEqual({ size: 6 * MB, status: 413 });
});

it('where even the smallest piece is too much for a proxy, it is the proxy that is named', async () => {
  const words = ['A proxy in front of this site takes no more', 'client_max_body_size'];
  await sendThrough((size) => (size > 100_000 ? 413 : undefined), fileOf('stuck.bin', 2 * MB), ...words);
  expect(await onShelf('stuck.bin')).toBeNull();
});

it('what the browser saves a file as is what its headers and the list of checksums call it', () =>
  inTab(browser, site.url, async ({ page }) => {
    const ada = new Visitor(site.url);
    const who = await ada.register();
    const given = ['夏 report.txt', 'twice.pdf', 'TWICE.pdf', `it's 100%25 (1)*.txt`, '10:30?.txt', 'CON.txt', '.env'];
    const hard = [...given, 'semi;colon "quoted".txt', '~tilde~.txt', 'e\u0301.txt', 'a&b=c#d.txt', 'x'.repeat(250)];
    await logIn(page, who);
    const saved: string[] = [];
    for (const name of hard) {
      const { file, download } = await shelve(site, Buffer.from(name), name);
      await page.goto(`/files/${file.id}`);
      const coming = page.waitForEvent('download');
      await page.evaluate(`void (location.href = '${download}')`);
      const suggested = (await coming).suggestedFilename();
      const { headers } = await ada.ask(download, { method: 'HEAD' });
      const { filename } = parse(headers.get('content-disposition') ?? '').parameters;
      expect([name, filename]).toEqual([name, suggested]);
      saved.push(`${sha256(Buffer.from(name))}  ${suggested}`);
    }
    const sums = await (await ada.ask('/files/SHA256SUMS')).text();
    for (const line of saved) expect(sums.split('\n')).toContain(line);
  }));

it('one who is logged out meanwhile is told how to go on', () =>
  inTab(browser, site.url, async ({ page }) => {
    const { path } = fileOf('outside.bin', 2 * MB);
    await logIn(page, keeper);
    await page.goto('/admin/files/upload');
    await page.context().clearCookies();
    await page.getByLabel('File').setInputFiles(path);
    await send(page, 'Add to the shelf');
    await rowOf(page, 'outside.bin').getByText('You are logged out.').waitFor();
    expect(await violationsOn(page)).toEqual([]);
    expect(await rowOf(page, 'outside.bin').getByRole('button', { name: 'Try again' }).count()).toBe(1);
  }));
