import { Controller, Delete, Head, HttpCode, Patch, Post } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { AdminsOnly } from '../http/access.js';
import { OnPage } from '../http/form.js';
import { Names } from '../http/named.js';
import { TakesUploads } from '../http/takes-uploads.js';
import { AskedByAdmin, Tus, type Asked } from './tus.js';
import { UploadsService } from './uploads.service.js';

/** Resumable uploads (tus 1.0), for the page in an admin's browser. */
@ApiExcludeController()
@AdminsOnly()
@Names(UploadsService, (uploads, { id }, { id: adminId }) => uploads.findOwn(id, adminId))
@Controller('admin/uploads')
export class UploadsController {
  constructor(private readonly tus: Tus) {}

  @Post()
  @OnPage('/admin/files/upload')
  @TakesUploads('pieces')
  begin(@AskedByAdmin() asked: Asked) {
    return this.tus.answer(asked);
  }

  @Head(':id')
  @OnPage('/admin/files/upload')
  find(@AskedByAdmin() asked: Asked) {
    return this.tus.answer(asked);
  }

  @Patch(':id')
  @OnPage('/admin/files/upload')
  @HttpCode(204)
  @TakesUploads('pieces')
  goOn(@AskedByAdmin() asked: Asked) {
    return this.tus.answer(asked);
  }

  @Delete(':id')
  @OnPage('/admin/files/upload')
  @HttpCode(204)
  cancel(@AskedByAdmin() asked: Asked) {
    return this.tus.answer(asked);
  }
}
