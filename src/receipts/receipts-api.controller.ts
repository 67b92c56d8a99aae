import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminsOnly } from '../http/access.js';
import { ActingAdmin, type Actor } from '../http/actor.js';
import { Names } from '../http/named.js';
import { ApiProblem } from '../http/problem.js';
import { LibraryService } from '../library/library.service.js';
import { presentReceipt, ReceiptPage, RemindersView } from './receipt.view.js';
import { ReceiptsInput } from './receipts.input.js';
import { ReceiptsService } from './receipts.service.js';
import { Reminders } from './reminders.js';

/** Which member has which file, for an admin's scripts. */
@ApiTags('Administration')
@ApiBearerAuth()
@AdminsOnly()
@Names(LibraryService, (library, { id }) => library.find(id))
@Controller('api/v1/files/:id')
export class ReceiptsApiController {
  constructor(
    private readonly receipts: ReceiptsService,
    private readonly reminders: Reminders,
    private readonly library: LibraryService,
  ) {}

  @Get('receipts')
  @ApiOperation({ summary: 'How far each member is who may have a file', operationId: 'listReceiptsOfFile' })
  @ApiOkResponse({ type: ReceiptPage, description: 'A part of the list, the newest members first.' })
  @ApiProblem(401, 403, 404, 422)
  async list(@Param('id') id: string, @Query() selection: ReceiptsInput): Promise<ReceiptPage> {
    const { items, nextCursor } = await this.receipts.of(await this.library.find(id), selection);
    return { items: items.map(presentReceipt), nextCursor };
  }

  @Post('reminders')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Remind those who may have a file and do not have all of it',
    description: 'By mail, each at most once a day.',
    operationId: 'remindOfFile',
  })
  @ApiOkResponse({
    type: RemindersView,
    description: 'The letters are taken on; where the site sends none, whoever runs it has them.',
  })
  @ApiProblem(401, 403, 404, 409)
  async remind(@Param('id') id: string, @ActingAdmin() by: Actor): Promise<RemindersView> {
    return { count: await this.reminders.remind(await this.library.find(id), by) };
  }
}
