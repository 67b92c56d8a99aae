import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/database.js';
import { need } from '../support/programs.js';
import { freePort, newFolder, startServer, type Server } from '../support/server.js';

/** A site whose log goes to an open file of ours. */
async function siteWritingTo(descriptor: number): Promise<Server> {
  return startServer({ PORT: await freePort() }, undefined, { stdio: ['ignore', descriptor, 'ignore'] });
}

/** Asks so often that what is logged of it is more than any pipe holds. */
async function askALot({ url }: Server, times = 600): Promise<void> {
  const path = `/${'x'.repeat(300)}`;
  for (let asked = 0; asked < times; asked += 20) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(url + path)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 404));
    await Promise.all(answers.map((answer) => answer.arrayBuffer()));
  }
}

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('a site whose log cannot be written', () => {
  it('serves on while nobody reads it, ends when it is told to, and loses nothing that there was room for', async () => {
    const fifo = join(newFolder(), 'log');
    execFileSync(need('mkfifo'), [fifo]);
    const ours = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    const theirs = openSync(fifo, constants.O_WRONLY);
    const site = await siteWritingTo(theirs);
    closeSync(theirs);
    await askALot(site);
    expect((await fetch(`${site.url}/ready`)).status).toBe(200);

    let heard = '';
    const read = () => {
      const bytes = Buffer.alloc(65_536);
      try {
        heard += bytes.toString('utf8', 0, readSync(ours, bytes));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      }
    };
    await eventually(() => {
      read();
      return heard.includes('The log could not be written for a while.');
    });
    const lines = heard
      .slice(0, heard.lastIndexOf('\n'))
      .split('\n')
      .map((line) => JSON.parse(line) as { msg: string; lost?: number; status?: number });
    expect(lines.filter(({ status }) => status === 404)).toHaveLength(600);
    expect(lines.find(({ lost }) => lost !== undefined)).toMatchObject({ lost: 0 });

    // full again, and nobody reads: it ends all the same
    await askALot(site);
    expect(await site.stop()).toBe(0);
    closeSync(ours);
  });

  it('serves on when whoever read it is gone', async () => {
    const fifo = join(newFolder(), 'log');
    execFileSync(need('mkfifo'), [fifo]);
    const ours = openSync(fifo, constants.O_RDWR);
    const theirs = openSync(fifo, constants.O_WRONLY);
    const site = await siteWritingTo(theirs);
    closeSync(theirs);
    closeSync(ours);
    await askALot(site, 60);
    expect(await site.stop()).toBe(0);
  });

  it('serves on where every write fails', async () => {
    const full = openSync('/dev/full', 'w');
    const site = await siteWritingTo(full);
    closeSync(full);
    await askALot(site, 60);
    expect(await site.stop()).toBe(0);
  });

  const onSmallDisk = process.getuid?.() === 0 ? it : it.skip;

  // only root may mount a small disk
  onSmallDisk('serves on where the disk under its log is full, and says so once there is room', async () => {
    const disk = newFolder();
    execFileSync(need('mount'), ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]);
    try {
      const log = join(disk, 'log');
      const file = openSync(log, 'a');
      const site = await siteWritingTo(file);
      closeSync(file);
      const { bavail, bsize } = statfsSync(disk);
      writeFileSync(join(disk, 'ballast'), Buffer.alloc(bavail * bsize - bsize));
      await askALot(site, 200);
      expect((await fetch(`${site.url}/ready`)).status).toBe(200);
      rmSync(join(disk, 'ballast'));
      await eventually(() => readFileSync(log, 'utf8').includes('The log could not be written for a while.'));
      expect(readFileSync(log, 'utf8')).toContain('ENOSPC');
      expect(await site.stop()).toBe(0);
    } finally {
      execFileSync(need('umount'), ['--lazy', disk]);
    }
  });
});
