import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { statSync } from 'node:fs';
import { Settings } from '../config/settings.js';
import { FilesService } from './files.service.js';

/** Imports the welcome file, once, so that a fresh install has a file to serve. */
@Injectable()
export class WelcomeFile implements OnApplicationBootstrap {
  private readonly logger = new Logger('Files');

  constructor(
    private readonly settings: Settings,
    private readonly files: FilesService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const path = this.settings.welcomeFile;
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) {
      this.logger.warn(`There is no WELCOME_FILE at ${path}: a fresh install starts empty.`);
      return;
    }
    const file = await this.files.importOnce(path, 'welcome');
    if (file) this.logger.log(`The welcome file was imported: ${file.name}, ${file.size} bytes.`);
  }
}
