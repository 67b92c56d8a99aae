import { EmailField, KnownPasswordField, NameField, NewPasswordField } from '../users/account-fields.js';

/** The new name of a member. */
export class NameChangeInput {
  @NameField('your name', 'Ada Lovelace')
  name!: string;
}

/** The new address of a member. */
export class EmailChangeInput {
  @EmailField()
  email!: string;
}

/** A member's current password and the new one. */
export class PasswordChangeInput {
  @KnownPasswordField('Please give the password that you have now.')
  currentPassword!: string;

  @NewPasswordField()
  password!: string;
}

/** The password that a member gives to delete their account. */
export class DeletionInput {
  @KnownPasswordField()
  password!: string;
}
