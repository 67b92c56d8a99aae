import { ConflictException, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { ActivityService } from '../activity/activity.service.js';
import type { EventKind } from '../activity/event-kinds.js';
import { Settings } from '../config/settings.js';
import { PasswordResets } from '../confirmations/password-resets.js';
import { Reader } from '../database/reader.js';
import { FactorsService } from '../factors/factors.service.js';
import type { Role } from '../http/access.js';
import { newestId, cursorPageOf, type CursorPage } from '../http/paging.input.js';
import { withWords } from '../http/search.js';
import { LinksService } from '../links/links.service.js';
import { MailService } from '../mail/mail.service.js';
import { hasFactor } from '../sessions/session-lookup.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { RegistrationRules, type Rules } from '../users/registration-rules.js';
import { stateOf, User, type MemberState } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import type { Actor } from '../http/actor.js';
import type { MemberChangeInput, MemberFilterInput } from './member.input.js';

/** A member as admins see them. */
export type Member = User & { readonly hasFactor: boolean };

/** The members, for admins: the list, and the actions for each member. Each action is recorded in the activity log. */
@Injectable()
export class MembersService {
  constructor(
    @InjectRepository(User) private readonly rows: Repository<User>,
    private readonly reader: Reader,
    private readonly users: UsersService,
    private readonly rules: RegistrationRules,
    private readonly sessions: SessionsService,
    private readonly factors: FactorsService,
    private readonly links: LinksService,
    private readonly resets: PasswordResets,
    private readonly mail: MailService,
    private readonly activity: ActivityService,
    private readonly settings: Settings,
  ) {}

  /**
   * The members, the newest first. If `q` is given, only those whose name or email contains its words. Uses one
   * statement, however many members there are.
   */
  async list({ limit, cursor = newestId, q, state }: MemberFilterInput): Promise<CursorPage<Member>> {
    const query = this.rows
      .createQueryBuilder('u')
      .addSelect(hasFactor, 'hasFactor')
      .where('u."id" < :cursor', { cursor })
      .orderBy('u.id', 'DESC')
      .limit(limit + 1);
    withWords(query, 'u."searchText"', q);
    if (state) query.andWhere(conditions[state]);
    const { entities, raw } = await query.getRawAndEntities<{ hasFactor: boolean | number }>();
    const found = entities.map((user, index) => withFactor(user, Boolean(raw[index]?.hasFactor)));
    return cursorPageOf(found, limit);
  }

  /** @throws NotFoundException if there is no such member. */
  async find(id: string): Promise<Member> {
    const user = await this.users.find(id);
    return withFactor(user, await this.factors.isSetUpFor(user.id));
  }

  /** The number of members in each state. */
  async count(): Promise<Record<MemberState, number>> {
    const [row] = await this.reader.rows<Record<MemberState, number | string>>(counting);
    return { active: Number(row?.active), awaiting: Number(row?.awaiting), disabled: Number(row?.disabled) };
  }

  /**
   * Approves a member who waits for it, and tells them by mail. Gives false if they no longer wait.
   *
   * @throws ConflictException if they are disabled.
   */
  async approve(member: Member, by: Actor): Promise<boolean> {
    if (member.disabledAt) refuseDisabled();
    if (!(await this.users.approve(member.id))) return false;
    await this.note('account.approved', member, by);
    const data = { link: `${this.settings.publicUrl}/login` };
    await this.mail.send({ to: member.email, view: 'account-approved', data });
    return true;
  }

  /**
   * Disables a member from the next request on, and ends their sessions, tokens and mailed links.
   *
   * @throws ConflictException if this is the last admin, or the admin who asks.
   */
  async disable(member: Member, by: Actor): Promise<void> {
    refuseToDisableOneself(member, by);
    await this.users.disable(member.id);
    await this.sessions.endAllOf(member.id);
    await this.links.withdrawAllOf(member.id);
    if (!member.disabledAt) await this.note('account.disabled', member, by);
  }

  /** Lets a disabled member log in again. Their earlier sessions, tokens and links stay ended. */
  async enable(member: Member, by: Actor): Promise<void> {
    if (!member.disabledAt) return;
    await this.users.enable(member.id);
    await this.note('account.enabled', member, by);
  }

  /**
   * Changes a member's role. It applies from their next request on.
   *
   * @throws ConflictException if no admin would be left.
   */
  async setRole(member: Member, role: Role, by: Actor): Promise<void> {
    if (member.role === role) return;
    await this.users.setRole(member.id, role);
    await this.note('account.role-changed', member, by, `${member.email}: ${role}`);
  }

  /** Ends all sessions and tokens of a member, except the session that asks. */
  async endSessions(member: Member, by: Actor): Promise<void> {
    await this.sessions.endAllOf(member.id, by.admin?.session.id);
    await this.note('session.others-ended', member, by);
  }

  /**
   * Removes the second factor of a member who has lost it, and tells them by mail. Gives false if they have none.
   *
   * @throws ConflictException if this is the admin who asks; they change their own on their account page.
   */
  async resetFactors(member: Member, by: Actor): Promise<boolean> {
    if (member.id === by.admin?.id)
      throw new ConflictException('You change your own second factor on your account page.');
    await this.factors.removeAllOf(member.id);
    if (!member.hasFactor) return false;
    await this.note('factor.reset', member, by);
    const data = { what: 'an admin took your second factor away' };
    await this.mail.send({ to: member.email, view: 'factor-changed', data });
    return true;
  }

  /**
   * Mails a member a link to choose another password. If the site sends no mail, gives the link, so that the admin can
   * pass it on.
   *
   * @throws ConflictException if the member may not log in anyway.
   */
  async sendResetLink(member: Member, { admin, caller }: Actor): Promise<string | undefined> {
    if (stateOf(member) !== 'active')
      throw new ConflictException('Who may not come in needs no new password: let them in first.');
    return this.resets.sendTo(member, admin, caller);
  }

  /**
   * Makes several changes at once. Checks for some of the refusals first, so that these leave nothing half done.
   *
   * @throws ConflictException if one of the changes is refused.
   */
  async change(member: Member, { role, disabled, approved }: MemberChangeInput, by: Actor): Promise<Member> {
    if (disabled) refuseToDisableOneself(member, by);
    if (approved && (disabled ?? member.disabledAt)) refuseDisabled();
    if (role) await this.setRole(member, role, by);
    if (disabled) await this.disable(member, by);
    if (disabled === false) await this.enable(member, by);
    const changed = await this.find(member.id);
    if (!approved) return changed;
    await this.approve(changed, by);
    return this.find(member.id);
  }

  /** Sets the rules for registration from now on. */
  async setRules(rules: Rules, { admin, caller }: Actor): Promise<void> {
    await this.rules.set(rules);
    await this.activity.record({ kind: 'registration.changed', actor: admin, target: rules.mode }, caller);
  }

  private note(kind: EventKind, member: Member, { admin, caller }: Actor, target = member.email): Promise<void> {
    return this.activity.record({ kind, member, actor: admin, target }, caller);
  }
}

const withFactor = (user: User, hasFactor: boolean): Member => Object.assign(user, { hasFactor });

function refuseToDisableOneself({ id }: Member, { admin }: Actor): void {
  if (id !== admin?.id) return;
  throw new ConflictException('You cannot disable yourself. Ask another admin, or delete your account.');
}

function refuseDisabled(): never {
  throw new ConflictException('Whoever is disabled is not let in: enable them first.');
}

const conditions: Record<MemberState, string> = {
  active: 'u."disabledAt" IS NULL AND u."awaitingSince" IS NULL',
  awaiting: 'u."disabledAt" IS NULL AND u."awaitingSince" IS NOT NULL',
  disabled: 'u."disabledAt" IS NOT NULL',
};

const counting = `
  SELECT
    COUNT(CASE WHEN ${conditions.active} THEN 1 END) AS "active",
    COUNT(CASE WHEN ${conditions.awaiting} THEN 1 END) AS "awaiting",
    COUNT(CASE WHEN ${conditions.disabled} THEN 1 END) AS "disabled"
  FROM "users" u`;
