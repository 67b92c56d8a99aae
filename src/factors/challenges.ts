import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { Repository } from 'typeorm';
import { hourMs, minuteMs } from '../config/durations.js';
import { Keys } from '../config/keys.js';
import { isUniqueViolation } from '../database/unique-violation.js';
import { Chores } from '../http/chores.js';
import { SpentChallenge } from './spent-challenge.entity.js';

/** What a challenge is for: to create a passkey, or to prove that a member has one. */
export type Purpose = 'creation' | 'proof';

/**
 * The challenges that passkeys sign. A challenge holds an expiry time, a random part and a keyed hash of both, so that
 * a page which shows one stores nothing. It can be answered once, within five minutes, and only for the purpose that it
 * was made for. If it was made for a member, only that member can answer it.
 */
@Injectable()
export class Challenges implements OnModuleInit {
  static readonly lifetime = 5 * minuteMs;

  constructor(
    @InjectRepository(SpentChallenge) private readonly spent: Repository<SpentChallenge>,
    private readonly keys: Keys,
    private readonly chores: Chores,
  ) {}

  /** A new challenge. If `userId` is given, only that member can answer it. */
  issue(purpose: Purpose, userId = ''): string {
    return this.write(purpose, userId, String(Date.now() + Challenges.lifetime), randomBytes(16).toString('base64url'));
  }

  /**
   * Whether this site made the challenge for this purpose and member, and it has not expired. `spend` checks whether it
   * was answered before.
   */
  isOurs(challenge: string, purpose: Purpose, userId = ''): boolean {
    const [expiresAt = '', nonce = ''] = challenge.split('.');
    const ours = Buffer.from(this.write(purpose, userId, expiresAt, nonce));
    const given = Buffer.from(challenge);
    return given.length === ours.length && timingSafeEqual(given, ours) && Number(expiresAt) > Date.now();
  }

  /**
   * Marks the challenge as used. Gives false if it was used before; if many requests use it at once, only one gets
   * true.
   */
  async spend(challenge: string): Promise<boolean> {
    try {
      await this.spent.insert({ challenge, expiresAt: new Date(Number(challenge.split('.', 1)[0])) });
      return true;
    } catch (error) {
      if (isUniqueViolation(error)) return false;
      throw error;
    }
  }

  onModuleInit(): void {
    this.chores.every(hourMs, () => this.sweep(), 'spent challenges could not be deleted');
  }

  private write(purpose: Purpose, userId: string, expiresAt: string, nonce: string): string {
    const mark = this.keys.mark('passkey challenge', [purpose, userId, expiresAt, nonce].join('\n'));
    return [expiresAt, nonce, mark].join('.');
  }

  private async sweep(): Promise<void> {
    const now = Date.now();
    await this.spent.createQueryBuilder().delete().where('"expiresAt" < :now', { now }).execute();
  }
}
