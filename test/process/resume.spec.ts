import { beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, openSync, rmSync, statSync, writeSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inTab, launchChromium, launchTimeout } from '../support/browser.js';
import { query } from '../support/command.js';
import { eventually } from '../support/database.js';
import { Line } from '../support/line.js';
import { Visitor } from '../support/people.js';
import { need } from '../support/programs.js';
import { sized } from '../support/suite.js';
import { register } from '../support/walks.js';
import { cookieOf, newFolder, startServer, type Server } from '../support/server.js';

const MiB = 1_024 * 1_024;
const size = sized('a download of 1 GiB that is cut and goes on, with 160 MiB', 160 * MiB, 1_024 * MiB);
/** At how many bytes a download is cut, one time after the other. */
const cuts = [Math.floor(size / 10), Math.floor(size / 3)] as const;
const folder = newFolder();
const DATA_DIR = join(folder, 'data');

let server: Server;
let sha256: string;
beforeAll(async () => {
  for (const program of ['curl', 'wget']) need(program);
  const file = join(folder, 'disk.img');
  writeDistinctBlocks(file);
  sha256 = await hashOf(file);
  server = await startServer({ WELCOME_FILE: file, DATA_DIR });
  rmSync(file);
});

/** No two of its blocks are alike, so that bytes in the wrong place are found. */
function writeDistinctBlocks(path: string): void {
  const file = openSync(path, 'w');
  const block = randomBytes(MiB);
  for (let n = 0; n < size / MiB; n++) {
    block.writeUInt32BE(n);
    writeSync(file, block);
  }
  closeSync(file);
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: MiB })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

describe.each([
  ['curl', ['--silent', '--fail'], ['--limit-rate', '50M'], ['--continue-at', '-'], '--output'],
  ['wget', ['--quiet'], ['--limit-rate=50m'], ['--continue'], '--output-document'],
])('%s', (program, always, slowly, goOn, output) => {
  it('goes on with a large download that was cut, and it is one download', async () => {
    const ada = new Visitor(server.url);
    const { email } = await ada.register();
    const path = join(folder, `${program}.img`);
    const given = [...always, '--header', `Cookie: ${cookieOf(ada).cookie}`, output, path];
    const address = `${server.url}/download`;
    for (const least of cuts) {
      const cut = spawn(program, [...given, ...slowly, ...(least > cuts[0] ? goOn : []), address], {
        stdio: 'ignore',
      });
      while (sizeOf(path) < least) await sleep(20);
      cut.kill('SIGKILL');
      await once(cut, 'close');
    }
    expect(sizeOf(path)).toBeLessThan(size);
    execFileSync(program, [...given, ...goOn, address], { stdio: 'pipe' });
    expect([sizeOf(path), await hashOf(path)]).toEqual([size, sha256]);
    rmSync(path);
    await isCountedOnce(email);
  });
});

it(
  'Chromium goes on with a large download that was cut, and it is one download',
  async () => {
    const browser = await launchChromium();
    const line = await Line.to(server.url);
    try {
      await inTab(browser, line.url, async ({ page }) => {
        const { email } = await register(page);
        line.breakAfter(...cuts);
        const started = page.waitForEvent('download');
        await page.getByRole('link', { name: 'Download disk.img', exact: true }).first().click();
        const path = await (await started).path();
        expect([sizeOf(path), await hashOf(path)]).toEqual([size, sha256]);
        expect(line.broken).toBe(2);
        await isCountedOnce(email);
      });
    } finally {
      await browser.close();
      await line.close();
    }
  },
  launchTimeout,
);

/** Sees that somebody has had the file once, and all of it. */
async function isCountedOnce(email: string): Promise<void> {
  const read = () =>
    query<{ spent: number; coveredBytes: number }>(
      { DATA_DIR },
      `SELECT "spent", "coveredBytes" FROM "downloads" JOIN "users" ON "users"."id" = "memberId" WHERE "email" = '${email}'`,
    );
  await eventually(async () => (await read())[0]?.coveredBytes === size);
  expect(await read()).toEqual([{ spent: 1, coveredBytes: size }]);
}
