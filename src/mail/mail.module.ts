import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MailService } from './mail.service.js';
import { Outbox } from './outbox.js';
import { WaitingLetter } from './waiting-letter.entity.js';

@Module({
  imports: [TypeOrmModule.forFeature([WaitingLetter])],
  providers: [MailService, Outbox],
  exports: [MailService],
})
export class MailModule {}
