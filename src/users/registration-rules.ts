import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Column, Entity, PrimaryColumn, Repository } from 'typeorm';
import { domainForm } from '../config/email-address.js';
import { Reader } from '../database/reader.js';

/** The ways to register: `open` to anyone, by `invite`, with an admin's `approval`, or `closed`. */
export const registrationModes = ['open', 'invite', 'approval', 'closed'] as const;
export type RegistrationMode = (typeof registrationModes)[number];

/** A setting that admins change while the site runs. */
@Entity('policies')
export class Policy {
  @PrimaryColumn('varchar', { length: 40 })
  name!: string;

  /** The value as JSON. */
  @Column('text')
  value!: string;
}

export interface Rules {
  readonly mode: RegistrationMode;
  /** The domains that an email address may have. If the list is empty, any domain may register. */
  readonly domains: readonly string[];
}

const usual: Rules = { mode: 'open', domains: [] };

/**
 * The rules for registration, as the admins have set them. They are in the database, so that every process uses a
 * change at once.
 */
@Injectable()
export class RegistrationRules {
  constructor(
    @InjectRepository(Policy) private readonly policies: Repository<Policy>,
    private readonly reader: Reader,
  ) {}

  async current(): Promise<Rules> {
    const [row] = await this.reader.rows<Policy>(`SELECT "value" FROM "policies" WHERE "name" = 'registration'`);
    return row ? (JSON.parse(row.value) as Rules) : usual;
  }

  async set({ mode, domains }: Rules): Promise<void> {
    await this.policies.upsert({ name: 'registration', value: JSON.stringify({ mode, domains }) }, ['name']);
  }
}

/** Whether an email is of one of the allowed domains, or all domains are allowed. */
export const isOfDomains = (email: string, { domains }: Rules): boolean =>
  domains.length === 0 || domains.map(domainForm).includes(domainForm(email.slice(email.lastIndexOf('@') + 1)));
