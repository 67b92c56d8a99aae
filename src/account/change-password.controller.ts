import { Controller, Get, Redirect } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '../http/access.js';

/**
 * The address where password managers look for the page that changes a password (W3C, A Well-Known URL for Changing
 * Passwords).
 */
@ApiExcludeController()
@Public()
@Controller('.well-known/change-password')
export class ChangePasswordController {
  @Get()
  @Redirect('/account/password', 303)
  lead(): void {
    // `@Redirect` does all the work
  }
}
