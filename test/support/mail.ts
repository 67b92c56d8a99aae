import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { eventually } from './database.js';
import type { Script } from './people.js';

const pem = (label: string, base64: string) => `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`;

/** What a mail server with TLS shows: its own certificate for 127.0.0.1, which nobody trusts who is not told to. */
export const certificate = pem(
  'CERTIFICATE',
  'MIIBkDCCATagAwIBAgIUVuqHV0V+/5fzV0svoocI+wF8krEwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2' +
    'MTEyNDE3NDA0NVoYDzIxMjYxMDMxMTc0MDQ1WjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC' +
    'AAQByxlZx6iDXZy9dlDBX33PdfkcTL3UAG7hk+X01lNmlWwTDEexnns93jw/E3yFWNS7V+DbqlfSxFlOPpzZZWifo2QwYjAdBgNV' +
    'HQ4EFgQU2CkClbFcGf8tAB/3FijO74FKEbEwHwYDVR0jBBgwFoAU2CkClbFcGf8tAB/3FijO74FKEbEwDwYDVR0TAQH/BAUwAwEB' +
    '/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0gAMEUCIFgOZTTTrpmNJ1E8w8jFAWPNWXdbbx9+I+kiPL1h4bcqAiEAjVKZ' +
    'n9smla+AeuQXga+3zWTOH9F8lyc+gS8+n/T63VQ=',
);
export const certificateKey = pem(
  'PRIVATE KEY',
  'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWGd/tZ148LQPmTDTJp15VZaqk4LnG2tiexU6mXpmJ8ehRANCAAQB' +
    'yxlZx6iDXZy9dlDBX33PdfkcTL3UAG7hk+X01lNmlWwTDEexnns93jw/E3yFWNS7V+DbqlfSxFlOPpzZZWif',
);

/** A mail as its reader's program has it. */
export type Mail = Email;

/** A real mail server on this machine, and what it took so far. */
export interface Smtp {
  /** To be given as `SMTP_URL`. */
  readonly url: string;
  /** In the order in which they came. */
  readonly mails: readonly Mail[];
  /** Whom those mails were for, by what the sender told the server. */
  readonly recipients: readonly string[];
  /** How often somebody connected. */
  readonly connections: number;
  /** How it treats whoever comes from now on: `takes` mails, `refuses` every address, or `hangs` and never answers. */
  mood: 'takes' | 'refuses' | 'refuses for good' | 'hangs';
  close(): Promise<void>;
}

/**
 * Starts a mail server on a free port, or on a given one. It takes `pause` milliseconds over each mail, and has no TLS
 * unless the options say otherwise.
 */
export async function startSmtp({
  port = 0,
  pause = 0,
  ...options
}: { port?: number; pause?: number } & SMTPServerOptions = {}): Promise<Smtp> {
  const mails: Mail[] = [];
  const recipients: string[] = [];
  const smtp = { mood: 'takes' as Smtp['mood'], mails, recipients, connections: 0 };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    closeTimeout: 1,
    cert: certificate,
    key: certificateKey,
    onConnect(_session, greet) {
      smtp.connections++;
      if (smtp.mood !== 'hangs') greet();
    },
    onRcptTo({ address }, _session, answer) {
      // a mail server's words repeat the address, so that a test sees where they end up
      const refusal = Object.assign(new Error(`<${address}> is not taken now`), { responseCode: 451 });
      if (smtp.mood === 'refuses for good') answer(Object.assign(refusal, { responseCode: 550 }));
      else answer(smtp.mood === 'refuses' ? refusal : null);
    },
    onData(stream, { envelope }, answer) {
      const take = async () => {
        const mail = await PostalMime.parse(await buffer(stream));
        await sleep(pause);
        mails.push(mail);
        recipients.push(...envelope.rcptTo.map(({ address }) => address));
      };
      take().then(() => answer(), answer);
    },
    ...options,
  });
  // a client that goes away, or does not trust the certificate, is no fault of the server
  server.on('error', () => undefined);
  server.listen(port, '127.0.0.1');
  await once(server.server, 'listening');
  const { port: taken } = server.server.address() as AddressInfo;
  return Object.assign(smtp, {
    url: `smtp://127.0.0.1:${taken}`,
    close: () => new Promise<void>((resolve) => server.close(resolve)),
  });
}

/** A site whose mails lie in its data folder: a test app, or a process. */
export type Site = { readonly settings: { readonly dataDir: string } } | { readonly dataDir: string };

/** The mails that a site without a mail server kept as files, the oldest first. */
export async function mailsIn(site: Site): Promise<Mail[]> {
  const folder = join('settings' in site ? site.settings.dataDir : site.dataDir, 'outbox');
  const files = (await readdir(folder).catch(() => [])).filter((file) => file.endsWith('.eml')).toSorted();
  return Promise.all(files.map((file) => mailIn(join(folder, file))));
}

/** What was read once: a mail never changes, and a site under test has many. */
const readMails = new Map<string, Promise<Mail>>();

function mailIn(path: string): Promise<Mail> {
  const mail = readMails.get(path) ?? readFile(path).then((bytes) => PostalMime.parse(bytes));
  readMails.set(path, mail);
  return mail;
}

const handedOut = new Set<string>();

/** Waits for the next mail to somebody under a subject: the oldest that a test has not been given yet. */
export async function waitForMail(site: Site, to: string, subject: RegExp): Promise<Mail> {
  let found: Mail | undefined;
  let all: Mail[] = [];
  const isThere = async () => {
    all = await mailsIn(site);
    found = all.find((mail) => isFor(mail, to) && subject.test(mail.subject ?? '') && !handedOut.has(idOf(mail)));
    return found !== undefined;
  };
  await eventually(isThere).catch(() => undefined);
  if (!found) {
    const others = all.map((mail) => `${mail.to?.[0]?.address}: ${mail.subject}`).join('\n');
    throw new Error(`No mail ${subject} came to ${to}. There are:\n${others}`);
  }
  handedOut.add(idOf(found));
  return found;
}

/** The first link of a mail's text. */
export function linkIn({ text, subject }: Mail): string {
  const link = /https?:\/\/\S+/.exec(text ?? '')?.[0];
  if (link === undefined) throw new Error(`The mail “${subject}” has no link.`);
  return link;
}

/** Has a member who is logged in confirm the address by the mailed link. */
export async function confirmAddress(site: Site, script: Script, email: string): Promise<void> {
  await script.ask('/api/v1/users/me/email-verifications', { method: 'POST' });
  const token = new URL(linkIn(await waitForMail(site, email, /confirm/i))).searchParams.get('token');
  const answer = await script.ask('/api/v1/email-confirmations', { method: 'PUT', json: { token } });
  if (answer.status !== 204) throw new Error(`The address was not confirmed: ${answer.status}.`);
}

const isFor = (mail: Mail, address: string) => mail.to?.some((recipient) => recipient.address === address) ?? false;

const idOf = ({ messageId }: Mail) => messageId ?? '';
