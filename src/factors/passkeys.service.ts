import { Injectable, NotFoundException } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server';
import { Repository } from 'typeorm';
import { validate as isUuid, v7 as uuid } from 'uuid';
import { isUniqueViolation } from '../database/unique-violation.js';
import { Writer } from '../database/writer.js';
import type { Viewer } from '../http/access.js';
import { Ceremonies } from './ceremonies.js';
import { Challenges } from './challenges.js';
import { hasAuthenticator, lastFactorLock } from './last-factor.js';
import { Passkey } from './passkey.entity.js';

/** Passkeys: as many as a member likes, each with a name. Each challenge is answered once. (ASVS 5.0 6.3.3, 6.5) */
@Injectable()
export class PasskeysService {
  constructor(
    @InjectRepository(Passkey) private readonly passkeys: Repository<Passkey>,
    private readonly ceremonies: Ceremonies,
    private readonly challenges: Challenges,
    private readonly writer: Writer,
  ) {}

  /** A member's passkeys, the oldest first. */
  listFor(userId: string): Promise<Passkey[]> {
    return this.passkeys.find({ where: { userId }, order: { id: 'ASC' } });
  }

  /** @throws NotFoundException where the member has no such passkey. */
  async findFor({ id: userId }: Pick<Viewer, 'id'>, id: string): Promise<Passkey> {
    const passkey = isUuid(id) ? await this.passkeys.findOneBy({ id, userId }) : null;
    return passkey ?? notThere();
  }

  /** What a browser needs to make a passkey for this member. */
  async creationOptionsFor(viewer: Viewer): Promise<PublicKeyCredentialCreationOptionsJSON> {
    return this.ceremonies.creationOptions(viewer, await this.listFor(viewer.id));
  }

  /** Takes in a passkey that the member's browser made; undefined where its answer is not right, or came before. */
  async register({ id: userId }: Pick<Viewer, 'id'>, response: string, name: string): Promise<Passkey | undefined> {
    const created = await this.ceremonies.created(userId, response);
    if (!created) return undefined;
    const { challenge, ...credential } = created;
    if (!(await this.challenges.spend(challenge))) return undefined;
    const passkey: Passkey = { id: uuid(), userId, ...credential, name, createdAt: new Date(), lastUsedAt: null };
    try {
      await this.passkeys.insert(passkey);
      return passkey;
    } catch (error) {
      if (isUniqueViolation(error)) return undefined;
      throw error;
    }
  }

  /** What a browser needs to prove that a passkey is there: one of this member's, or any. */
  async requestOptions(userId?: string): Promise<PublicKeyCredentialRequestOptionsJSON> {
    return this.ceremonies.requestOptions(userId === undefined ? [] : await this.listFor(userId));
  }

  /** Whose passkey an answer says it comes from: nothing of it is verified, and nothing is written. */
  async findOwner(response: string, expectedUserId?: string): Promise<string | undefined> {
    return (await this.named(response, expectedUserId))?.userId;
  }

  /**
   * Whose passkey answered, and its name: one of `expectedUserId`, where that is given. Undefined where the answer is
   * not right, too late, or came before; whether the member may come in is for the caller to see.
   */
  async authenticate(response: string, expectedUserId?: string): Promise<{ userId: string; name: string } | undefined> {
    const passkey = await this.named(response, expectedUserId);
    const proven = passkey && (await this.ceremonies.proven(passkey, response));
    if (!proven || !(await this.challenges.spend(proven.challenge))) return undefined;
    return (await this.noteUse(passkey, proven.counter)) ? { userId: passkey.userId, name: passkey.name } : undefined;
  }

  /** @throws NotFoundException where the member has no such passkey. */
  async rename({ id: userId }: Pick<Viewer, 'id'>, id: string, name: string): Promise<void> {
    const { affected } = isUuid(id) ? await this.passkeys.update({ id, userId }, { name }) : { affected: 0 };
    if (affected !== 1) notThere();
  }

  /** The name of the passkey that is gone by this; with `unlessLast` only where there is another factor. */
  async delete(userId: string, id: string, unlessLast: boolean): Promise<string | undefined> {
    if (!isUuid(id)) return undefined;
    const sql = `DELETE FROM "passkeys" WHERE "userId" = $1 AND "id" = $2`;
    const [row] = unlessLast
      ? await this.writer.alone<Passkey>(lastFactorLock, `${sql} AND ${hasOther} RETURNING "name"`, [userId, id])
      : await this.writer.rows<Passkey>(`${sql} RETURNING "name"`, [userId, id]);
    return row?.name;
  }

  async removeAllOf(userId: string): Promise<void> {
    await this.passkeys.delete({ userId });
  }

  private async named(response: string, userId?: string): Promise<Passkey | undefined> {
    const credentialId = this.ceremonies.credentialIdOf(response);
    if (credentialId === undefined) return undefined;
    return (await this.passkeys.findOneBy({ credentialId, ...(userId && { userId }) })) ?? undefined;
  }

  /** A count that went backwards meanwhile is that of a copy. */
  private async noteUse({ id }: Passkey, counter: number): Promise<boolean> {
    const { affected } = await this.passkeys
      .createQueryBuilder()
      .update({ counter, lastUsedAt: new Date() })
      .where(`"id" = :id AND "counter" ${counter === 0 ? '<=' : '<'} :counter`, { id, counter })
      .execute();
    return affected === 1;
  }
}

const hasOther = `(${hasAuthenticator} OR EXISTS (SELECT 1 FROM "passkeys" p WHERE p."userId" = $1 AND p."id" <> $2))`;

function notThere(): never {
  throw new NotFoundException('You have no such passkey.');
}
