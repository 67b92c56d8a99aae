import { Injectable } from '@nestjs/common';
import type {
  AuthenticationResponseJSON,
  AuthenticatorTransport,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server';
import { parse as bytesOf } from 'uuid';
import { Settings } from '../config/settings.js';
import type { Viewer } from '../http/access.js';
import { Challenges } from './challenges.js';
import type { Passkey } from './passkey.entity.js';

/**
 * Loaded when somebody first uses a passkey, because the library is a tenth of all the files that a start would read.
 */
const webauthn = () => import('@simplewebauthn/server');

/** EdDSA, ES256 and RS256, which every browser and authenticator supports. The same list is offered and checked. */
const algorithms = [-8, -7, -257];

const knownTransports = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'];

/** The most characters in base64url of an authenticator's id for a passkey: 1,023 bytes (WebAuthn 3, 7.1). */
const longestId = Math.ceil((1_023 * 4) / 3);

/** The parts of a new passkey that are stored, and the challenge that it answers. */
export interface Created extends Pick<Passkey, 'credentialId' | 'publicKey' | 'counter' | 'transports'> {
  readonly challenge: string;
}

/**
 * The two WebAuthn ceremonies: to create a passkey, and to prove that a member has one (WebAuthn 3, 7.1 and 7.2). Both
 * ask the authenticator to verify its user by a fingerprint, a face or a PIN, so a passkey alone is two factors. A
 * wrong answer is refused in the same way, whatever is wrong with it.
 */
@Injectable()
export class Ceremonies {
  private readonly site: { readonly expectedOrigin: string; readonly expectedRPID: string };

  constructor(
    private readonly challenges: Challenges,
    { publicUrl }: Settings,
  ) {
    this.site = { expectedOrigin: publicUrl, expectedRPID: new URL(publicUrl).hostname };
  }

  /**
   * The options that a browser needs to create a passkey for a member. `known` are the passkeys that it must not create
   * again.
   */
  async creationOptions(viewer: Viewer, known: readonly Passkey[]): Promise<PublicKeyCredentialCreationOptionsJSON> {
    const { generateRegistrationOptions } = await webauthn();
    return generateRegistrationOptions({
      rpName: 'Gatehouse',
      rpID: this.site.expectedRPID,
      userID: bytesOf(viewer.id),
      userName: viewer.email,
      userDisplayName: viewer.name,
      challenge: this.challenges.issue('creation', viewer.id),
      timeout: Challenges.lifetime,
      attestationType: 'none',
      excludeCredentials: known.map(describe),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      supportedAlgorithmIDs: algorithms,
    });
  }

  /**
   * The options that a browser needs to prove that it has one of these passkeys. If the list is empty, any passkey of
   * this site will do.
   */
  async requestOptions(known: readonly Passkey[]): Promise<PublicKeyCredentialRequestOptionsJSON> {
    const { generateAuthenticationOptions } = await webauthn();
    return generateAuthenticationOptions({
      rpID: this.site.expectedRPID,
      challenge: this.challenges.issue('proof'),
      timeout: Challenges.lifetime,
      allowCredentials: known.map(describe),
      userVerification: 'required',
    });
  }

  /** The passkey that a browser created for a member. Gives undefined if the browser's answer is not valid. */
  async created(userId: string, text: string): Promise<Created | undefined> {
    try {
      const response = JSON.parse(text) as RegistrationResponseJSON;
      if (!isPlain(response.response) || (await isCertified(response))) return undefined;
      const { verifyRegistrationResponse } = await webauthn();
      const { registrationInfo } = await verifyRegistrationResponse({
        ...this.site,
        response,
        expectedChallenge: (challenge) => this.challenges.isOurs(decoded(challenge), 'creation', userId),
        supportedAlgorithmIDs: algorithms,
      });
      if (!registrationInfo || registrationInfo.credential.id.length > longestId) return undefined;
      const { id, publicKey, counter, transports } = registrationInfo.credential;
      return {
        credentialId: id,
        publicKey: Buffer.from(publicKey).toString('base64url'),
        counter,
        transports: knownTransports.filter((transport) => transports?.some((name) => name === transport)).join(','),
        challenge: challengeOf(response),
      };
    } catch {
      return undefined;
    }
  }

  /**
   * The authenticator's id for the passkey that an answer claims to come from. Nothing about it is verified yet. Gives
   * undefined if there is no valid id.
   */
  credentialIdOf(text: string): string | undefined {
    try {
      const { id } = JSON.parse(text) as { id?: unknown };
      return typeof id === 'string' && id.length <= longestId && /^[\w-]+$/.test(id) ? id : undefined;
    } catch {
      return undefined;
    }
  }

  /** The passkey's new use counter and the challenge that it answers. Gives undefined if the answer is not valid. */
  async proven(passkey: Passkey, text: string): Promise<{ counter: number; challenge: string } | undefined> {
    try {
      const response = JSON.parse(text) as AuthenticationResponseJSON;
      if (!isPlain(response.response)) return undefined;
      const { userHandle } = response.response;
      if (userHandle && userHandle !== Buffer.from(bytesOf(passkey.userId)).toString('base64url')) return undefined;
      const { verifyAuthenticationResponse } = await webauthn();
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        ...this.site,
        response,
        expectedChallenge: (challenge) => this.challenges.isOurs(decoded(challenge), 'proof'),
        credential: {
          id: passkey.credentialId,
          publicKey: new Uint8Array(Buffer.from(passkey.publicKey, 'base64url')),
          counter: passkey.counter,
        },
      });
      return verified ? { counter: authenticationInfo.newCounter, challenge: challengeOf(response) } : undefined;
    } catch {
      return undefined;
    }
  }
}

/**
 * Whether all binary parts of an answer are in the standard spelling of base64url (RFC 4648, 5), as browsers write it.
 * The library reads other spellings too, but not as Node does. Then the values that are checked and the values that are
 * used could differ.
 */
const isPlain = (response: object): boolean =>
  Object.values(response).every(
    (part: unknown) => typeof part !== 'string' || Buffer.from(part, 'base64url').toString('base64url') === part,
  );

/**
 * Whether an authenticator sends certificates that name its maker. We do not ask for them, so a browser sends none. To
 * check them, the library would fetch any address that they contain.
 */
async function isCertified({ response }: RegistrationResponseJSON): Promise<boolean> {
  const { decodeAttestationObject } = await import('@simplewebauthn/server/helpers');
  const attestation = decodeAttestationObject(new Uint8Array(Buffer.from(response.attestationObject, 'base64url')));
  const format = attestation.get('fmt');
  return format !== 'none' && (format !== 'packed' || attestation.get('attStmt').get('x5c') !== undefined);
}

const challengeOf = ({ response }: { response: { clientDataJSON: string } }) =>
  decoded((JSON.parse(decoded(response.clientDataJSON)) as { challenge: string }).challenge);

const decoded = (base64url: string) => Buffer.from(base64url, 'base64url').toString();

const describe = ({ credentialId, transports }: Passkey) => ({
  id: credentialId,
  transports: transports.split(',').filter(Boolean) as AuthenticatorTransport[],
});
