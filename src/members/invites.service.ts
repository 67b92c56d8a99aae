import { Injectable, NotFoundException } from '@nestjs/common';
import { validate as isUuid } from 'uuid';
import { ActivityService } from '../activity/activity.service.js';
import { dayMs } from '../config/durations.js';
import { Settings } from '../config/settings.js';
import { InvalidInput } from '../http/errors.js';
import type { PagingInput, CursorPage } from '../http/paging.input.js';
import type { Link } from '../links/link.entity.js';
import { LinksService } from '../links/links.service.js';
import { MailService } from '../mail/mail.service.js';
import { isOfDomains, RegistrationRules } from '../users/registration-rules.js';
import { UsersService } from '../users/users.service.js';
import type { Actor } from '../http/actor.js';
import type { InviteInput } from './invite.input.js';

/**
 * Invites. Each lets one person register once, before it expires. Opening the link does not use the invite up;
 * registering does.
 */
@Injectable()
export class InvitesService {
  constructor(
    private readonly links: LinksService,
    private readonly rules: RegistrationRules,
    private readonly users: UsersService,
    private readonly mail: MailService,
    private readonly activity: ActivityService,
    private readonly settings: Settings,
  ) {}

  /** The invites that can still be used, the newest first. */
  list(paging: PagingInput): Promise<CursorPage<Link>> {
    return this.links.list('invite', paging);
  }

  /**
   * Makes an invite, mails it if an address is given, and gives its link. Nobody else gets the link.
   *
   * @throws InvalidInput if the address could not register anyway.
   */
  async make({ email, days }: InviteInput, { admin, caller }: Actor): Promise<{ invite: Link; link: string }> {
    if (email !== undefined) await this.refuseInVain(email);
    const { secret, link: invite } = await this.links.issue({
      kind: 'invite',
      userId: admin?.id ?? null,
      lifetime: days * dayMs,
      ...(email !== undefined && { data: email }),
    });
    const link = `${this.settings.publicUrl}/register?invite=${secret}`;
    // the log leaves out the address, because somebody without an account could not have it deleted from there
    await this.activity.record({ kind: 'invite.made', actor: admin, target: invite.id }, caller);
    if (email !== undefined) await this.mail.send({ to: email, view: 'invite', data: { link, days: String(days) } });
    return { invite, link };
  }

  /** @throws NotFoundException if there is no such invite, or it was used or withdrawn. */
  async find(id: string): Promise<void> {
    if (!isUuid(id) || !(await this.links.has('invite', id))) notThere();
  }

  /**
   * Withdraws an invite, so that its link stops working.
   *
   * @throws NotFoundException if there is no such invite, or it was used or withdrawn.
   */
  async withdraw(id: string, { admin, caller }: Actor): Promise<void> {
    if (!isUuid(id) || !(await this.links.withdraw('invite', id))) notThere();
    await this.activity.record({ kind: 'invite.withdrawn', actor: admin, target: id }, caller);
  }

  private async refuseInVain(email: string): Promise<void> {
    if (await this.users.exists(email))
      throw new InvalidInput([{ field: 'email', message: 'Somebody with that address is a member already.' }]);
    if (!isOfDomains(email, await this.rules.current()))
      throw new InvalidInput([
        { field: 'email', message: 'The rules of registration leave out the domain of that address.' },
      ]);
  }
}

function notThere(): never {
  throw new NotFoundException('There is no such invite any more.');
}
