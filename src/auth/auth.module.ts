import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { PassportModule } from '@nestjs/passport';
import { TypeOrmModule } from '@nestjs/typeorm';
import { UsersModule } from '../users/users.module.js';
import { AccessGuard } from './access.guard.js';
import { AuthApiController } from './auth-api.controller.js';
import { Credentials } from './credentials.js';
import { JwtStrategy } from './jwt.strategy.js';
import { LastSeen } from './last-seen.js';
import { LocalStrategy } from './local.strategy.js';
import { RateLimits } from './rate-limits.js';
import { RegistrationController } from './registration.controller.js';
import { SessionController } from './session.controller.js';
import { Session } from './session.entity.js';
import { SessionTokens } from './session-tokens.js';
import { SessionsService } from './sessions.service.js';

/** Locks every door from outside: no other room imports this one. */
@Module({
  imports: [TypeOrmModule.forFeature([Session]), PassportModule, UsersModule],
  controllers: [RegistrationController, SessionController, AuthApiController],
  providers: [
    Credentials,
    JwtStrategy,
    LastSeen,
    LocalStrategy,
    RateLimits,
    SessionTokens,
    SessionsService,
    { provide: APP_GUARD, useClass: AccessGuard },
  ],
})
export class AuthModule {}
