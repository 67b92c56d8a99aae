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

/**
 * The key of the database lock for removing an admin, so that two removals run one after the other. Any number that no
 * other lock uses.
 */
const adminsLock = 4_283_467_382;

/** The details of a new account. */
export interface NewMember {
  readonly name: string;
  readonly email: string;
  readonly password: string;
  readonly role?: Role;
  /** Whether an admin must approve the member first. */
  readonly isAwaiting?: boolean;
  /** Whether the address is already proven to be theirs. */
  readonly isVerified?: boolean;
}

/** Either an account was created, or the email already has an owner. In that case only the owner's id is given. */
export type Registered = { readonly isNew: true; readonly user: User } | { readonly isNew: false; readonly id: string };

/** The members: their details and their passwords. */
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
   * Creates an account if no member has the email. Runs the same statements in both cases, so that the time does not
   * tell which it was. If many equal registrations arrive at once, only one creates the account.
   *
   * @throws InvalidInput if the password is little more than a word of this site or member, or was found in a breach.
   * @throws Busy if too many passwords wait to be hashed.
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
   * The member who has this email and password. Gives undefined for an unknown email, a wrong password or a disabled
   * member, after the same work in each case. If the stored hash cost less than new ones do, replaces it.
   *
   * @throws Busy if too many passwords wait to be verified.
   */
  async findByPassword(email: string, password: string, address?: string): Promise<User | undefined> {
    const owner = await this.ownerOf(email);
    const passwordHash = owner?.disabledAt === null ? owner.passwordHash : undefined;
    if (!(await this.passwords.verify(passwordHash, password, address)) || !owner) return undefined;
    const user = await this.users.findOneBy({ id: owner.id, passwordHash: owner.passwordHash, disabledAt: IsNull() });
    return user ? this.upToDate(user, password, address) : undefined;
  }

  /** The member who has this email, and whether they may log in. A known and an unknown email take the same time. */
  async findOwner(email: string): Promise<EmailOwner | undefined> {
    const owner = await this.ownerOf(email);
    if (!owner) return undefined;
    const { id, passwordHash, disabledAt, awaitingSince } = owner;
    return { id, email, passwordHash, isActive: disabledAt === null && awaitingSince === null };
  }

  /**
   * Whether the password is this member's.
   *
   * @throws Busy if too many passwords wait to be verified.
   */
  async isPasswordOf(id: string, password: string, address?: string): Promise<boolean> {
    const user = await this.users.findOneBy({ id });
    return this.passwords.verify(user?.passwordHash, password, address);
  }

  /** @throws NotFoundException if there is no such member. */
  async find(id: string): Promise<User> {
    const user = isUuid(id) ? await this.users.findOneBy({ id }) : null;
    if (!user) throw new NotFoundException('There is no such member.');
    return user;
  }

  async findByEmail(email: string): Promise<User | undefined> {
    return (await this.users.findOneBy({ email })) ?? undefined;
  }

  /**
   * The members with these emails or ids, each once.
   *
   * @throws InvalidInput if any name is unknown; its message lists all unknown names.
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

  /** Whether there is an admin who can log in. */
  async hasAdmin(): Promise<boolean> {
    return this.users.existsBy({ role: 'admin', disabledAt: IsNull(), awaitingSince: IsNull() });
  }

  /** The admins who can log in. */
  async admins(): Promise<User[]> {
    return this.users.findBy({ role: 'admin', disabledAt: IsNull(), awaitingSince: IsNull() });
  }

  /** The members, the newest first. If `q` is given, only those whose name or email contains its words. */
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
   * @throws InvalidInput if the password is little more than a word of this site or member, or was found in a breach.
   * @throws Busy if too many passwords wait to be hashed.
   */
  async setPassword(id: string, password: string, address?: string): Promise<void> {
    await this.refuseGuessable(password, await this.find(id));
    await this.users.update({ id }, { passwordHash: await this.passwords.hash(password, address) });
  }

  /**
   * Gives a member an address whose link was opened. `isOwner` says that this member opened it. Gives false if another
   * member has the address.
   */
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

  /**
   * Notes that the link of an address was opened. `isOwner` says that this member opened it. Does nothing if the member
   * has another address by now.
   */
  async verifyEmail(id: string, email: string, isOwner: boolean): Promise<void> {
    const now = new Date();
    await this.users.update({ id, email, emailVerifiedAt: IsNull() }, { emailVerifiedAt: now });
    if (isOwner) await this.users.update({ id, email, emailOwnedAt: IsNull() }, { emailOwnedAt: now });
  }

  /** Approves a member who waits for it. Gives false if no member with this id waits. */
  async approve(id: string): Promise<boolean> {
    const [row] = await this.writer.rows(
      `UPDATE "users" SET "awaitingSince" = NULL WHERE "id" = $1 AND "awaitingSince" IS NOT NULL RETURNING "id"`,
      [id],
    );
    return row !== undefined;
  }

  /**
   * Disables a member, so that nobody can use the account from the next request on.
   *
   * @throws ConflictException if this is the last admin.
   */
  async disable(id: string): Promise<void> {
    await this.unlessLastAdmin(`UPDATE "users" SET "disabledAt" = COALESCE("disabledAt", $1) WHERE "id" = $2`, [
      Date.now(),
      id,
    ]);
  }

  async enable(id: string): Promise<void> {
    await this.users.update({ id }, { disabledAt: null });
  }

  /** @throws ConflictException if no admin would be left. */
  async setRole(id: string, role: Role): Promise<void> {
    if (role === 'admin') await this.users.update({ id }, { role });
    else await this.unlessLastAdmin(`UPDATE "users" SET "role" = $1 WHERE "id" = $2`, [role, id]);
  }

  /**
   * Deletes a member and everything that belongs to them alone.
   *
   * @throws ConflictException if this is the last admin.
   */
  async delete(id: string): Promise<void> {
    await this.unlessLastAdmin(`DELETE FROM "users" WHERE "id" = $1`, [id]);
  }

  /** Checks and writes in one step. So if two admins remove each other at once, one of them stays. */
  private async unlessLastAdmin(write: string, values: unknown[]): Promise<void> {
    const id = values.at(-1) as string;
    const sql = `${write} AND ("role" <> 'admin' OR "disabledAt" IS NOT NULL OR ${otherAdmin(values.length)}) RETURNING "id"`;
    const [row] = await this.writer.alone(adminsLock, sql, values);
    if (!row && (await this.users.existsBy({ id })))
      throw new ConflictException('This is the last admin. Make somebody else an admin first.');
  }

  /**
   * Reads a plain row. Creating an entity takes longer than finding the row, and that time would show that the email is
   * known.
   */
  private async ownerOf(email: string): Promise<Owner | undefined> {
    const [owner] = await this.reader.rows<Owner>(
      `SELECT "id", "passwordHash", "disabledAt", "awaitingSince" FROM "users" WHERE "email" = $1`,
      [email],
    );
    return owner;
  }

  /** If the stored hash cost less than new ones do, hashes the password again and stores that hash. */
  private async upToDate(user: User, password: string, address?: string): Promise<User> {
    if (!this.passwords.isOutdated(user.passwordHash)) return user;
    const passwordHash = await this.passwords.hash(password, address);
    // this condition keeps a password that was changed in the meantime
    const { affected } = await this.users.update({ id: user.id, passwordHash: user.passwordHash }, { passwordHash });
    return affected === 1 ? { ...user, passwordHash } : user;
  }

  /** Refuses passwords that an attacker would try first for a member with this name and email. */
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

