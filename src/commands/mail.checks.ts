import { join } from 'node:path';
import type { Settings } from '../config/settings.js';
import { transportTo } from '../mail/postmen.js';
import { ok, problem, warning, wordsOf, type Finding } from './finding.js';

const check = 'mail';

/** Checks that the mail server accepts this site's connection and login. Sends no mail. */
export async function checkMail({ smtpUrl, dataDir }: Settings): Promise<Finding[]> {
  if (smtpUrl === undefined)
    return [warning(check, `SMTP_URL is not set: mails are not sent but kept in ${join(dataDir, 'outbox')}.`)];
  try {
    await transportTo(smtpUrl).verify();
    return [ok(check, 'the mail server answers')];
  } catch (error) {
    return [problem(check, `The mail server of SMTP_URL does not take this site: ${wordsOf(error)}`)];
  }
}
