import { Logger } from '@nestjs/common';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { secondMs } from '../config/durations.js';
import type { Settings } from '../config/settings.js';
import type { WrittenLetter } from './letters.js';

/**
 * A finished letter with its address. If it is delivered twice, both mails are identical, so that a mail program can
 * recognise the second.
 */
interface Mail extends WrittenLetter {
  readonly id: string;
  readonly to: string;
  readonly writtenAt: Date;
}

/**
 * Delivers a mail. When it returns, the receiver has the mail. It throws if nobody takes the mail, or if the signal
 * aborts it.
 */
export type Postman = (mail: Mail, signal: AbortSignal) => Promise<void>;

/** Uses SMTP if the settings name a mail server. If not, it writes to a folder that the operator can read. */
export function postmanFor(settings: Settings): Postman {
  return settings.smtpUrl === undefined ? toFolder(settings) : toServer(settings, settings.smtpUrl);
}

function toServer(settings: Settings, url: string): Postman {
  const transport = transportTo(url);
  return async (mail, signal) => {
    await transport.sendMail({ ...messageOf(mail, settings), signal });
  };
}

/**
 * Connects to a mail server. Every certificate is verified, but the query of the mail server's address can override
 * these options.
 */
export function transportTo(url: string) {
  return createTransport({
    url,
    // STARTTLS is used if the server offers it, and a password is never sent without TLS
    requireTLS: /^smtp:\/\/[^/?]*@/.test(url),
    connectionTimeout: 10 * secondMs,
    greetingTimeout: 10 * secondMs,
    socketTimeout: 30 * secondMs,
    ...onlyWords,
  });
}

const outboxFolderOf = ({ dataDir }: Settings) => join(dataDir, 'outbox');

/**
 * Makes the folder for mails that are not sent. It does not make a missing data folder: if that was moved away, a new
 * one would be in its place when it comes back.
 *
 * @throws Error with the code ENOENT if there is no data folder.
 */
export async function makeOutboxFolder(settings: Settings): Promise<void> {
  await mkdir(outboxFolderOf(settings), { mode: 0o750 }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  });
}

function toFolder(settings: Settings): Postman {
  const logger = new Logger('Mail');
  const transport = createTransport({ streamTransport: true, buffer: true, newline: 'windows', ...onlyWords });
  const folder = outboxFolderOf(settings);
  return async (mail) => {
    const { text, html } = mail;
    const bodies = { text: asItIs('text/plain', text), html: asItIs('text/html', html) };
    const { message } = await transport.sendMail({ ...messageOf(mail, settings), ...bodies });
    const time = mail.writtenAt.toISOString().replace(/[-:]|\..*/g, '');
    const file = join(folder, `${time}-${mail.id}.eml`);
    await makeOutboxFolder(settings);
    await writeWhole(folder, file, message as Buffer);
    logger.log({ letter: mail.id, file }, `SMTP_URL is not set: a mail was not sent but kept as ${file}`);
  };
}

/** A part whose lines are in the file exactly as written, so that people can copy a link from it. */
const asItIs = (type: string, content: string) => ({
  raw: `Content-Type: ${type}; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n${content.replace(/\r?\n/g, '\r\n')}`,
});

/** Text from outside is never read as a file path or an address to load. */
const onlyWords = { disableFileAccess: true, disableUrlAccess: true };

function messageOf({ id, to, subject, text, html, writtenAt }: Mail, settings: Settings): SendMailOptions {
  // nodemailer would drop these characters, and the mail would go to another address
  if (/[<>\p{Cc}]/u.test(to)) throw Object.assign(new Error('No mail can have this address.'), { code: 'EENVELOPE' });
  return {
    from: settings.mailFrom,
    to: { name: '', address: to },
    subject,
    text,
    html,
    date: writtenAt,
    messageId: `<${id}@${new URL(settings.publicUrl).hostname}>`,
    headers: { 'Auto-Submitted': 'auto-generated' },
  };
}

/** Writes a file that exists whole or not at all, and that survives a power cut. */
async function writeWhole(folder: string, path: string, bytes: Buffer): Promise<void> {
  const draft = `${path}.draft`;
  const file = await open(draft, 'w', 0o640);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
