import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKeys } from '../../src/config/keys.js';
import { readSettings } from '../../src/config/settings.js';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'gatehouse-keys-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const dataDir = () => join(folder, 'data');
const secretFile = () => join(dataDir(), 'app-secret');
const signingKey = (environment: Record<string, string> = {}) =>
  openKeys(readSettings({ DATA_DIR: dataDir(), ...environment }))
    .signing.export()
    .toString('hex');
const modeOf = (path: string) => statSync(path).mode & 0o777;

describe('the secret of a site whose operator sets none', () => {
  it('is made at the first start, for the operator’s eyes only, and kept', () => {
    const first = signingKey();
    expect(modeOf(secretFile())).toBe(0o600);
    expect(modeOf(dataDir()) & 0o007).toBe(0);
    expect(readdirSync(dataDir())).toEqual(['app-secret']);
    expect(signingKey()).toBe(first);
  });

  it('is another one on another site', () => {
    const first = signingKey();
    rmSync(dataDir(), { recursive: true });
    expect(signingKey()).not.toBe(first);
  });

  it('is hidden again where somebody made it readable', () => {
    signingKey();
    chmodSync(secretFile(), 0o644);
    signingKey();
    expect(modeOf(secretFile())).toBe(0o600);
  });

  it('that was cut short stops the start, rather than sign with next to nothing', () => {
    signingKey();
    writeFileSync(secretFile(), 'short\n');
    expect(() => signingKey()).toThrow(`${secretFile()} holds no secret of 32 characters or more`);
  });

  it('that cannot be kept stops the start', () => {
    writeFileSync(dataDir(), 'a file where the folder should be');
    expect(() => signingKey()).toThrow(dataDir());
  });
});

describe('the secret that an operator sets', () => {
  const secret = 'a secret of the operator, long enough';

  it('is used, and not written down', () => {
    expect(signingKey({ APP_SECRET: secret })).toBe(signingKey({ APP_SECRET: secret }));
    expect(readdirSync(dataDir())).toEqual([]);
  });

  it('wins over the one that was kept', () => {
    const kept = signingKey();
    expect(signingKey({ APP_SECRET: secret })).not.toBe(kept);
    expect(signingKey()).toBe(kept);
  });

  it('is not itself the key', () => {
    expect(signingKey({ APP_SECRET: secret })).not.toContain(Buffer.from(secret).toString('hex'));
    signingKey();
    expect(signingKey()).not.toContain(Buffer.from(readFileSync(secretFile(), 'utf8').trim()).toString('hex'));
  });
});
