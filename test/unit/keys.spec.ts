import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Keys, openKeys } from '../../src/config/keys.js';
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

describe('what is sealed', () => {
  const secret = 'a secret of at least thirty-two characters';
  const keys = new Keys(secret);
  /** RFC 5869 by the same words, as somebody else would derive it. */
  const derived = (purpose: string) => Buffer.from(hkdfSync('sha256', secret, '', `gatehouse ${purpose} v1`, 32));

  it('is AES-256-GCM under a key for that alone, with another nonce each time', () => {
    const sealed = Array.from({ length: 1_000 }, () => Buffer.from(keys.seal('canary'), 'base64url'));
    expect(new Set(sealed.map((bytes) => bytes.subarray(0, 12).toString('hex'))).size).toBe(1_000);
    const [one = Buffer.alloc(0)] = sealed;
    const cipher = createDecipheriv('aes-256-gcm', derived('sealing'), one.subarray(0, 12));
    cipher.setAuthTag(one.subarray(12, 28));
    expect(cipher.update(one.subarray(28), undefined, 'utf8') + cipher.final('utf8')).toBe('canary');
  });

  it('is not read once a bit of it was changed, or some of it is missing', () => {
    const sealed = Buffer.from(keys.seal('canary'), 'base64url');
    expect(keys.unseal(sealed.toString('base64url'))).toBe('canary');
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => keys.unseal(changed.toString('base64url'))).toThrow();
    }
    for (let length = 0; length < sealed.length; length++)
      expect(() => keys.unseal(sealed.subarray(0, length).toString('base64url'))).toThrow();
  });

  it('is not read with another secret; and a mark is HMAC-SHA-256 under another key than signs', () => {
    expect(() => new Keys(`${secret}!`).unseal(keys.seal('canary'))).toThrow();
    const mark = createHmac('sha256', derived('marking')).update('a purpose\na text').digest('base64url');
    expect(keys.mark('a purpose', 'a text')).toBe(mark);
    expect(keys.signing.export().equals(derived('signing'))).toBe(true);
    expect(derived('signing').equals(derived('marking'))).toBe(false);
  });
});
