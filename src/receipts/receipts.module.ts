import { Module } from '@nestjs/common';
import { ActivityModule } from '../activity/activity.module.js';
import { LibraryModule } from '../library/library.module.js';
import { MailModule } from '../mail/mail.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { ReceiptsApiController } from './receipts-api.controller.js';
import { ReceiptsCsv } from './receipts-csv.js';
import { ReceiptsController } from './receipts.controller.js';
import { ReceiptsService } from './receipts.service.js';
import { Reminders } from './reminders.js';

/** Which member has which file, how much of it, and reminders to members who do not have it. */
@Module({
  imports: [ActivityModule, LibraryModule, MailModule, SessionsModule, UsersModule],
  controllers: [ReceiptsController, ReceiptsApiController],
  providers: [ReceiptsCsv, ReceiptsService, Reminders],
})
export class ReceiptsModule {}
