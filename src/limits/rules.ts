import { daySeconds, hourSeconds, minuteSeconds } from '../config/durations.js';

/** How many tries, and in how many seconds they are forgotten. */
export const rules = {
  /** Wrong passwords for one account from one address; or from one device that its member has used before. */
  account: { points: 10, duration: 15 * minuteSeconds },
  /** Wrong passwords from one address, whatever the account: someone tries one password on everybody. */
  address: { points: 100, duration: hourSeconds },
  /** Wrong passwords for one account in a row, wherever they come from. */
  streak: { points: 100, duration: 30 * daySeconds },
  /** Registrations from one address. */
  registration: { points: 300, duration: hourSeconds },
  /** What a session changes, right or wrong; a session of a member or of an admin, in what is their own. */
  changes: { points: 60, duration: hourSeconds },
  /** Logins that went well, of one account from one address or device: a program that does nothing else. */
  logins: { points: 120, duration: hourSeconds },
  /** Mails that one address, or one device that its member has used before, has sent to one account. */
  mail: { points: 5, duration: hourSeconds },
  /** Mails that strangers have sent to one account, wherever they asked. */
  mailbox: { points: 30, duration: hourSeconds },
  /** Mails that one address has sent to anybody. */
  mails: { points: 30, duration: hourSeconds },
  /** Mails that tell the admins that somebody waits to be let in. */
  notice: { points: 1, duration: 10 * minuteSeconds },
  /** Wrong codes, passwords and answers given as a second factor or a proof, for one account. */
  factor: { points: 10, duration: 15 * minuteSeconds },
  /** The same, for so long that nobody who has the password guesses a code: it has six digits. */
  codes: { points: 100, duration: 365 * daySeconds },
} as const;

export type Rule = keyof typeof rules;
