import type { ExportView } from './account-export.view.js';

/** The part of the export for each table whose rows name a member. */
export const exported: Readonly<Record<string, keyof ExportView>> = {
  users: 'account',
  sessions: 'sessions',
  authenticators: 'secondFactors',
  passkeys: 'secondFactors',
  recovery_codes: 'secondFactors',
  events: 'activity',
  group_members: 'groups',
  audiences: 'givenFiles',
  downloads: 'receipts',
  reminders: 'reminders',
  shelf_visits: 'visits',
  uploads: 'uploads',
  links: 'links',
};

/** The stored data that is not exported, and the reason. The export itself lists these. */
export const leftOut = [
  {
    tables: ['outbox'],
    what: 'Mails that wait to be sent',
    why: 'They are sealed, so that nobody but the mail server gets them. They come to you.',
  },
  {
    tables: ['rate_limits'],
    what: 'How often somebody tried to log in, to register or to get mail',
    why: 'These are counts that say nothing of you, and are gone after a while.',
  },
  {
    tables: [],
    what: 'Passwords, keys, codes and the secrets of links and tokens',
    why: 'Whoever holds the export could use them to get in. Most are kept as a hash only.',
  },
] as const;
