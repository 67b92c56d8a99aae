import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Column, Entity, PrimaryColumn, Repository } from 'typeorm';
import { domainForm } from '../config/email-address.js';
import { Reader } from '../database/reader.js';

/** Who may register: anyone; those with an invite; anyone whom an admin then lets in; nobody. */
export const registrationModes = ['open', 'invite', 'approval', 'closed'] as const;
export type RegistrationMode = (typeof registrationModes)[number];

/** What admins set while the site runs. */
@Entity('policies')
export class Policy {
  @PrimaryColumn('varchar', { length: 40 })
  name!: string;

  /** JSON. */
  @Column('text')
  value!: string;
}

export interface Rules {
  readonly mode: RegistrationMode;
  /** The domains that an email may be of; any, where there are none. */
  readonly domains: readonly string[];
}

const usual: Rules = { mode: 'open', domains: [] };

/** Who may register, as the admins have set it; in the database, so that every process knows at once. */
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

/** Whether an email is of one of the domains, or there are none to be of. */
export const isOfDomains = (email: string, { domains }: Rules): boolean =>
  domains.length === 0 || domains.map(domainForm).includes(domainForm(email.slice(email.lastIndexOf('@') + 1)));
