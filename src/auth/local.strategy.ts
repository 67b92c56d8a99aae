import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport-local';
import { callerOf } from '../http/caller.js';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';

/** Checks the email and the password of a login, after `LoginGuard` has validated the body. */
@Injectable()
export class LocalStrategy extends PassportStrategy(Strategy, 'local') {
  constructor(private readonly users: UsersService) {
    super({ usernameField: 'email', passReqToCallback: true });
  }

  validate(request: FastifyRequest, email: string, password: string): Promise<User | undefined> {
    return this.users.findByPassword(email, password, callerOf(request).address);
  }
}
