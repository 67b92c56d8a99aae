import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { SettingsError, type Settings } from './settings.js';
import { isGuessable } from './weak-secret.js';

/** The keys of this site. Each is derived from the one secret for one purpose (HKDF, RFC 5869). */
export class Keys {
  /** Signs sessions and flash messages. It is a `KeyObject`, because a string must be parsed on each use. */
  readonly signing: KeyObject;
  private readonly sealing: KeyObject;
  private readonly marking: KeyObject;

  /**
   * @param place where the secret is stored: the variable, or the path of its file.
   * @param isNew whether it was made just now.
   */
  constructor(
    secret: string,
    readonly place = 'APP_SECRET',
    readonly isNew = false,
  ) {
    const derive = (purpose: string) =>
      createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `gatehouse ${purpose} v1`, 32)));
    this.signing = derive('signing');
    this.sealing = derive('sealing');
    this.marking = derive('marking');
  }

  /** Encrypts text so that only this site can read it (AES-256-GCM), for secrets in the database. Gives base64url. */
  seal(text: string): string {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.sealing, nonce);
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  /** @throws Error if the text was not sealed with this site's key, or was changed afterwards. */
  unseal(sealed: string): string {
    const bytes = Buffer.from(sealed, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', this.sealing, bytes.subarray(0, 12), { authTagLength: 16 });
    decipher.setAuthTag(bytes.subarray(12, 28));
    return decipher.update(bytes.subarray(28), undefined, 'utf8') + decipher.final('utf8');
  }

  /**
   * A keyed hash (HMAC-SHA-256, base64url) to recognise a short secret. A person who has only the database cannot find
   * the secret by trying all values. `purpose` gives equal texts of two kinds different hashes.
   */
  mark(purpose: string, text: string): string {
    return createHmac('sha256', this.marking).update(`${purpose}\n${text}`).digest('base64url');
  }
}

/**
 * Makes the data folder (mode 0750) and returns the keys. They come from `APP_SECRET`, or from a secret that is made at
 * the first start and kept in the data folder (mode 0600). If two processes start at once, both get the same keys.
 *
 * @throws SettingsError if the data folder cannot be written to, has an unfinished restore, or holds a weak secret.
 */
export function openKeys(settings: Settings): Keys {
  const { dataDir, appSecret } = settings;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o750 });
    accessSync(dataDir, constants.W_OK);
    refuseBrokenRestore(dataDir);
    if (appSecret !== undefined) return new Keys(appSecret);
    const path = join(dataDir, 'app-secret');
    const isNew = !existsSync(path);
    return new Keys(keptSecret(path), path, isNew);
  } catch (error) {
    throw new SettingsError([`DATA_DIR cannot be used: ${(error as Error).message}`]);
  }
}

/**
 * Deletes a secret that was made just now, if the site was made with another one. The next start then finds everything
 * as it was.
 */
export function takeBackKeys({ place, isNew }: Keys): void {
  if (isNew) rmSync(place, { force: true });
}

/** A file in the data folder while a restore replaces the site. It holds the path of the backup. */
export const brokenRestore = 'restore-unfinished';

function refuseBrokenRestore(dataDir: string): void {
  const mark = join(dataDir, brokenRestore);
  if (!existsSync(mark)) return;
  const target = readFileSync(mark, 'utf8').trim();
  throw new Error(
    `a restore was broken off in the middle, or is still at work. Run it again: npm run gatehouse -- restore ${target}`,
  );
}

function keptSecret(path: string): string {
  const existing = readSecret(path);
  if (existing !== undefined) return existing;
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx', flush: true });
  try {
    // a hard link appears whole or not at all, and fails if another process was first
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
    if (isGuessable(secret))
      throw new Error(`${path} holds a secret that is easy to guess: restore the one that was made, or delete it.`);
    chmodSync(path, 0o600);
    return secret;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
