import { daySeconds, hourSeconds, minuteSeconds } from '../config/durations.js';

/** The limits: `points` tries are allowed within `duration` seconds. */
export const rules = {
  /** Wrong passwords for one account from one address, or from one device that its member has used before. */
  account: { points: 10, duration: 15 * minuteSeconds },
  /** Wrong passwords from one address for any account, to stop a person who tries one password on all accounts. */
  address: { points: 100, duration: hourSeconds },
  /** Wrong passwords for one account in a row, from anywhere. */
  streak: { points: 100, duration: 30 * daySeconds },
  /** Registrations from one address. */
  registration: { points: 300, duration: hourSeconds },
  /** Changes that one session makes to its own member's data, right or wrong. */
  changes: { points: 60, duration: hourSeconds },
  /** Successful logins of one account from one address or device, to stop a program that only logs in. */
  logins: { points: 120, duration: hourSeconds },
  /** Mails to one account that one address, or one device that its member has used before, asked for. */
  mail: { points: 5, duration: hourSeconds },
  /** Mails to one account that strangers asked for, from anywhere. */
  mailbox: { points: 30, duration: hourSeconds },
  /** Mails to any account that one address asked for. */
  mails: { points: 30, duration: hourSeconds },
  /** Mails that tell the admins that a person waits for approval. */
  notice: { points: 1, duration: 10 * minuteSeconds },
  /** Wrong codes, passwords and answers for one account, given as a second factor or a proof. */
  factor: { points: 10, duration: 15 * minuteSeconds },
  /**
   * The same over a long time. A code has only six digits, so this stops a person with the password from guessing one.
   */
  codes: { points: 100, duration: 365 * daySeconds },
} as const;

export type Rule = keyof typeof rules;
