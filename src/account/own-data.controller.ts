import { Body, ConflictException, Controller, Get, HttpCode, Post, Query, Render, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ActivityService } from '../activity/activity.service.js';
import { CurrentUser, MembersOnly, type Viewer } from '../http/access.js';
import { seeOther, sendBack } from '../http/answers.js';
import { CurrentCaller, type Caller } from '../http/caller.js';
import { FromForm } from '../http/form.js';
import { hrefOfNext, PagingInput } from '../http/paging.input.js';
import { AccountExport } from './account-export.js';
import { DeletionInput } from './account.input.js';
import { presentOwnEventInWords } from './activity.view.js';
import { AccountDeletion } from './account-deletion.js';

const leaving = { view: 'account/deletion', title: 'Delete your account', keep: [] };

/** The data that the site stores about a member: to see, to export and to delete. */
@ApiExcludeController()
@MembersOnly()
@Controller('account')
export class OwnDataController {
  constructor(
    private readonly activity: ActivityService,
    private readonly exports: AccountExport,
    private readonly deletion: AccountDeletion,
  ) {}

  @Get('activity')
  @Render('account/activity')
  async listActivity(@CurrentUser() viewer: Viewer, @Query() selection: PagingInput) {
    const { items, nextCursor } = await this.activity.listFor(viewer, selection);
    return {
      title: 'Your activity',
      events: items.map((event) => presentOwnEventInWords(viewer, event)),
      nextHref: hrefOfNext('/account/activity', { limit: selection.limit }, nextCursor),
    };
  }

  @Get('export')
  @MembersOnly({ recentProof: true })
  @Render('account/export')
  showExport() {
    return { title: 'Export your data' };
  }

  @Post('export')
  @MembersOnly({ recentProof: true })
  @HttpCode(200)
  async export(@CurrentUser() viewer: Viewer, @CurrentCaller() caller: Caller, @Res() reply: FastifyReply) {
    const document = await this.exports.make(viewer, caller);
    const name = `gatehouse-account-${new Date().toISOString().slice(0, 10)}.json`;
    return reply
      .headers({ 'cache-control': 'no-store', 'content-disposition': `attachment; filename="${name}"` })
      .type('application/json; charset=utf-8')
      .send(document);
  }

  @Get('deletion')
  @MembersOnly({ recentProof: true })
  @Render(leaving.view)
  showDeletion() {
    return { title: leaving.title };
  }

  @Post('deletion')
  @MembersOnly({ recentProof: true })
  @FromForm(leaving)
  async leave(@Body() { password }: DeletionInput, @CurrentUser() viewer: Viewer, @CurrentCaller() caller: Caller) {
    try {
      await this.deletion.leave(viewer, password, caller);
    } catch (error) {
      if (!(error instanceof ConflictException)) throw error;
      return sendBack('/account/deletion', error.message);
    }
    return seeOther('/', 'Your account is deleted. We wish you well.');
  }
}
