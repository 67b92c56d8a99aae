import { Secret, TOTP } from 'otpauth';
import { secondMs } from '../config/durations.js';

/** The form that every authenticator app supports (RFC 6238): SHA-1, six digits, a new code every 30 seconds. */
const form = { algorithm: 'SHA1', digits: 6 };
const period = 30;

/**
 * How long the previous code still works in a new time step, in milliseconds. It helps people whose clock or typing is
 * slow.
 */
const grace = 5 * secondMs;

/** A secret of 160 random bits, as many as the hash has (RFC 4226 4), in base32. */
export const newSecret = (): string => new Secret({ size: 20 }).base32;

/**
 * The time step of this code, if it is valid at `now` (in milliseconds). A time step is the number of half minutes
 * since 1970. The code is valid if it is the current one, or the one before it during the first five seconds of a step.
 * Gives undefined for any other code (ASVS 5.0 6.5.5).
 */
export function stepOf(secret: string, code: string, now: number): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  const key = Secret.fromBase32(secret);
  const isCodeAt = (timestamp: number) =>
    TOTP.validate({ ...form, period, secret: key, token: code, timestamp, window: 0 }) !== null;
  const milliseconds = period * secondMs;
  const step = Math.floor(now / milliseconds);
  if (isCodeAt(now)) return step;
  return now % milliseconds < grace && isCodeAt(now - milliseconds) ? step - 1 : undefined;
}

/** The `otpauth` address that an app reads from the QR code. */
export const otpauthUrl = (secret: string, issuer: string, account: string): string =>
  new TOTP({ ...form, period, secret: Secret.fromBase32(secret), issuer, label: account }).toString();
