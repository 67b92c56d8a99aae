import type { Settings } from '../config/settings.js';

const mask = '********';

/** A setting as it may be shown: what is secret in it is masked, and null stands for what is not set. */
export function masked(property: keyof Settings, value: Settings[keyof Settings]) {
  if (value === undefined || typeof value === 'boolean') return value ?? null;
  if (property === 'appSecret' || property === 'adminPassword') return mask;
  if (typeof value !== 'string') return value;
  if (property === 'databaseUrl' || property === 'smtpUrl') return withoutQuerySecrets(withoutPassword(value));
  // a service's address may have nothing but its key in front of the @
  if (property === 'breachList') return withoutQuerySecrets(value.replace(/:\/\/.*@/, `://${mask}@`));
  return value;
}

/** Up to the last @, since not every password has its own ones escaped. */
const withoutPassword = (url: string) => url.replace(/(:\/\/[^:@/]*):.*@/, `$1:${mask}@`);

/** Drivers take a password as a parameter too, under several names. */
const withoutQuerySecrets = (url: string) =>
  url.replace(/([?&][^=&]*(?:pass|key|token|secret)[^=&]*=)[^&#]*/gi, `$1${mask}`);
