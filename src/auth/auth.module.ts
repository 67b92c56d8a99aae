import { Module } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { PassportModule } from '@nestjs/passport';
import { TypeOrmModule } from '@nestjs/typeorm';
import { UsersModule } from '../users/users.module.js';
import { AccessGuard } from './access.guard.js';
import { AuthApiController } from './auth-api.controller.js';
import { Credentials } from './credentials.js';
import { JwtStrategy } from './jwt.strategy.js';
import { LastSeenInterceptor } from './last-seen.interceptor.js';
import { LocalStrategy } from './local.strategy.js';
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
    LocalStrategy,
    SessionTokens,
    SessionsService,
    { provide: APP_GUARD, useClass: AccessGuard },
    { provide: APP_INTERCEPTOR, useClass: LastSeenInterceptor },
  ],
})
export class AuthModule {}
