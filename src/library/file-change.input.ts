import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsOptional } from 'class-validator';
import { NameField } from '../users/account-fields.js';

/** The name that a file shall have. */
export class FileNameInput {
  @NameField('the file a name', 'report.pdf')
  name!: string;
}

/** What shall change about a file; what is not named stays. */
export class FileChangeInput {
  @IsOptional()
  @NameField('the file a name', 'report.pdf')
  name?: string;

  @ApiPropertyOptional({ description: 'true makes it the file that `/download` serves; false leaves that to another.' })
  @IsOptional()
  @IsBoolean({ message: 'featured is true or false.' })
  featured?: boolean;

  @ApiPropertyOptional({ enum: [false], description: 'false takes back that it was deleted, within 30 days.' })
  @IsOptional()
  @IsIn([false], { message: 'deleted is false, or left out: to delete a file, send DELETE.' })
  deleted?: false;
}
