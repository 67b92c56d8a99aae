import { ConflictException, Injectable, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { domainToASCII } from 'node:url';
import { IsNull, Repository } from 'typeorm';
import { validate as isUuid, v7 as uuid } from 'uuid';
import { Settings } from '../config/settings.js';
import { Reader } from '../database/reader.js';
import { isUniqueViolation } from '../database/unique-violation.js';
import { Writer } from '../database/writer.js';
import type { Role } from '../http/access.js';
import { InvalidInput } from '../http/errors.js';
import { newestId, cursorPageOf, type CursorPage, type SearchInput } from '../http/paging.input.js';
import { fold, withWords } from '../http/search.js';
import { BreachedPasswords } from './breached-passwords.js';
import { isMadeOf, memberWords, siteWords, type Named } from './context-words.js';
import { Passwords } from './passwords.js';
import { User } from './user.entity.js';

/** Any number that no other lock of ours has: whoever takes an admin away waits for whoever else does. */
const adminsLock = 4_283_467_382;

/** What an account is made of. */
export interface NewMember {
  readonly name: string;
  readonly email: string;
  readonly password: string;
  readonly role?: Role;
  /** Whether an admin must let them in first. */
  readonly isAwaiting?: boolean;
  /** Whether the address was shown to be theirs already. */
  readonly isVerified?: boolean;
}

/** An account was made; or the email has an owner already, whose id is all that is told. */
export type Registered = { readonly isNew: true; readonly user: User } | { readonly isNew: false; readonly id: string };

/** The members: who they are, and whether a password is theirs. */
@Injectable()
export class UsersService {
  constructor(
    @InjectRepository(User) private readonly users: Repository<User>,
    private readonly passwords: Passwords,
    private readonly breached: BreachedPasswords,
    private readonly reader: Reader,
    private readonly writer: Writer,
    private readonly settings: Settings,
  ) {}

  /**
   * Makes an account where the email has none: the same statements either way, so that the time tells nothing. Of
   * many equal registrations at once, one makes the account.
   *
   * @throws InvalidInput where the password is little more than a word of this site, or known from a breach.
   * @throws Busy where too many passwords wait to be hashed.
   */
  async register(member: NewMember, address?: string): Promise<Registered> {
    const { name, email, password, role = 'member', isAwaiting, isVerified } = member;
    await this.refuseGuessable(password, { name, email });
    const now = new Date();
    const user: User = {
      id: uuid(),
      name,
      email,
      searchText: searchTextOf(name, email),
      passwordHash: await this.passwords.hash(password, address),
      role,
      emailVerifiedAt: isVerified ? now : null,
      emailOwnedAt: isVerified ? now : null,
      awaitingSince: isAwaiting ? now : null,
      disabledAt: null,
      createdAt: now,
    };
    const [row] = await this.writer.rows<{ id: string }>(registration, [
      user.id,
      name,
      email,
      user.searchText,
      user.passwordHash,
      role,
      user.emailVerifiedAt?.getTime() ?? null,
      user.emailOwnedAt?.getTime() ?? null,
      user.awaitingSince?.getTime() ?? null,
      now.getTime(),
    ]);
    if (row?.id === user.id) return { isNew: true, user };
    return { isNew: false, id: row?.id ?? '' };
  }

  /**
   * The member whose email and password these are, or undefined: for an unknown email, a wrong password and a
   * disabled member alike, after the same work. A hash of lower cost than today's is made anew.
   *
   * @throws Busy where too many passwords wait to be verified.
   */
  async findByPassword(email: string, password: string, address?: string): Promise<User | undefined> {
    const owner = await this.ownerOf(email);
    const passwordHash = owner?.disabledAt === null ? owner.passwordHash : undefined;
    if (!(await this.passwords.verify(passwordHash, password, address)) || !owner) return undefined;
    const user = await this.users.findOneBy({ id: owner.id, passwordHash: owner.passwordHash, disabledAt: IsNull() });
    return user ? this.upToDate(user, password, address) : undefined;
  }

  /** Who has this email, and whether they may come in; a known and an unknown one take the same time. */
  async findOwner(email: string): Promise<EmailOwner | undefined> {
    const owner = await this.ownerOf(email);
    if (!owner) return undefined;
    const { id, passwordHash, disabledAt, awaitingSince } = owner;
    return { id, email, passwordHash, isActive: disabledAt === null && awaitingSince === null };
  }

  /** Whether the password is this member's. @throws Busy where too many passwords wait to be verified. */
  async isPasswordOf(id: string, password: string, address?: string): Promise<boolean> {
    const user = await this.users.findOneBy({ id });
    return this.passwords.verify(user?.passwordHash, password, address);
  }

  /** @throws NotFoundException where there is no such member. */
  async find(id: string): Promise<User> {
    const user = isUuid(id) ? await this.users.findOneBy({ id }) : null;
    if (!user) throw new NotFoundException('There is no such member.');
    return user;
  }

  async findByEmail(email: string): Promise<User | undefined> {
    return (await this.users.findOneBy({ email })) ?? undefined;
  }

  /**
   * Members by email or id, each once.
   *
   * @throws InvalidInput that names all of them who are nobody.
   */
  async findNamed(named: readonly string[], field = 'members'): Promise<User[]> {
    if (named.length === 0) return [];
    const found = await this.users
      .createQueryBuilder('u')
      .where('u.email IN (:...named) OR u.id IN (:...named)', { named })
      .getMany();
    const known = new Set(found.flatMap(({ id, email }) => [id, email]));
    const unknown = [...new Set(named.filter((name) => !known.has(name)))];
    if (unknown.length === 0) return found;
    const message =
      unknown.length === 1
        ? `There is no member called ${unknown[0]}.`
        : `There are no members called ${unknown.slice(0, -1).join(', ')} and ${unknown.at(-1)}.`;
    throw new InvalidInput([{ field, message }]);
  }

  async exists(email: string): Promise<boolean> {
    return this.users.existsBy({ email });
  }

  /** Whether there is an admin who can come in. */
  async hasAdmin(): Promise<boolean> {
    return this.users.existsBy({ role: 'admin', disabledAt: IsNull(), awaitingSince: IsNull() });
  }

  /** The admins who can come in. */
  async admins(): Promise<User[]> {
    return this.users.findBy({ role: 'admin', disabledAt: IsNull(), awaitingSince: IsNull() });
  }

  /** The members, the newest first; `q` is looked for in names and emails. */
  async list({ limit, cursor = newestId, q }: SearchInput): Promise<CursorPage<User>> {
    const query = this.users.createQueryBuilder('u').where('u."id" < :cursor', { cursor });
    const found = await withWords(query, 'u."searchText"', q)
      .orderBy('u.id', 'DESC')
      .limit(limit + 1)
      .getMany();
    return cursorPageOf(found, limit);
  }

  async rename({ id, email }: Pick<User, 'id' | 'email'>, name: string): Promise<void> {
    await this.users.update({ id }, { name, searchText: searchTextOf(name, email) });
  }

  /**
   * Gives a member another password.
   *
   * @throws InvalidInput where the password is little more than a word of this site, or known from a breach.
   * @throws Busy where too many passwords wait to be hashed.
   */
  async setPassword(id: string, password: string, address?: string): Promise<void> {
    await this.refuseGuessable(password, await this.find(id));
    await this.users.update({ id }, { passwordHash: await this.passwords.hash(password, address) });
  }

  /** Gives a member an address whose link was opened, by them where `isOwner`; false where another member has it. */
  async setEmail({ id, name }: Pick<User, 'id' | 'name'>, email: string, isOwner: boolean): Promise<boolean> {
    try {
      const emailVerifiedAt = new Date();
      const emailOwnedAt = isOwner ? emailVerifiedAt : null;
      await this.users.update({ id }, { email, emailVerifiedAt, emailOwnedAt, searchText: searchTextOf(name, email) });
      return true;
    } catch (error) {
      if (isUniqueViolation(error)) return false;
      throw error;
    }
  }

  /** Notes that the link of an address was opened, by the member where `isOwner`; not where they have another by now. */
  async verifyEmail(id: string, email: string, isOwner: boolean): Promise<void> {
    const now = new Date();
    await this.users.update({ id, email, emailVerifiedAt: IsNull() }, { emailVerifiedAt: now });
    if (isOwner) await this.users.update({ id, email, emailOwnedAt: IsNull() }, { emailOwnedAt: now });
  }

  /** Lets in a member who waits for it; false where nobody waits under this id. */
  async approve(id: string): Promise<boolean> {
    const [row] = await this.writer.rows(
      `UPDATE "users" SET "awaitingSince" = NULL WHERE "id" = $1 AND "awaitingSince" IS NOT NULL RETURNING "id"`,
      [id],
    );
    return row !== undefined;
  }

  /** Lets nobody in as this member from the next request on. @throws ConflictException for the last admin. */
  async disable(id: string): Promise<void> {
    await this.unlessLastAdmin(`UPDATE "users" SET "disabledAt" = COALESCE("disabledAt", $1) WHERE "id" = $2`, [
      Date.now(),
      id,
    ]);
  }

  async enable(id: string): Promise<void> {
    await this.users.update({ id }, { disabledAt: null });
  }

  /** @throws ConflictException where there would be no admin any more. */
  async setRole(id: string, role: Role): Promise<void> {
    if (role === 'admin') await this.users.update({ id }, { role });
    else await this.unlessLastAdmin(`UPDATE "users" SET "role" = $1 WHERE "id" = $2`, [role, id]);
  }

  /** Deletes a member with everything that is theirs alone. @throws ConflictException for the last admin. */
  async delete(id: string): Promise<void> {
    await this.unlessLastAdmin(`DELETE FROM "users" WHERE "id" = $1`, [id]);
  }

  /** Looks and writes as one step, so that of two admins who take each other away one stays. */
  private async unlessLastAdmin(write: string, values: unknown[]): Promise<void> {
    const id = values.at(-1) as string;
    const sql = `${write} AND ("role" <> 'admin' OR "disabledAt" IS NOT NULL OR ${otherAdmin(values.length)}) RETURNING "id"`;
    const [row] = await this.writer.alone(adminsLock, sql, values);
    if (!row && (await this.users.existsBy({ id })))
      throw new ConflictException('This is the last admin. Make somebody else an admin first.');
  }

  /** As plain a row as can be: to make an entity of it takes longer than to find it, and would tell that it is there. */
  private async ownerOf(email: string): Promise<Owner | undefined> {
    const [owner] = await this.reader.rows<Owner>(
      `SELECT "id", "passwordHash", "disabledAt", "awaitingSince" FROM "users" WHERE "email" = $1`,
      [email],
    );
    return owner;
  }

  /** Hashes a password anew whose hash cost less than today's. */
  private async upToDate(user: User, password: string, address?: string): Promise<User> {
    if (!this.passwords.isOutdated(user.passwordHash)) return user;
    const passwordHash = await this.passwords.hash(password, address);
    // the condition keeps a password that was changed in the meantime
    const { affected } = await this.users.update({ id: user.id, passwordHash: user.passwordHash }, { passwordHash });
    return affected === 1 ? { ...user, passwordHash } : user;
  }

  /** Refuses what guessers try first for a member of that name and email. */
  private async refuseGuessable(password: string, member: Named): Promise<void> {
    const refuse = (message: string) => {
      throw new InvalidInput([{ field: 'password', message }]);
    };
    if (isMadeOf([...siteWords(this.settings.publicUrl), ...memberWords(member)], password))
      refuse(
        'That password is little more than your own name or this site’s, or your email address, which guessers try first. Please choose another.',
      );
    if (await this.breached.has(password))
      refuse('That password was found in a data breach, where anyone can look it up. Please choose another.');
  }
}

/** Who has an email. */
export interface EmailOwner {
  readonly id: string;
  readonly email: string;
  readonly passwordHash: string;
  /** Whether they may come in. */
  readonly isActive: boolean;
}

interface Owner {
  readonly id: string;
  readonly passwordHash: string;
  readonly disabledAt: number | string | null;
  readonly awaitingSince: number | string | null;
}

/** `$n` is the member who is about to go. */
const otherAdmin = (n: number) =>
  `EXISTS (SELECT 1 FROM "users" o WHERE o."role" = 'admin' AND o."disabledAt" IS NULL AND o."awaitingSince" IS NULL AND o."id" <> $${n})`;

/** An email is found under both spellings of its domain. */
function searchTextOf(name: string, email: string): string {
  const at = email.lastIndexOf('@') + 1;
  const inAscii = email.slice(0, at) + domainToASCII(email.slice(at));
  return fold([name, email, ...(inAscii === email ? [] : [inAscii])].join(' '));
}

/** Writes the same row again where the email has an owner: a write either way, that the disk takes as long for. */
const registration = `
  INSERT INTO "users" ("id", "name", "email", "searchText", "passwordHash", "role", "emailVerifiedAt", "emailOwnedAt", "awaitingSince", "createdAt")
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
  ON CONFLICT ("email") DO UPDATE SET "email" = excluded."email"
  RETURNING "id"`;
