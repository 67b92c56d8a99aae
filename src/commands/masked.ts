import type { Settings } from '../config/settings.js';

const mask = '********';

/** A setting's value as it may be shown. Secrets are masked, and null means that the setting is not set. */
export function masked(property: keyof Settings, value: Settings[keyof Settings]) {
  if (value === undefined || typeof value === 'boolean') return value ?? null;
  if (property === 'appSecret' || property === 'adminPassword') return mask;
  if (typeof value !== 'string') return value;
  if (property === 'databaseUrl' || property === 'smtpUrl') return withoutQuerySecrets(withoutPassword(value));
  // the part of a service's address before the @ may be just its key
  if (property === 'breachList') return withoutQuerySecrets(value.replace(/:\/\/.*@/, `://${mask}@`));
  return value;
}

/** Masks everything up to the last @, because some passwords contain an @ that is not escaped. */
const withoutPassword = (url: string) => url.replace(/(:\/\/[^:@/]*):.*@/, `$1:${mask}@`);

/** Masks secrets in parameters too, because drivers accept a password there under several names. */
const withoutQuerySecrets = (url: string) =>
  url.replace(/([?&][^=&]*(?:pass|key|token|secret)[^=&]*=)[^&#]*/gi, `$1${mask}`);
