import { ConflictException, type INestApplicationContext } from '@nestjs/common';
import { AccountDeletion } from '../account/account-deletion.js';
import { PasswordResets } from '../confirmations/password-resets.js';
import type { Role } from '../http/access.js';
import { presentMember } from '../members/member.view.js';
import type { MembersService, Member } from '../members/members.service.js';
import { stateOf } from '../users/user.entity.js';
import { asOperator } from './site.js';

/** The member that a command is about. */
export interface About {
  readonly site: INestApplicationContext;
  readonly members: MembersService;
  readonly member: Member;
}

/** The result of a command: in words, and as JSON for scripts. */
export interface Told {
  readonly text: string;
  /** A remark for people that goes with the text. */
  readonly aside?: string;
  readonly json: object;
}

/** What a command does to one member. */
export type Act = (about: About) => Promise<Told>;

export async function approve(about: About): Promise<Told> {
  const { members, member } = about;
  if (!(await members.approve(member, asOperator())))
    throw new ConflictException(`${member.email} does not wait to be let in.`);
  return asNow(about, `${member.email} is let in.`);
}

export async function disable(about: About): Promise<Told> {
  const { members, member } = about;
  await members.disable(member, asOperator());
  return asNow(about, `${member.email} is disabled, and every session has ended.`);
}

export async function enable(about: About): Promise<Told> {
  const { members, member } = about;
  await members.enable(member, asOperator());
  const waits = `${member.email} is enabled, and waits to be let in.`;
  return asNow(about, member.awaitingSince ? waits : `${member.email} may come in.`);
}

export async function setRole(about: About, role: Role): Promise<Told> {
  const { members, member } = about;
  await members.setRole(member, role, asOperator());
  return asNow(about, `${member.email} is ${roleInWords[role]} now.`);
}

export async function makeResetLink({ site, member }: About): Promise<Told> {
  const { email } = member;
  if (stateOf(member) !== 'active')
    throw new ConflictException(`${email} may not come in, so needs no new password: let them in first.`);
  const link = await site.get(PasswordResets).makeFor(member, { isFirst: false }, asOperator().caller);
  const aside = `${email} chooses another password here, once and within 30 minutes; the old one works until then:`;
  return { text: link, aside, json: { email, link } };
}

export async function endSessions(about: About): Promise<Told> {
  const { members, member } = about;
  await members.endSessions(member, asOperator());
  return asNow(about, `Every session and token of ${member.email} has ended.`);
}

export async function resetFactors(about: About): Promise<Told> {
  const { members, member } = about;
  if (!(await members.resetFactors(member, asOperator())))
    throw new ConflictException(`${member.email} has no second factor.`);
  const words = `${member.email} has no second factor any more: a password is enough, until they set one up.`;
  return asNow(about, words);
}

export async function remove({ site, member }: About): Promise<Told> {
  await site.get(AccountDeletion).deleteAccountOf(member, asOperator());
  return { text: `${member.email} is deleted, with everything that was theirs.`, json: presentMember(member) };
}

export const roleInWords: Record<Role, string> = { member: 'a member', admin: 'an admin' };

const asNow = async ({ members, member }: About, text: string): Promise<Told> => ({
  text,
  json: presentMember(await members.find(member.id)),
});
