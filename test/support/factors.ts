import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import type { Page } from 'playwright-core';
import { DataSource } from 'typeorm';
import type { TestApp } from './app.js';
import { person, Script, type Person, type Visitor } from './people.js';

/** The code that an authenticator app shows at a time, in milliseconds; now, where it is not said. */
export const codeFor = (secret: string, at = Date.now()): string =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: at });

/** A member with an authenticator app. */
export interface Authenticated {
  readonly who: Person;
  readonly secret: string;
  readonly recoveryCodes: readonly string[];
  /** What set it up; it is logged in. */
  readonly script: Script;
  /** A code that is right and not used yet, as if the codes before had been given half a minute ago. */
  readonly nextCode: () => Promise<string>;
}

/** Registers somebody and sets up an authenticator app, through the API. */
export async function setUpAuthenticator(site: TestApp, who: Person = person()): Promise<Authenticated> {
  const script = new Script(site.url);
  await script.register(who);
  return { who, script, ...(await addAuthenticator(site, script)) };
}

/** Sets up an authenticator app for somebody who is logged in. */
export async function addAuthenticator(
  site: TestApp,
  script: Script,
): Promise<Pick<Authenticated, 'secret' | 'recoveryCodes' | 'nextCode'>> {
  const path = '/api/v1/users/me/factors/authenticator';
  const begun = await script.ask(path, { method: 'POST' });
  const { secret } = (await begun.json()) as { secret: string };
  const added = await script.ask(path, { method: 'PUT', json: { code: codeFor(secret) } });
  if (added.status !== 200) throw new Error(`The app was not set up: ${added.status} ${await added.text()}`);
  const { recoveryCodes } = (await added.json()) as { recoveryCodes: string[] | null };
  const { id } = (await (await script.ask('/api/v1/users/me')).json()) as { id: string };
  const nextCode = async () => {
    await site.app.get(DataSource).query('UPDATE "authenticators" SET "lastStep" = 0 WHERE "userId" = $1', [id]);
    return codeFor(secret);
  };
  return { secret, recoveryCodes: recoveryCodes ?? [], nextCode };
}

/** Logs a browser in that must give a code after the password. */
export async function logInWithCode(
  browser: Visitor,
  { email, password }: Person,
  nextCode: () => Promise<string>,
): Promise<void> {
  await browser.ask('/login', { form: { email, password } });
  const { at } = await browser.visit('/login/factor', { form: { code: await nextCode() } });
  if (at !== '/secrets') throw new Error(`The login landed on ${at}.`);
}

/** Adds a passkey for a browser that is logged in, on the page for it. */
export async function addPasskey(site: TestApp, browser: Visitor, name = 'My phone'): Promise<SoftPasskey> {
  const path = '/account/factors/passkeys';
  const passkey = new SoftPasskey(site.settings.publicUrl);
  const response = passkey.create(optionsIn((await browser.visit(path)).html));
  const { status, html } = await browser.visit(path, { form: { name, response } });
  if (status !== 200 || html.includes('role="alert"')) throw new Error(`The passkey was not added: ${status}.`);
  return passkey;
}

/** Gives a page's browser an authenticator of its own; it asks nobody, and knows its person unless that is said. */
export async function addVirtualAuthenticator(page: Page, isUserVerified = true): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified,
      automaticPresenceSimulation: true,
    },
  });
}

/** What a page says that a browser shall ask of an authenticator. */
export interface PasskeyOptions {
  readonly challenge: string;
  readonly rp?: { readonly id: string };
  readonly rpId?: string;
  readonly user?: { readonly id: string };
  readonly excludeCredentials?: readonly { readonly id: string }[];
  readonly allowCredentials?: readonly { readonly id: string }[];
}

/** The options that stand in a page's form. */
export function optionsIn(html: string): PasskeyOptions {
  const options = /data-options="([^"]*)"/.exec(html)?.[1];
  if (options === undefined) throw new Error('The page asks for no passkey.');
  return JSON.parse(options.replace(/&quot;/g, '"').replace(/&#x3D;/g, '=')) as PasskeyOptions;
}

/** How a passkey's answer differs from a right one. */
interface Oddity {
  readonly origin?: string;
  readonly challenge?: string;
  readonly rpId?: string;
  readonly userHandle?: string;
  readonly isUserVerified?: boolean;
  readonly counter?: number;
}

/** A browser with an authenticator that holds one passkey (ES256), for specs that need no page; its answers are JSON. */
export class SoftPasskey {
  readonly id = randomBytes(16).toString('base64url');
  counter = 0;
  private readonly key: KeyObject;
  private readonly publicKey: Buffer;
  private userHandle = '';

  constructor(private readonly origin: string) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.key = privateKey;
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
    // COSE: an elliptic key (1: 2) for ES256 (3: -7) on P-256 (-1: 1), x (-2) and y (-3) of 32 bytes each
    const [head, between] = [Buffer.from('a5010203262001215820', 'hex'), Buffer.from('225820', 'hex')];
    this.publicKey = Buffer.concat([head, Buffer.from(x, 'base64url'), between, Buffer.from(y, 'base64url')]);
  }

  /** Makes the passkey, as `navigator.credentials.create` would. */
  create(options: PasskeyOptions, odd: Oddity = {}): string {
    this.userHandle = options.user?.id ?? '';
    const id = Buffer.from(this.id, 'base64url');
    const credential = Buffer.concat([Buffer.alloc(16), uint16(id.length), id, this.publicKey]);
    const authData = this.authData(odd.rpId ?? options.rp?.id ?? '', odd, credential);
    // CBOR: { fmt: 'none', attStmt: {}, authData }
    const attestationObject = Buffer.concat([
      Buffer.from('a363666d74646e6f6e656761747453746d74a0686175746844617461', 'hex'),
      Buffer.from([0x59]),
      uint16(authData.length),
      authData,
    ]);
    return this.answer({
      clientDataJSON: this.clientData('webauthn.create', options, odd).toString('base64url'),
      attestationObject: attestationObject.toString('base64url'),
      transports: ['internal', 'smoke signals'],
    });
  }

  /** Proves that it is there, as `navigator.credentials.get` would. */
  get(options: PasskeyOptions, odd: Oddity = {}): string {
    const clientData = this.clientData('webauthn.get', options, odd);
    const authData = this.authData(odd.rpId ?? options.rpId ?? '', odd);
    const signature = sign('sha256', Buffer.concat([authData, sha256(clientData)]), this.key);
    return this.answer({
      clientDataJSON: clientData.toString('base64url'),
      authenticatorData: authData.toString('base64url'),
      signature: signature.toString('base64url'),
      userHandle: odd.userHandle ?? this.userHandle,
    });
  }

  private answer(response: object): string {
    return JSON.stringify({ id: this.id, rawId: this.id, type: 'public-key', clientExtensionResults: {}, response });
  }

  private clientData(type: string, { challenge }: PasskeyOptions, odd: Oddity): Buffer {
    const { origin } = this;
    return Buffer.from(JSON.stringify({ type, challenge: odd.challenge ?? challenge, origin: odd.origin ?? origin }));
  }

  private authData(rpId: string, { isUserVerified = true, counter }: Oddity, credential?: Buffer): Buffer {
    const flags = 0x01 | (isUserVerified ? 0x04 : 0) | (credential ? 0x40 : 0);
    const count = Buffer.alloc(4);
    count.writeUInt32BE(counter ?? this.counter);
    return Buffer.concat([sha256(Buffer.from(rpId)), Buffer.from([flags]), count, credential ?? Buffer.alloc(0)]);
  }
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest();

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
