import { Logger } from '@nestjs/common';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { secondMs } from '../config/durations.js';
import type { Settings } from '../config/settings.js';
import type { WrittenLetter } from './letters.js';

/** A written letter with its address. A mail that is delivered twice is twice the same, so that it can be known again. */
interface Mail extends WrittenLetter {
  readonly id: string;
  readonly to: string;
  readonly writtenAt: Date;
}

/** Delivers a mail: whoever takes it has it when this returns. Throws where nobody does, or the signal aborts it. */
export type Postman = (mail: Mail, signal: AbortSignal) => Promise<void>;

/** By SMTP where the settings name a mail server, else into a folder, where an operator finds it. */
export function postmanFor(settings: Settings): Postman {
  return settings.smtpUrl === undefined ? toFolder(settings) : toServer(settings, settings.smtpUrl);
}

function toServer(settings: Settings, url: string): Postman {
  const transport = transportTo(url);
  return async (mail, signal) => {
    await transport.sendMail({ ...messageOf(mail, settings), signal });
  };
}

/** Every certificate is verified; what the address of the mail server says in its query has the last word. */
export function transportTo(url: string) {
  return createTransport({
    url,
    // where the server offers STARTTLS it is used; a password is for no connection without it
    requireTLS: /^smtp:\/\/[^/?]*@/.test(url),
    connectionTimeout: 10 * secondMs,
    greetingTimeout: 10 * secondMs,
    socketTimeout: 30 * secondMs,
    ...onlyWords,
  });
}

const outboxFolderOf = ({ dataDir }: Settings) => join(dataDir, 'outbox');

/**
 * Where mails are kept that do not leave. A data folder that was moved away is not made anew: it would be in the way when
 * that comes back.
 *
 * @throws Error with the code ENOENT where there is no data folder.
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

/** A part whose lines stand in the file as they were written: somebody copies a link out of it. */
const asItIs = (type: string, content: string) => ({
  raw: `Content-Type: ${type}; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n${content.replace(/\r?\n/g, '\r\n')}`,
});

/** A text from outside is never taken for a path or an address to be read. */
const onlyWords = { disableFileAccess: true, disableUrlAccess: true };

function messageOf({ id, to, subject, text, html, writtenAt }: Mail, settings: Settings): SendMailOptions {
  // nodemailer would leave these out, and so write to somebody else
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

/** The file is there whole or not at all, and survives a power cut. */
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
