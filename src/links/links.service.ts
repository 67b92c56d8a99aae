import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { createHash, randomBytes } from 'node:crypto';
import { Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import { dayMs, hourMs } from '../config/durations.js';
import { Chores } from '../http/chores.js';
import { newestId, cursorPageOf, type PagingInput, type CursorPage } from '../http/paging.input.js';
import { Link, type LinkKind } from './link.entity.js';

export interface NewLink {
  readonly kind: LinkKind;
  /** The member it is for, or who made it. Null if anyone who holds it may use it. */
  readonly userId: string | null;
  /** In milliseconds. */
  readonly lifetime: number;
  readonly data?: string;
}

/** Kinds of which a member has only one link at a time: the latest. This is true even if two are made at once. */
const single: readonly LinkKind[] = ['reset', 'email', 'form'];

/**
 * Links. A person who holds the secret may do one thing, once, before it expires. The database holds only hashes. (ASVS
 * 5.0 6.4, 6.5)
 */
@Injectable()
export class LinksService implements OnModuleInit {
  constructor(
    @InjectRepository(Link) private readonly links: Repository<Link>,
    private readonly chores: Chores,
  ) {}

  /** Makes a link and returns its secret (43 characters). The secret is stored nowhere. */
  async issue({ kind, userId, lifetime, data }: NewLink): Promise<{ secret: string; link: Link }> {
    const secret = randomBytes(32).toString('base64url');
    const now = Date.now();
    const link: Link = {
      id: uuid(),
      kind,
      userId,
      secretHash: hashOf(secret),
      data: data ?? null,
      createdAt: new Date(now),
      expiresAt: new Date(now + lifetime),
      usedAt: null,
    };
    await this.links.insert(link);
    if (single.includes(kind))
      await this.links
        .createQueryBuilder()
        .delete()
        .where('"userId" = :userId AND "kind" = :kind AND "id" < :id', link)
        .execute();
    return { secret, link };
  }

  /** The unused link that a secret opens, for a page that shows what it would do. Undefined if there is none. */
  async find(kind: LinkKind, secret: unknown): Promise<Link | undefined> {
    if (typeof secret !== 'string' || secret.length > 100) return undefined;
    const query = this.links
      .createQueryBuilder('l')
      .where('l."secretHash" = :hash AND l."kind" = :kind AND l."usedAt" IS NULL AND l."expiresAt" > :now', {
        hash: hashOf(secret),
        kind,
        now: Date.now(),
      });
    if (single.includes(kind)) query.andWhere(`NOT EXISTS (${later})`);
    return (await query.getOne()) ?? undefined;
  }

  /** Uses the link that a secret opens and returns it. If several requests try at once, only one gets it. */
  async spend(kind: LinkKind, secret: unknown): Promise<Link | undefined> {
    const link = await this.find(kind, secret);
    if (!link) return undefined;
    const now = Date.now();
    const { affected } = await this.links
      .createQueryBuilder()
      .update({ usedAt: new Date(now) })
      .where('"id" = :id AND "usedAt" IS NULL AND "expiresAt" > :now', { id: link.id, now })
      .execute();
    return affected === 1 ? link : undefined;
  }

  /** Makes a link usable again if its use failed. */
  async giveBack({ id }: Link): Promise<void> {
    await this.links.update({ id }, { usedAt: null });
  }

  /** The links of a kind that can still be used, newest first. */
  async list(kind: LinkKind, { limit, cursor = newestId }: PagingInput): Promise<CursorPage<Link>> {
    const found = await this.links
      .createQueryBuilder('l')
      .where('l."kind" = :kind AND l."id" < :cursor AND l."usedAt" IS NULL AND l."expiresAt" > :now', {
        kind,
        cursor,
        now: Date.now(),
      })
      .orderBy('l.id', 'DESC')
      .limit(limit + 1)
      .getMany();
    return cursorPageOf(found, limit);
  }

  /** A member's latest link of a kind that can still be used. */
  async latestOf(kind: LinkKind, userId: string): Promise<Link | undefined> {
    const query = this.links
      .createQueryBuilder('l')
      .where('l."userId" = :userId AND l."kind" = :kind AND l."usedAt" IS NULL AND l."expiresAt" > :now', {
        userId,
        kind,
        now: Date.now(),
      })
      .orderBy('l.id', 'DESC')
      .limit(1);
    return (await query.getOne()) ?? undefined;
  }

  /** Whether there is such a link, used or not. */
  has(kind: LinkKind, id: string): Promise<boolean> {
    return this.links.existsBy({ kind, id });
  }

  /** Deletes a link. Returns whether it existed. */
  async withdraw(kind: LinkKind, id: string): Promise<boolean> {
    const { affected } = await this.links.delete({ kind, id });
    return affected === 1;
  }

  /** Deletes every link that could open this member's account. */
  async withdrawAllOf(userId: string): Promise<void> {
    await this.links
      .createQueryBuilder()
      .delete()
      .where(`"userId" = :userId AND "kind" <> 'invite'`, { userId })
      .execute();
  }

  /** Deletes every link that was made for an email address, used or not, because the address is personal data. */
  async forget(email: string): Promise<void> {
    await this.links.delete({ data: email });
  }

  onModuleInit(): void {
    this.chores.every(hourMs, () => this.sweep(), 'expired links could not be deleted');
  }

  private async sweep(): Promise<void> {
    const now = Date.now();
    await this.links
      .createQueryBuilder()
      .delete()
      // a kept form is of no use after it expires
      .where(`"expiresAt" < :before OR ("kind" = 'form' AND "expiresAt" < :now)`, { before: now - dayMs, now })
      .execute();
  }
}

const later = 'SELECT 1 FROM "links" n WHERE n."userId" = l."userId" AND n."kind" = l."kind" AND n."id" > l."id"';

const hashOf = (secret: string) => createHash('sha256').update(secret).digest('base64url');
