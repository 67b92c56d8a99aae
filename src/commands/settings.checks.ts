import { access, constants } from 'node:fs/promises';
import type { Settings } from '../config/settings.js';
import { ok, warning, wordsOf, type Finding } from './finding.js';

const patience = 5_000;

/** Whether the address that people use is a safe one, and leads to a Gatehouse. */
export async function checkAddress(settings: Settings): Promise<Finding[]> {
  return [checkPublicUrl(settings), await checkAnswer(settings)];
}

/** Settings that can be read, but may not be meant so. */
export async function checkSettings({ isSecure, trustProxy, rateLimits, breachList }: Settings): Promise<Finding[]> {
  const findings: Finding[] = [];
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
    const answer = await fetch(`${publicUrl}/health`, { redirect: 'manual', signal: AbortSignal.timeout(patience) });
    const { status } = (await answer.json().catch(() => ({}))) as { status?: unknown };
    if (answer.ok && status === 'alive') return ok('answer', `a Gatehouse answers at ${publicUrl}`);
    return warning('answer', `What answers at ${publicUrl} is no Gatehouse (${answer.status}). ${advice}`);
  } catch (error) {
    const { cause = error } = error as Error;
    return warning('answer', `Nobody answers at ${publicUrl} from here: ${wordsOf(cause)}. ${advice}`);
  }
}

const isOnThisMachine = (host: string) => /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(host);
