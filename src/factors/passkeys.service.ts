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

/**
 * Passkeys. A member may have any number, each with a name. Each challenge can be answered once (ASVS 5.0 6.3.3, 6.5).
 */
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

  /** @throws NotFoundException if the member has no such passkey. */
  async findFor({ id: userId }: Pick<Viewer, 'id'>, id: string): Promise<Passkey> {
    const passkey = isUuid(id) ? await this.passkeys.findOneBy({ id, userId }) : null;
    return passkey ?? notThere();
  }

  /** The options that a browser needs to create a passkey for this member. */
  async creationOptionsFor(viewer: Viewer): Promise<PublicKeyCredentialCreationOptionsJSON> {
    return this.ceremonies.creationOptions(viewer, await this.listFor(viewer.id));
  }

  /**
   * Stores a passkey that the member's browser created. Gives undefined if the answer is not valid or was used before,
   * or the passkey is stored already.
   */
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

  /**
   * The options that a browser needs to prove that it has a passkey of this member, or any passkey if no member is
   * given.
   */
  async requestOptions(userId?: string): Promise<PublicKeyCredentialRequestOptionsJSON> {
    return this.ceremonies.requestOptions(userId === undefined ? [] : await this.listFor(userId));
  }

  /** The id of the member whose passkey an answer claims to come from. Verifies nothing and writes nothing. */
  async findOwner(response: string, expectedUserId?: string): Promise<string | undefined> {
    return (await this.named(response, expectedUserId))?.userId;
  }

  /**
   * The member whose passkey answered, and the passkey's name. If `expectedUserId` is given, it must be that member.
   * Gives undefined if the answer is not valid, came too late or was used before. The caller must check whether the
   * member may log in.
   */
  async authenticate(response: string, expectedUserId?: string): Promise<{ userId: string; name: string } | undefined> {
    const passkey = await this.named(response, expectedUserId);
    const proven = passkey && (await this.ceremonies.proven(passkey, response));
    if (!proven || !(await this.challenges.spend(proven.challenge))) return undefined;
    return (await this.noteUse(passkey, proven.counter)) ? { userId: passkey.userId, name: passkey.name } : undefined;
  }

  /** @throws NotFoundException if the member has no such passkey. */
  async rename({ id: userId }: Pick<Viewer, 'id'>, id: string, name: string): Promise<void> {
    const { affected } = isUuid(id) ? await this.passkeys.update({ id, userId }, { name }) : { affected: 0 };
    if (affected !== 1) notThere();
  }

  /**
   * Deletes a passkey and gives its name, or undefined if nothing was deleted. With `unlessLast`, deletes it only if
   * the member has another factor.
   */
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

  /**
   * Stores the use counter. Gives false if the counter has not grown, because then the passkey may be a copy. An
   * authenticator that does not count always sends 0.
   */
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
