import { Injectable, type INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder, Settings } from '../config/settings.js';

const { version } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as { version: string };

/** The OpenAPI 3.1 description of the API. It is made from the controllers' declarations when it is first asked for. */
@Injectable()
export class ApiDescription {
  private app: INestApplication | undefined;
  private made: OpenAPIObject | undefined;

  constructor(private readonly settings: Settings) {}

  /** Must be called once, before the site listens. */
  describe(app: INestApplication): void {
    this.app = app;
  }

  get document(): OpenAPIObject {
    return (this.made ??= this.make());
  }

  private make(): OpenAPIObject {
    if (!this.app) throw new Error('Nobody has said which application is to be described.');
    const outline = new DocumentBuilder()
      .setOpenAPIVersion('3.1.0')
      .setTitle('Gatehouse')
      .setDescription('A members-only download site: log in, list the files you may have, and download them.')
      .setVersion(version)
      .setLicense('MIT', 'https://spdx.org/licenses/MIT.html')
      .addServer(this.settings.publicUrl)
      .addTag('Sessions', 'Become a member, log in, log out.')
      .addTag('Your account', 'Your name, address and password, where you are logged in, your tokens, your data.')
      .addTag('Second factor', 'An authenticator app, passkeys, and recovery codes.')
      .addTag('Mailed links', 'What a link in a mail does: a new password, a confirmed address.')
      .addTag('Files', 'What you may have, and its bytes.')
      .addTag('Collections', 'Files that are given together, as one zip.')
      .addTag('Administration', 'For admins: the members, who becomes one, and what happened.')
      .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' })
      .build();
    return SwaggerModule.createDocument(this.app, outline);
  }
}
