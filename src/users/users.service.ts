import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { isUniqueViolation } from '../database/unique-violation.js';
import type { Role } from '../http/access.js';
import { Passwords } from './passwords.js';
import type { RegistrationInput } from './registration.input.js';
import { User } from './user.entity.js';

/** The members: who they are, and whether a password is theirs. */
@Injectable()
export class UsersService {
  constructor(
    @InjectRepository(User) private readonly users: Repository<User>,
    private readonly passwords: Passwords,
  ) {}

  /**
   * Makes an account, or gives undefined where the email has one already; the same work either way. Of many equal
   * registrations at once, one makes the account.
   *
   * @throws Busy where too many passwords wait to be hashed.
   */
  async register({ name, email, password }: RegistrationInput, role: Role = 'member'): Promise<User | undefined> {
    const passwordHash = await this.passwords.hash(password);
    const user: User = { id: uuid(), name, email, passwordHash, role, disabledAt: null, createdAt: new Date() };
    try {
      await this.users.insert(user);
      return user;
    } catch (error) {
      if (isUniqueViolation(error)) return undefined;
      throw error;
    }
  }

  /**
   * The member whose email and password these are, or undefined: for an unknown email, a wrong password and a
   * disabled member alike, after the same work. A hash of lower cost than today's is made anew.
   *
   * @throws Busy where too many passwords wait to be verified.
   */
  async findByPassword(email: string, password: string): Promise<User | undefined> {
    const user = await this.users.findOneBy({ email, disabledAt: IsNull() });
    if (!(await this.passwords.verify(user?.passwordHash, password)) || !user) return undefined;
    if (this.passwords.isOutdated(user.passwordHash)) await this.rehash(user, password);
    return user;
  }

  async exists(email: string): Promise<boolean> {
    return this.users.existsBy({ email });
  }

  private async rehash({ id, passwordHash }: User, password: string): Promise<void> {
    // the condition keeps a password that was changed in the meantime
    await this.users.update({ id, passwordHash }, { passwordHash: await this.passwords.hash(password) });
  }
}
