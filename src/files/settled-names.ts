import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Refolds, type StoredForm } from '../http/refolds.js';
import { nameRuleVersion } from './file-name.js';
import { nameForms, searchTextOf } from './stored-file.entity.js';

interface Row {
  readonly id: string;
  readonly name: string;
  readonly searchName: string;
  readonly note: string;
}

/**
 * Updates names that were stored under an older rule for names. Until a name is updated, it is only shown by the
 * current rule, and two names that become equal by this rule do not get a number yet.
 */
@Injectable()
export class SettledNames implements OnModuleInit {
  constructor(private readonly refolds: Refolds) {}

  onModuleInit(): void {
    this.refolds.add(names);
  }
}

const names: StoredForm<Row> = {
  name: 'names of files',
  version: nameRuleVersion,
  select: `SELECT "id", "name", "searchName", "note" FROM "files" WHERE "id" > $1 ORDER BY "id" LIMIT $2`,
  update: ({ id, name, searchName, note }) => {
    const forms = nameForms(name);
    if (forms.name === name && forms.searchName === searchName) return undefined;
    return [
      `UPDATE "files" SET "name" = $1, "searchName" = $2, "searchText" = $3
       WHERE "id" = $4 AND "name" = $5 AND "note" = $6 RETURNING "id"`,
      [forms.name, forms.searchName, searchTextOf({ name: forms.name, note }), id, name, note],
    ];
  },
};
