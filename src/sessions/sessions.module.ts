import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Credentials } from './credentials.js';
import { LastSeen } from './last-seen.js';
import { Session } from './session.entity.js';
import { SessionTokens } from './session-tokens.js';
import { SessionsService } from './sessions.service.js';
import { Transfers } from './transfers.js';

@Module({
  imports: [TypeOrmModule.forFeature([Session])],
  providers: [Credentials, LastSeen, SessionTokens, SessionsService, Transfers],
  exports: [Credentials, SessionTokens, SessionsService, Transfers],
})
export class SessionsModule {}