/** The member who has an email. */
export interface EmailOwner {
  readonly id: string;
  readonly email: string;
  readonly passwordHash: string;
  /** Whether they may log in. */
  readonly isActive: boolean;
}

interface Owner {
  readonly id: string;
  readonly passwordHash: string;
  readonly disabledAt: number | string | null;
  readonly awaitingSince: number | string | null;
}

/** An SQL condition: whether there is another admin who can log in. `$n` is the member to be removed. */
const otherAdmin = (n: number) =>
  `EXISTS (SELECT 1 FROM "users" o WHERE o."role" = 'admin' AND o."disabledAt" IS NULL AND o."awaitingSince" IS NULL AND o."id" <> $${n})`;

/** Holds both spellings of the email's domain, so that a search finds either. */
function searchTextOf(name: string, email: string): string {
  const at = email.lastIndexOf('@') + 1;
  const inAscii = email.slice(0, at) + domainToASCII(email.slice(at));
  return fold([name, email, ...(inAscii === email ? [] : [inAscii])].join(' '));
}

/**
 * If the email has an owner, writes the same row again. Both cases write to the disk, so that they take the same time.
 */
const registration = `
  INSERT INTO "users" ("id", "name", "email", "searchText", "passwordHash", "role", "emailVerifiedAt", "emailOwnedAt", "awaitingSince", "createdAt")
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
  ON CONFLICT ("email") DO UPDATE SET "email" = excluded."email"
  RETURNING "id"`;
