import { access, constants } from 'node:fs/promises';
import { secondMs } from '../config/durations.js';
import type { Settings } from '../config/settings.js';
import { ok, warning, wordsOf, type Finding } from './finding.js';

const timeoutMs = 5 * secondMs;

/** Checks that the public address is secure and leads to a Gatehouse. */
export async function checkAddress(settings: Settings): Promise<Finding[]> {
  return [checkPublicUrl(settings), await checkAnswer(settings)];
}

/** Checks for settings that are valid but may be a mistake. */
export async function checkSettings(settings: Settings): Promise<Finding[]> {
  const { isSecure, trustProxy, rateLimits, breachList } = settings;
  const findings = checkLines(settings);
  if (isSecure && trustProxy.length === 0)
    findings.push(
      warning(
        'TRUST_PROXY',
        'It is not set, though something ends TLS in front: name it, or everybody looks like one address.',
      ),
    );
  if (rateLimits === 'off')
    findings.push(warning('RATE_LIMITS', 'They are off, so anyone may guess passwords: for measurements only.'));
  if (breachList && !/^https?:/.test(breachList))
    await access(breachList, constants.R_OK).catch((error: unknown) =>
      findings.push(warning('BREACH_LIST', `It cannot be read, so every password passes: ${wordsOf(error)}`)),
    );
  return findings;
}

/** Checks whether somebody could read or change what the site sends to other machines (ASVS 5.0 12.3.1). */
function checkLines({ databaseUrl, smtpUrl, breachList }: Settings): Finding[] {
  const findings: Finding[] = [];
  const database = databaseUrl.startsWith('postgres') ? addressOf(databaseUrl) : undefined;
  const isVerified = /^(require|verify-ca|verify-full)$/.test(database?.searchParams.get('sslmode') ?? '');
  if (database && leadsElsewhere(database) && !isVerified)
    findings.push(
      warning('DATABASE_URL', 'The database is on another machine, without TLS: add ?sslmode=verify-full, if it can.'),
    );
  const mail = smtpUrl === undefined ? undefined : addressOf(smtpUrl);
  const mayBePlain = mail?.protocol === 'smtp:' && mail.username === '' && !mail.searchParams.has('requireTLS');
  if (mail && leadsElsewhere(mail) && mayBePlain)
    findings.push(
      warning(
        'SMTP_URL',
        'Mails go to another machine, and in plain text if that offers no TLS: use smtps:, or add ?requireTLS=true.',
      ),
    );
  if (breachList?.startsWith('http:') && leadsElsewhere(new URL(breachList)))
    findings.push(warning('BREACH_LIST', 'Its answers can be changed on the way: use https:, if it can.'));
  return findings;
}

const addressOf = (url: string) => (URL.canParse(url) ? new URL(url) : undefined);

/** If there is no host name, the connection is a socket on this machine. */
const leadsElsewhere = ({ hostname, searchParams }: URL) =>
  hostname !== '' && !isOnThisMachine(hostname) && !searchParams.get('host')?.startsWith('/');

function checkPublicUrl({ publicUrl, isSecure }: Settings): Finding {
  if (isSecure) return ok('PUBLIC_URL', publicUrl);
  if (isOnThisMachine(new URL(publicUrl).hostname)) return ok('PUBLIC_URL', `${publicUrl}, for this machine alone`);
  return warning(
    'PUBLIC_URL',
    `${publicUrl} is not https: passwords and cookies can be read on the way. Put TLS in front.`,
  );
}

async function checkAnswer({ publicUrl }: Settings): Promise<Finding> {
  const advice = 'See that the site runs, and that its proxy leads to it.';
  try {
    const answer = await fetch(`${publicUrl}/health`, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
    const { status } = (await answer.json().catch(() => ({}))) as { status?: unknown };
    if (answer.ok && status === 'alive') return ok('answer', `a Gatehouse answers at ${publicUrl}`);
    return warning('answer', `What answers at ${publicUrl} is no Gatehouse (${answer.status}). ${advice}`);
  } catch (error) {
    const { cause = error } = error as Error;
    return warning('answer', `Nobody answers at ${publicUrl} from here: ${wordsOf(cause)}. ${advice}`);
  }
}

const isOnThisMachine = (host: string) => /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(host);
