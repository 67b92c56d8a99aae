import { EmailField, KnownPasswordField, NameField, NewPasswordField } from '../users/account-fields.js';

/** The name that a member wants to be called by. */
export class NameChangeInput {
  @NameField('your name', 'Ada Lovelace')
  name!: string;
}

/** The address that a member wants to have. */
export class EmailChangeInput {
  @EmailField()
  email!: string;
}

/** The password that a member has, and the one they want. */
export class PasswordChangeInput {
  @KnownPasswordField('Please give the password that you have now.')
  currentPassword!: string;

  @NewPasswordField()
  password!: string;
}

/** What it takes to delete one's account. */
export class DeletionInput {
  @KnownPasswordField()
  password!: string;
}
