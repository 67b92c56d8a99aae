import { Injectable, Logger } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { secondMs } from '../config/durations.js';
import { Settings } from '../config/settings.js';

const hashLength = 40;
const prefixLength = 5;
/** In bytes. It is longer than any line of a list: a SHA-1 hash in hex, a colon, a count and a line break. */
const window = 128;
const timeoutMs = 3 * secondMs;

/**
 * Looks a new password up in a list of passwords that were found in breaches (ASVS 5.0 6.2.12). The list is a sorted
 * file of SHA-1 hashes, as Have I Been Pwned offers it, or a service that is asked by range. The service learns only
 * the first five hex digits of the hash. If the list cannot be read, every password passes and the log says so.
 */
@Injectable()
export class BreachedPasswords {
  private readonly logger = new Logger('BreachedPasswords');

  constructor(private readonly settings: Settings) {}

  /** Whether the password is on the list that `BREACH_LIST` names. False if there is no list. */
  async has(password: string): Promise<boolean> {
    const { breachList } = this.settings;
    if (!breachList) return false;
    const hash = createHash('sha1').update(password).digest('hex').toUpperCase();
    try {
      return /^https?:/.test(breachList) ? await isInRange(breachList, hash) : await isInFile(breachList, hash);
    } catch (error) {
      this.logger.warn(`BREACH_LIST could not be asked, so the password was let pass: ${(error as Error).message}`);
      return false;
    }
  }
}

async function isInRange(service: string, hash: string): Promise<boolean> {
  const url = `${service.replace(/\/$/, '')}/${hash.slice(0, prefixLength)}`;
  // padding hides the number of hashes from anybody who watches the connection
  const answer = await fetch(url, {
    // the operator chose this service, so a redirect to another is refused (ASVS 5.0 15.3.2)
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
    headers: { 'add-padding': 'true' },
  });
  if (!answer.ok) throw new Error(`it answered ${answer.status}.`);
  const rest = hash.slice(prefixLength);
  return (await answer.text()).split('\n').some((line) => {
    const [found = '', count] = line.trim().split(':');
    return found.toUpperCase() === rest && count !== '0';
  });
}

/** A binary search, so that even a long list needs only a few dozen reads and almost no memory. */
async function isInFile(path: string, hash: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    let [low, high] = [0, (await file.stat()).size];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const line = await lineAfter(file, middle);
      if (line === undefined || line.hash >= hash) {
        if (line?.hash === hash) return true;
        high = middle;
      } else low = middle + 1;
    }
    return (await lineAfter(file, 0))?.hash === hash;
  } finally {
    await file.close();
  }
}

/** The first whole line that begins at this byte offset or after it. */
async function lineAfter(file: FileHandle, offset: number): Promise<{ hash: string } | undefined> {
  const from = Math.max(0, offset - 1);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(2 * window), 0, 2 * window, from);
  const text = buffer.toString('latin1', 0, bytesRead);
  const start = offset === 0 ? 0 : text.indexOf('\n') + 1;
  if (offset !== 0 && start === 0) return undefined;
  const hash = text.slice(start, start + hashLength).toUpperCase();
  return hash.length === hashLength ? { hash } : undefined;
}
