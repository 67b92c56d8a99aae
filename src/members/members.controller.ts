import { Body, ConflictException, Controller, Get, Param, Post, Query, Render, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ActivityService } from '../activity/activity.service.js';
import { presentEventInWords } from '../activity/event.view.js';
import { Settings } from '../config/settings.js';
import { FactorsService } from '../factors/factors.service.js';
import { AdminsOnly, CurrentUser, type Viewer } from '../http/access.js';
import { page, seeOther } from '../http/answers.js';
import { InMenu } from '../http/menus.js';
import { GroupsService } from '../groups/groups.service.js';
import type { Flash } from '../http/flash.js';
import { Names } from '../http/named.js';
import { hrefOfNext, PagingInput } from '../http/paging.input.js';
import { Credentials } from '../sessions/credentials.js';
import { presentSessionInWords } from '../sessions/session.view.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { ActingAdmin, type Actor } from '../http/actor.js';
import { MemberFilterInput, RoleInput } from './member.input.js';
import { presentFactorsInWords, presentMemberInWords } from './member.view.js';
import { MembersService, type Member } from './members.service.js';

/** The members, for an admin in a browser: the list, and the actions for each member. */
@ApiExcludeController()
@AdminsOnly({ recentProof: true })
@Names(MembersService, (members, { id }) => members.find(id))
@Controller('admin/members')
export class MembersController {
  constructor(
    private readonly members: MembersService,
    private readonly groups: GroupsService,
    private readonly sessions: SessionsService,
    private readonly credentials: Credentials,
    private readonly factors: FactorsService,
    private readonly activity: ActivityService,
    private readonly settings: Settings,
  ) {}

  @Get()
  @InMenu('admin', 'Members', 10)
  @AdminsOnly()
  @Render('members/members')
  async list(@Query() filter: MemberFilterInput) {
    const { limit, q, state } = filter;
    const [{ items, nextCursor }, count] = await Promise.all([this.members.list(filter), this.members.count()]);
    return {
      title: 'Members',
      filter,
      count,
      members: items.map(presentMemberInWords),
      nextHref: hrefOfNext('/admin/members', { limit, q, state }, nextCursor),
    };
  }

  @Get(':id')
  @AdminsOnly()
  @Render('members/member')
  async show(@Param('id') id: string, @Query() paging: PagingInput, @CurrentUser() admin: Viewer) {
    const member = await this.members.find(id);
    const [factors, groups, sessions, events] = await Promise.all([
      this.factors.summaryOf(member.id),
      this.groups.groupsOf(member.id),
      this.sessions.listFor(member, { limit: 100 }),
      this.activity.listFor(member, paging),
    ]);
    return {
      title: member.name,
      member: presentMemberInWords(member),
      isOneself: member.id === admin.id,
      factors: presentFactorsInWords(factors),
      groups,
      sessions: sessions.items.map((session) => presentSessionInWords(session, admin.session.id)),
      hasMoreSessions: sessions.nextCursor !== null,
      events: events.items.map(presentEventInWords),
      nextHref: hrefOfNext(`/admin/members/${member.id}`, { limit: paging.limit }, events.nextCursor),
    };
  }

  @Post(':id/approval')
  approve(@Param('id') id: string, @ActingAdmin() by: Actor) {
    return this.act(id, async (member) =>
      (await this.members.approve(member, by))
        ? `${member.name} may come in${this.settings.sendsMail ? ', and is told so by mail' : '. This site sends no mail: tell them so'}.`
        : `${member.name} was let in before.`,
    );
  }

  @Post(':id/disabling')
  disable(@Param('id') id: string, @ActingAdmin() by: Actor) {
    return this.act(id, async (member) => {
      await this.members.disable(member, by);
      return `${member.name} is disabled. All sessions have ended, and no mailed link opens the account.`;
    });
  }

  @Post(':id/enabling')
  enable(@Param('id') id: string, @ActingAdmin() by: Actor) {
    return this.act(id, async (member) => {
      await this.members.enable(member, by);
      return `${member.name} is enabled and can log in again.`;
    });
  }

  @Post(':id/role')
  async setRole(@Param('id') id: string, @Body() { role }: RoleInput, @ActingAdmin() by: Actor) {
    const back = await this.act(id, async (member) => {
      await this.members.setRole(member, role, by);
      return role === 'admin' ? `${member.name} is an admin now.` : `${member.name} is no admin any more.`;
    });
    // an admin who is now an ordinary member may not see this page
    const hasSteppedDown = id === by.admin?.id && (await this.members.find(id)).role !== 'admin';
    return hasSteppedDown ? seeOther('/secrets', back.flash) : back;
  }

  @Post(':id/sessions/end')
  endSessions(@Param('id') id: string, @ActingAdmin() by: Actor, @Res({ passthrough: true }) reply: FastifyReply) {
    return this.act(id, async (member) => {
      await this.members.endSessions(member, by);
      if (by.admin?.id === member.id) await this.credentials.renew(by.admin, reply);
      return member.id === by.admin?.id
        ? 'All your other sessions have ended.'
        : `All sessions of ${member.name} have ended.`;
    });
  }

  @Post(':id/factors/reset')
  resetFactors(@Param('id') id: string, @ActingAdmin() by: Actor) {
    return this.act(id, async (member) =>
      (await this.members.resetFactors(member, by))
        ? `The second factor of ${member.name} is gone. ${this.settings.sendsMail ? 'A mail tells them so.' : 'This site sends no mail: tell them so.'}`
        : `${member.name} has no second factor.`,
    );
  }

  /** If the site sends no mail, answers with a page that shows the link once. */
  @Post(':id/reset-link')
  async sendResetLink(@Param('id') id: string, @ActingAdmin() by: Actor) {
    const member = await this.members.find(id);
    const sent = await this.members.sendResetLink(member, by).then((link) => ({ link }), refusalOf);
    const message = `A link to choose a new password is on its way to ${member.email}. It works for 30 minutes.`;
    if (!('link' in sent) || sent.link === undefined)
      return seeOther(`/admin/members/${member.id}`, 'kind' in sent ? sent : message);
    const shown = { title: 'The link is made', member: presentMemberInWords(member), link: sent.link };
    return page('members/reset-link', shown);
  }

  /** Does something to a member and returns to the member's page, which shows the result. */
  private async act(id: string, work: (member: Member) => Promise<string>) {
    const member = await this.members.find(id);
    const flash = await work(member).then((message): Flash => ({ kind: 'status', message }), refusalOf);
    return seeOther(`/admin/members/${member.id}`, flash);
  }
}

/** A conflict, such as with the last admin, is shown as a message. Any other error is thrown on. */
function refusalOf(error: unknown): Flash {
  if (error instanceof ConflictException) return { kind: 'alert', message: error.message };
  throw error;
}
