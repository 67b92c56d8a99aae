import { createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import { accessSync, chmodSync, constants, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SettingsError, type Settings } from './settings.js';

/** The keys of this site, each derived from the one secret for one purpose (HKDF, RFC 5869). */
export class Keys {
  /** Signs sessions and flash messages. A `KeyObject`, since a string costs a parse on each use. */
  readonly signing: KeyObject;

  constructor(secret: string) {
    this.signing = createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', 'gatehouse signing v1', 32)));
  }
}

/**
 * Makes the data folder (mode 0750) and gives the keys: from `APP_SECRET`, or from a secret that is made at the
 * first start and kept in the data folder (mode 0600). Of two processes that start at once, both get the same.
 *
 * @throws SettingsError where the data folder cannot be written to, or holds no good secret.
 */
export function openKeys(settings: Settings): Keys {
  const { dataDir, appSecret } = settings;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o750 });
    accessSync(dataDir, constants.W_OK);
    return new Keys(appSecret ?? keptSecret(join(dataDir, 'app-secret')));
  } catch (error) {
    throw new SettingsError([`DATA_DIR cannot be used: ${(error as Error).message}`]);
  }
}

function keptSecret(path: string): string {
  const existing = readSecret(path);
  if (existing !== undefined) return existing;
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx', flush: true });
  try {
    // a hard link appears whole or not at all, and fails where another process was first
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
  return keptSecret(path);
}

function readSecret(path: string): string | undefined {
  try {
    const secret = readFileSync(path, 'utf8').trim();
    if (secret.length < 32)
      throw new Error(`${path} holds no secret of 32 characters or more: restore it or delete it.`);
    chmodSync(path, 0o600);
    return secret;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
