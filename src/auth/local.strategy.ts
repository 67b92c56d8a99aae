import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-local';
import type { User } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';

/** Email and password, from the body of a login that `LoginGuard` has checked. */
@Injectable()
export class LocalStrategy extends PassportStrategy(Strategy, 'local') {
  constructor(private readonly users: UsersService) {
    super({ usernameField: 'email' });
  }

  validate(email: string, password: string): Promise<User | undefined> {
    return this.users.findByPassword(email, password);
  }
}
