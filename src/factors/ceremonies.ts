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

/** Loaded when somebody first uses a passkey: it is a tenth of all the files that a start would read. */
const webauthn = () => import('@simplewebauthn/server');

/** What every browser and authenticator knows, EdDSA, ES256 and RS256; the same list for the asking and the checking. */
const algorithms = [-8, -7, -257];

const knownTransports = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'];

/** The most bytes that an authenticator's name for a passkey has (WebAuthn 3, 7.1), in base64url. */
const longestId = Math.ceil((1_023 * 4) / 3);

/** What is kept of a passkey that was made, and the challenge that it answers. */
export interface Created extends Pick<Passkey, 'credentialId' | 'publicKey' | 'counter' | 'transports'> {
  readonly challenge: string;
}

/**
 * The two talks with an authenticator: making a passkey, and proving that it is there (WebAuthn 3, 7.1 and 7.2). Both
 * ask that it knows its person, by a finger, a face or a PIN, so a passkey alone is two factors. Whatever is wrong
 * with an answer, it is refused alike.
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

  /** What a browser needs to make a passkey for a member; `known` are the ones that it need not make again. */
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

  /** What a browser needs to prove that one of these passkeys is there; any of this site's, where none is named. */
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

  /** The passkey that was made for a member, by what the browser answered; undefined where that is not right. */
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

  /** The passkey that an answer says it comes from, by the authenticator's name for it; nothing is believed of it yet. */
  credentialIdOf(text: string): string | undefined {
    try {
      const { id } = JSON.parse(text) as { id?: unknown };
      return typeof id === 'string' && id.length <= longestId && /^[\w-]+$/.test(id) ? id : undefined;
    } catch {
      return undefined;
    }
  }

  /** The passkey's new count, and the challenge that it answers; undefined where the answer is not right. */
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
 * Whether all binary parts of an answer are base64url in its one spelling (RFC 4648, 5), as browsers write it. The library
 * reads others as well, and in another way than Node: what it has checked and what is used would not be the same.
 */
const isPlain = (response: object): boolean =>
  Object.values(response).every(
    (part: unknown) => typeof part !== 'string' || Buffer.from(part, 'base64url').toString('base64url') === part,
  );

/**
 * Whether an authenticator tells by certificates who made it. We do not ask for that, so a browser sends none; and to
 * check them the library would load whatever address stands in them.
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
