import { ConflictException, Controller, Get, Param, Post, Query, Render, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Settings } from '../config/settings.js';
import { AdminsOnly, CurrentUser, type Viewer } from '../http/access.js';
import { seeOther, sendBack } from '../http/answers.js';
import { IsDownload } from '../http/arrivals.js';
import { ActingAdmin, type Actor } from '../http/actor.js';
import { OnPage } from '../http/form.js';
import { Names } from '../http/named.js';
import { hrefOfNext } from '../http/paging.input.js';
import { LibraryService } from '../library/library.service.js';
import { UsersService } from '../users/users.service.js';
import { presentOwnReceiptInWords, presentReceiptInWords } from './receipt.view.js';
import { ReceiptsCsv } from './receipts-csv.js';
import { ReceiptsInput } from './receipts.input.js';
import { ReceiptsService } from './receipts.service.js';
import { Reminders } from './reminders.js';

/** Which member has which file, for an admin in a browser. */
@ApiExcludeController()
@AdminsOnly()
@Names(LibraryService, (library, { id }) => library.find(id))
@Controller('admin')
export class ReceiptsController {
  constructor(
    private readonly receipts: ReceiptsService,
    private readonly reminders: Reminders,
    private readonly table: ReceiptsCsv,
    private readonly library: LibraryService,
    private readonly users: UsersService,
    private readonly settings: Settings,
  ) {}

  @Get('files/:id/receipts')
  @Render('receipts/file')
  async show(@Param('id') id: string, @Query() selection: ReceiptsInput) {
    const file = await this.library.find(id);
    const [count, { items, nextCursor }] = await Promise.all([
      this.receipts.count(file),
      this.receipts.of(file, selection),
    ]);
    const { limit, q, state } = selection;
    const href = `/admin/files/${id}/receipts`;
    return {
      title: 'Receipts',
      file: { name: file.name, href: `/admin/files/${id}` },
      href,
      filter: selection,
      count: { ...count, missing: count.started + count.none },
      receipts: items.map((receipt) => ({
        name: receipt.name,
        email: receipt.email,
        href: `/admin/members/${receipt.id}`,
        ...presentReceiptInWords(receipt, file.size),
      })),
      nextHref: hrefOfNext(href, { limit, q, state }, nextCursor),
    };
  }

  @Get('files/:id/receipts.csv')
  @IsDownload()
  async csv(
    @Param('id') id: string,
    @Query() selection: ReceiptsInput,
    @CurrentUser() viewer: Viewer,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ) {
    return this.table.send(await this.library.find(id), selection, viewer, request, reply);
  }

  @Post('files/:id/reminders')
  @OnPage('/admin/files/:id/receipts')
  async remind(@Param('id') id: string, @ActingAdmin() by: Actor) {
    const href = `/admin/files/${id}/receipts`;
    const count = await this.reminders.remind(await this.library.find(id), by).catch((error: unknown) => {
      if (error instanceof ConflictException) return error.message;
      throw error;
    });
    if (typeof count === 'string') return sendBack(href, count);
    const letters = count === 1 ? 'A letter goes to 1 member.' : `Letters go to ${count} members.`;
    const kept = `This site sends no mail: whoever runs it has the letters for ${count === 1 ? '1 member' : `${count} members`}.`;
    const words = this.settings.sendsMail ? letters : kept;
    const message = count === 0 ? 'Everybody has it, or was reminded within the last day.' : words;
    return seeOther(href, message);
  }

  @Get('members/:id/receipts')
  @Render('receipts/member')
  async ofMember(@Param('id') id: string) {
    const { name } = await this.users.find(id);
    const receipts = await this.receipts.ofMember({ id }, { limit: 200 });
    return {
      title: 'What they have',
      member: { name, href: `/admin/members/${id}` },
      receipts: receipts.map(presentOwnReceiptInWords),
    };
  }
}
