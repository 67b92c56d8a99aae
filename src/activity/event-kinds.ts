/**
 * What an event was done to.
 * - `member`: the member, or something of theirs with a name they chose (an email, a device, a token). It is removed
 *   with the member.
 * - `membership`: the member's email, a colon and the group.
 * - All others have a name of their own, which stays when a member is deleted.
 */
type EventTarget = 'member' | 'membership' | 'file' | 'collection' | 'group' | 'invite' | 'rules' | 'site';

interface EventFacts {
  readonly target: EventTarget;
  /** Whether the member whose account it is about can see it too, or only admins. */
  readonly seenBy: 'member' | 'admins';
  /** The text for pages: the first if it succeeded, the second if it did not. */
  readonly words: readonly [done: string, otherwise?: string];
}

const ofMember = (...words: EventFacts['words']): EventFacts => ({ target: 'member', seenBy: 'member', words });
const ofMembership = (...words: EventFacts['words']): EventFacts => ({ target: 'membership', seenBy: 'member', words });
const byMember = (target: EventTarget, ...words: EventFacts['words']): EventFacts => ({
  target,
  seenBy: 'member',
  words,
});
const byAdmin = (target: EventTarget, ...words: EventFacts['words']): EventFacts => ({
  target,
  seenBy: 'admins',
  words,
});

/**
 * Every kind of event: its target, who can see it, and its text. The name of a kind is a thing and what happened to it.
 * Only add to this list, because logs and filters outside depend on these names.
 */
const events = {
  'account.registered': ofMember('Registered', 'Tried to register again'),
  'account.approved': ofMember('Was let in by an admin'),
  'account.disabled': ofMember('Was disabled by an admin'),
  'account.enabled': ofMember('Was enabled by an admin'),
  'account.renamed': ofMember('Name changed'),
  'account.role-changed': ofMember('Role changed'),
  'account.exported': ofMember('Data exported'),
  'account.deleted': ofMember('Account deleted'),
  'email.verification-asked': ofMember('Link to confirm the email address asked for'),
  'email.verified': ofMember('Email address confirmed'),
  'email.change-asked': ofMember('Another email address asked for'),
  'email.changed': ofMember('Email address changed'),
  'password.changed': ofMember('Password changed', 'Wrong password given to change it'),
  'password.reset-asked': ofMember('Reset link asked for'),
  'password.reset': ofMember('Password reset by mail'),
  'mail.given-up': ofMember('Mail could not be delivered', 'Mail was refused by the mail server'),
  'session.link-asked': ofMember('Link to log in asked for'),
  'session.second-step-asked': ofMember('Gave the password, was asked for the second factor'),
  'session.began': ofMember('Logged in', 'Tried to log in'),
  'session.proved': ofMember('Proved who it is again', 'Gave a wrong proof'),
  'session.ended': ofMember('Session ended'),
  'session.others-ended': ofMember('All other sessions ended'),
  'token.made': ofMember('Access token made'),
  'factor.added': ofMember('Second factor added'),
  'factor.renamed': ofMember('Passkey renamed'),
  'factor.removed': ofMember('Second factor removed'),
  'factor.reset': ofMember('Second factor reset by an admin'),
  'factor.recovery-codes-made': ofMember('New recovery codes made'),
  'factor.recovery-code-used': ofMember('Recovery code used'),
  'invite.made': byAdmin('invite', 'Invite made'),
  'invite.withdrawn': byAdmin('invite', 'Invite withdrawn'),
  'registration.changed': byAdmin('rules', 'Rules of registration changed'),
  'group.added': byAdmin('group', 'Group made'),
  'group.renamed': byAdmin('group', 'Group renamed'),
  'group.deleted': byAdmin('group', 'Group deleted'),
  'group.member-added': ofMembership('Member came to a group'),
  'group.member-removed': ofMembership('Member taken out of a group'),
  'file.added': byAdmin('file', 'File added'),
  'file.replaced': byAdmin('file', 'New version of a file'),
  'file.renamed': byAdmin('file', 'File renamed'),
  'file.described': byAdmin('file', 'Note of a file changed'),
  'file.scheduled': byAdmin('file', 'When a file is there was changed'),
  'file.hidden': byAdmin('file', 'File hidden from members'),
  'file.shown': byAdmin('file', 'File no longer hidden'),
  'file.limited': byAdmin('file', 'How often a file may be downloaded was changed'),
  'file.shared': byAdmin('file', 'Who may have a file was changed'),
  'file.reminded': byAdmin('file', 'Members reminded of a file'),
  'file.featured': byAdmin('file', 'File featured'),
  'file.unfeatured': byAdmin('file', 'File no longer featured'),
  'file.deleted': byAdmin('file', 'File deleted'),
  'file.restored': byAdmin('file', 'Deleted file put back'),
  'collection.created': byAdmin('collection', 'Collection made'),
  'collection.changed': byAdmin('collection', 'Collection changed'),
  'collection.shared': byAdmin('collection', 'Who may have a collection was changed'),
  'collection.deleted': byAdmin('collection', 'Collection deleted'),
  'collection.downloaded': byMember('collection', 'Downloaded a collection', 'The download of a collection broke off'),
  'file.downloaded': byMember('file', 'Downloaded a file', 'A download broke off'),
  'file.part-downloaded': byMember('file', 'Downloaded a part of a file', 'The download of a part broke off'),
  'site.key-replaced': byAdmin('site', 'Key of the site replaced'),
} as const satisfies Readonly<Record<string, EventFacts>>;

export type EventKind = keyof typeof events;

export const eventKinds = Object.keys(events) as EventKind[];

/** The text of a kind. If this version does not know the kind, the text is its name. */
export const wordsOfKind = (kind: EventKind): EventFacts['words'] =>
  (events as Partial<Record<string, EventFacts>>)[kind]?.words ?? [kind];

const kindsWhere = (condition: (facts: EventFacts) => boolean) => eventKinds.filter((kind) => condition(events[kind]));

/** Kinds whose target has a name of its own, which stays when a member is deleted. */
export const kindsAboutThings = kindsWhere(({ target }) => target !== 'member' && target !== 'membership');
export const kindsAboutMemberships = kindsWhere(({ target }) => target === 'membership');
/** Kinds that only admins see, even if they name a member. */
export const kindsForAdmins = kindsWhere(({ seenBy }) => seenBy === 'admins');
